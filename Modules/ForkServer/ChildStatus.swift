import Framing
import Syscalls

/// What a status socket tells of its child: that it has started, which the child says itself, and how it has ended, which the
/// server says; or why there is none.
enum ChildStatus: Sendable {
    /// With it comes the child's pidfd, where there are such.
    case started(ProcessID)
    case ended(ExitStatus)
    case typeUnknown
    case forkFailed(Errno)
    /// The parked child that was to run it has died before, or was stopped: it is to be sent again.
    case notTaken
    case notSingleThreaded(threads: [String])
}

/// Coded by hand: what it is, two numbers, and the names of threads, if any. What `Codable` takes is little for a message, and much for
/// a child that was just forked, and touches each page of Swift's library for the first time.
extension ChildStatus {
    private typealias Words = InlineArray<3, Int32>

    private enum Kind: Int32 {
        case started, exited, killed, endedUnknown, typeUnknown, forkFailed, notTaken, notSingleThreaded
    }

    private var words: Words {
        switch self {
        case .started(let process): [Kind.started.rawValue, process.rawValue, 0]
        case .ended(.exited(let code)): [Kind.exited.rawValue, code, 0]
        case .ended(.signaled(let signal, let coreDumped)): [Kind.killed.rawValue, signal, coreDumped ? 1 : 0]
        case .ended(.unknown): [Kind.endedUnknown.rawValue, 0, 0]
        case .typeUnknown: [Kind.typeUnknown.rawValue, 0, 0]
        case .forkFailed(let error): [Kind.forkFailed.rawValue, error.rawValue, 0]
        case .notTaken: [Kind.notTaken.rawValue, 0, 0]
        case .notSingleThreaded: [Kind.notSingleThreaded.rawValue, 0, 0]
        }
    }

    /// Sends it to the child's client, from the server, which waits for no client.
    func send(over status: Connection) throws(FramingError) {
        var message = words.span.bytes.withUnsafeBytes { Array($0) }
        if case .notSingleThreaded(let threads) = self { message += threads.joined(separator: "\n").utf8 }
        try status.send(message, until: .now)
    }

    /// Sends it to the child's client, from the child.
    func send(over status: FileDescriptor, passing descriptors: Span<FileDescriptor>) throws(FramingError) {
        try status.sendFrame(words.span.bytes, passing: descriptors)
    }

    /// Takes a message apart. What makes no sense can only be a torn end: nobody else than server and child write there.
    init(_ message: [UInt8]) {
        let size = MemoryLayout<Words>.size
        guard message.count >= size else {
            self = .ended(.unknown)
            return
        }
        let words = message.withUnsafeBytes { $0.loadUnaligned(as: Words.self) }
        self =
            switch Kind(rawValue: words[0]) {
            case .started: .started(ProcessID(rawValue: words[1]))
            case .exited: .ended(.exited(words[1]))
            case .killed: .ended(.signaled(words[1], coreDumped: words[2] != 0))
            case .typeUnknown: .typeUnknown
            case .forkFailed: .forkFailed(Errno(rawValue: words[1]))
            case .notTaken: .notTaken
            case .notSingleThreaded:
                .notSingleThreaded(
                    threads: message[size...].split(separator: UInt8(ascii: "\n")).map {
                        String(decoding: $0, as: UTF8.self)
                    })
            case .endedUnknown, nil: .ended(.unknown)
            }
    }
}

/// What a child tells its client of its start.
///
/// It says so itself: its client need not wait until the server has done what it has to do after a fork, or, for a parked child,
/// at all.
struct StartReport {
    /// Its own process descriptor, where there are such.
    private let process: FileDescriptor?

    /// In the child.
    init() throws(Errno) {
        #if os(Linux)
            process = FileDescriptor(rawValue: try ProcessDescriptor(of: .current).take().take())
        #else
            process = nil
        #endif
    }

    /// Sends it. A client that has gone is no error: its children learn of that in other ways.
    ///
    /// - Parameter status: Closed afterwards.
    func send(over status: FileDescriptor) {
        let started = ChildStatus.started(.current)
        if let process {
            let passed: InlineArray = [process]
            try? started.send(over: status, passing: passed.span)
            closeDescriptors(from: process.rawValue, through: process.rawValue)
        } else {
            try? started.send(over: status, passing: Span())
        }
        closeDescriptors(from: status.rawValue, through: status.rawValue)
    }
}
