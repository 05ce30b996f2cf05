import ForkbenchCore
import Syscalls

/// A file named on the command line, to be written at the end; “-” is standard output.
///
/// It is opened first: a run of a minute shall not end with a path that cannot be written.
final class OutputFile {
    private let file: OwnedFileDescriptor?

    init(_ path: String) throws(UsageError) {
        guard path != "-" else {
            file = nil
            return
        }
        do throws(Errno) {
            file = try OwnedFileDescriptor.open(path, [.writeOnly, .create, .truncate])
        } catch {
            throw UsageError("“\(path)” cannot be written: \(error)")
        }
    }

    var isStandardOutput: Bool { file == nil }

    func write(_ text: String) throws(Errno) {
        switch file {
        case .some(let file): try file.descriptor.writeAll(text)
        case .none: try FileDescriptor.standardOutput.writeAll(text)
        }
    }
}

extension TerminalStyle {
    /// Of a descriptor: colours where it is a terminal that has them, and nobody has asked for none.
    init(of descriptor: FileDescriptor) {
        self.init(
            hasColours: descriptor.isTerminal && (Environment["NO_COLOR"] ?? "").isEmpty
                && Environment["TERM"] != "dumb")
    }
}
