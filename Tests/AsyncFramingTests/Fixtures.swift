import AsyncFraming
import Framing
import Reactor
import Syscalls
import TestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Two connections to each other, for async code on both sides.
func connectedPair(reactor: ReactorThread = .shared) throws -> (AsyncConnection, AsyncConnection) {
    let (first, second) = try Connection.pipe()
    return (AsyncConnection(first, reactor: reactor), AsyncConnection(second, reactor: reactor))
}

/// An async connection, and the bare socket at its other end.
struct HalfPair: ~Copyable {
    let connection: AsyncConnection
    let peer: OwnedFileDescriptor

    init(reactor: ReactorThread = .shared) throws {
        let pair = try SocketPair()
        connection = AsyncConnection(Connection(pair.first), reactor: reactor)
        peer = pair.second
    }
}

/// A message as it is on the wire.
func frame(_ message: [UInt8]) -> [UInt8] {
    (0..<4).map { UInt8(truncatingIfNeeded: message.count >> (24 - 8 * $0)) } + message
}

extension ReactorThread {
    /// The descriptors that it watches.
    var registered: [FileDescriptor] {
        get async {
            await withCheckedContinuation { continuation in
                schedule { continuation.resume(returning: $0.readers + $0.writers) }
            }
        }
    }

    /// Returns when this many waits are under way.
    func waitForWaits(_ count: Int) async {
        while await registered.count != count { await Task.yield() }
    }

    /// A thread for one test, which has to leave nothing registered in it.
    static func withOne(
        sourceLocation: SourceLocation = #_sourceLocation, _ body: (ReactorThread) async throws -> Void
    ) async throws {
        let thread = try ReactorThread(name: "async test")
        defer { thread.stop() }
        try await body(thread)
        #expect(await thread.registered == [], sourceLocation: sourceLocation)
    }
}

/// How many threads cooperative tasks have at most.
var cooperativeThreadCount: Int { Int(sysconf(CInt(_SC_NPROCESSORS_ONLN))) }
