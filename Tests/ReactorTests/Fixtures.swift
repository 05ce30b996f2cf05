import Reactor
import Syscalls
import TestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A backend that a test is run against. Whatever a reactor promises is tested with each of them.
struct Backend: Sendable, CustomTestStringConvertible {
    let type: any ReactorBackend.Type

    static let all = ReactorBackends.all.map { Backend(type: $0) }

    var testDescription: String { type.name }
}

/// What a test makes: kept until its end, whatever the optimizer thinks of its last use, and taken apart then.
final class Workbench {
    private var reactors: [Reactor] = []
    private var ends: [End] = []

    func reactor(_ backend: Backend) throws -> Reactor {
        let reactor = try Reactor(backend: backend.type)
        reactors.append(reactor)
        return reactor
    }

    func pipe() throws -> Channel { keep(try Channel.pipe()) }

    func sockets() throws -> Channel { keep(try Channel.sockets()) }

    func channel(_ kind: ChannelKind) throws -> Channel {
        switch kind {
        case .pipe: try pipe()
        case .sockets: try sockets()
        }
    }

    func duplicate(of end: End) throws -> End {
        let duplicate = End(try end.descriptor.duplicate())
        ends.append(duplicate)
        return duplicate
    }

    private func keep(_ channel: Channel) -> Channel {
        ends += [channel.near, channel.far]
        return channel
    }

    deinit {
        // Handlers that hold their reactor would keep it alive.
        for reactor in reactors { try? reactor.reinitialize(keepingHandlers: false) }
    }
}

/// A test waited far longer than it should.
struct WaitedTooLong: Error {}

extension Reactor {
    /// Handles what is ready now, without waiting for more.
    func look() throws {
        try runOnce(timeout: .zero)
    }

    /// Runs until the condition holds.
    func run(until condition: () -> Bool) throws {
        let deadline = Deadline.generous
        while !condition() {
            if deadline.hasPassed { throw WaitedTooLong() }
            try runOnce(timeout: deadline.remaining)
        }
    }

    /// Runs until `stop` is called.
    func runUntilStopped() throws {
        var isLate = false
        let guardian = addTimer(after: Deadline.generous.remaining!) { [unowned self] in
            isLate = true
            stop()
        }
        defer { cancelTimer(guardian) }
        try run()
        if isLate { throw WaitedTooLong() }
    }
}

/// A descriptor that handlers can hold, and close when they like.
final class End {
    let descriptor: FileDescriptor
    private var owned: OwnedFileDescriptor?

    init(_ owned: consuming OwnedFileDescriptor) {
        descriptor = owned.descriptor
        self.owned = consume owned
    }

    func close() {
        owned = nil
    }

    /// Puts another open file under the number, and so closes the one that had it. See dup2(2).
    func becomeDuplicate(of other: End) throws {
        guard dup2(other.descriptor.rawValue, descriptor.rawValue) != -1 else { throw Errno(rawValue: errno) }
    }

    func write(_ text: String) throws {
        try descriptor.writeAll(text)
    }

    /// What one read gives; empty at the end of the stream.
    func read(upTo count: Int = 65536) throws -> String {
        String(decoding: try descriptor.read(upTo: count), as: UTF8.self)
    }

    /// Writes until the kernel takes no more, and returns how many bytes it took.
    func fill() throws -> Int {
        try descriptor.setBlocking(false)
        defer { try? descriptor.setBlocking(true) }
        var count = 0
        while let written = try writeBlock() { count += written }
        return count
    }

    /// `nil` when the kernel takes nothing.
    private func writeBlock() throws -> Int? {
        do {
            return try [UInt8](repeating: 0, count: 4096).withUnsafeBytes { try descriptor.write($0) }
        } catch let error as Errno where error == .resourceTemporarilyUnavailable {
            return nil
        }
    }
}

enum ChannelKind: CaseIterable {
    case pipe, sockets
}

/// Two ends that are connected.
struct Channel {
    /// The reading end of a pipe, or one of two sockets.
    let near: End
    /// The writing end, or the other socket.
    let far: End

    static func pipe() throws -> Channel {
        let pipe = try Pipe()
        return Channel(near: End(pipe.readEnd), far: End(pipe.writeEnd))
    }

    static func sockets() throws -> Channel {
        let pair = try SocketPair()
        return Channel(near: End(pair.first), far: End(pair.second))
    }
}

/// A duplicate under a number that nobody else in the test runner uses: after its end is closed, the number surely names
/// nothing, whatever the tests that run beside this one open.
func duplicateAtPrivateNumber(_ descriptor: FileDescriptor) throws -> End {
    var limit = rlimit()
    getrlimit(resource(RLIMIT_NOFILE), &limit)
    let number = privateNumbers.withLock { count in
        count += 1
        return min(CInt(clamping: limit.rlim_cur), 8192) - count
    }
    guard dup2(descriptor.rawValue, number) != -1 else { throw Errno(rawValue: errno) }
    return End(OwnedFileDescriptor(owning: number))
}

private let privateNumbers = Lock<CInt>(0)

#if canImport(Glibc)
    private func resource(_ limit: __rlimit_resource) -> __rlimit_resource_t {
        __rlimit_resource_t(limit.rawValue)
    }
#else
    private func resource(_ limit: CInt) -> CInt { limit }
#endif

/// Numbers that never name an open descriptor, the last one larger than any table of them.
func unopenDescriptors() throws -> [FileDescriptor] {
    let end = try duplicateAtPrivateNumber(.standardError)
    end.close()
    return [FileDescriptor(rawValue: -1), end.descriptor, FileDescriptor(rawValue: .max)]
}

/// Counts, from any thread.
final class Counter: Sendable {
    private let count = Lock(0)

    var value: Int { count.withLock { $0 } }

    func add() {
        count.withLock { $0 += 1 }
    }
}
