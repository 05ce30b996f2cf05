import ProcessRoles
import Syscalls

/// What the tracker says on standard error: never so much that a program's output drowns in it, and never waiting for a
/// reader who does not read.
struct Complaints: ~Copyable {
    enum Subject: Int, CaseIterable {
        case badCommand, registeredTwice, unknown, other
    }

    /// Of one subject; what comes then is left out.
    private static let most = 10
    private var counts = [Int](repeating: 0, count: Subject.allCases.count)

    mutating func say(_ subject: Subject, _ text: @autoclosure () -> String) {
        counts[subject.rawValue] += 1
        switch counts[subject.rawValue] {
        case ...Self.most: Self.say(text())
        case Self.most + 1: Self.say("further ones like the last are not shown")
        default: break
        }
    }

    /// Says what is said once.
    static func say(_ text: String) {
        let isWritable = try? FileDescriptor.standardError.wait(for: .writable, until: .after(.milliseconds(100)))
        guard isWritable?.contains(.writable) == true else { return }
        // As much as a pipe that is writable has room for.
        standardErrorLine("resource tracker: " + text.prefix(1500))
    }

    /// A name for people: what would make a line of its own, or nothing to see, is shown as a number.
    static func shown(_ name: [UInt8]) -> String {
        let text = String(decoding: name.prefix(300), as: UTF8.self)
        let harmless = text.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7f }
        return (harmless ? text : text.debugDescription) + (name.count > 300 ? "…" : "")
    }
}
