import Reactor
import Syscalls

/// What a child has written, as far as it was kept.
public struct CapturedOutput: Hashable, Sendable {
    /// The first bytes. Swift prints a fatal error first, and its backtrace after it.
    public internal(set) var first: [UInt8] = []
    /// The last bytes of those that came after the first.
    public internal(set) var last: [UInt8] = []
    /// How many were dropped between the two.
    public internal(set) var omittedByteCount = 0

    /// All of it as text, with a line that says what was dropped.
    public var text: String {
        let first = String(decoding: first, as: UTF8.self)
        let last = String(decoding: last, as: UTF8.self)
        return omittedByteCount == 0 ? first + last : first + "\n[\(omittedByteCount) bytes]\n" + last
    }
}

/// Empties a pipe as it fills, so that who writes never waits, and keeps the first and the last of what came.
///
/// It never waits for the end: a grandchild may hold the pipe for ever.
final class OutputCapture: Sendable {
    fileprivate let state: Lock<State>
    private let limit: Int
    private let display: FileDescriptor?

    fileprivate struct State: ~Copyable {
        var pipe: OwnedFileDescriptor?
        var output = CapturedOutput()
    }

    /// - Parameters:
    ///   - limit: How many bytes of the first, and as many of the last, are kept.
    ///   - display: Where it all goes, too.
    init(
        _ pipe: consuming OwnedFileDescriptor, keeping limit: Int, showingOn display: FileDescriptor?
    ) throws(Errno) {
        try pipe.descriptor.setBlocking(false)
        let number = pipe.descriptor
        state = Lock(State(pipe: pipe))
        self.limit = limit
        self.display = display
        watch(number)
    }

    private func watch(_ descriptor: FileDescriptor) {
        ReactorThread.shared.schedule { [weak self] reactor in
            guard let self, state.withLock({ $0.pipe != nil }) else { return }
            // If the kernel refuses to watch it, it is emptied at the child's end.
            try? reactor.addReader(descriptor) { [weak self] _ in
                if self?.drain() != true { reactor.removeReader(descriptor) }
            }
        }
    }

    deinit {
        // Removed before the number is given back: this object has the last reference.
        let pipe = state.withLock { $0.pipe.take() }
        guard let pipe else { return }
        let number = pipe.descriptor
        let kept = Kept(pipe)
        ReactorThread.shared.schedule { reactor in
            reactor.removeReader(number)
            _ = kept
        }
    }

    /// Takes in what is there. Returns whether more may come.
    @discardableResult
    func drain() -> Bool {
        state.withLock { state in
            guard let descriptor = state.descriptor else { return false }
            while true {
                do throws(Errno) {
                    let bytes = try descriptor.read(upTo: 65_536)
                    if bytes.isEmpty { return false }
                    state.output.append(bytes, keeping: limit)
                    display?.show(bytes)
                } catch {
                    return error == .resourceTemporarilyUnavailable
                }
            }
        }
    }

    /// What has come so far.
    var output: CapturedOutput {
        drain()
        return state.withLock { $0.output }
    }

    private final class Kept: Sendable {
        let descriptor: OwnedFileDescriptor

        init(_ descriptor: consuming OwnedFileDescriptor) { self.descriptor = descriptor }
    }
}

extension FileDescriptor {
    /// Writes what there is room for.
    fileprivate func show(_ bytes: [UInt8]) {
        var rest = bytes[...]
        // A pipe that can be written to at all takes so much (PIPE_BUF).
        while !rest.isEmpty, (try? wait(for: .writable, until: .now))?.contains(.writable) == true {
            guard (try? writeAll(Array(rest.prefix(4096)))) != nil else { return }
            rest = rest.dropFirst(4096)
        }
    }
}

extension OutputCapture.State {
    fileprivate var descriptor: FileDescriptor? {
        switch pipe {
        case .some(let pipe): pipe.descriptor
        case .none: nil
        }
    }
}

extension CapturedOutput {
    mutating func append(_ bytes: [UInt8], keeping limit: Int) {
        let head = bytes.prefix(max(0, limit - first.count))
        first += head
        last += bytes.dropFirst(head.count)
        if last.count > limit {
            omittedByteCount += last.count - limit
            last.removeFirst(last.count - limit)
        }
    }
}
