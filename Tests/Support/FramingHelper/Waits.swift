import Framing
import Glibc
import Syscalls
import TestSupport

/// Waits whose descriptors can only be counted, and whose stack can only be chosen, in a process of one's own.
let waitCommands: HelperCommands = [
    "wait-on-small-stack": {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        // As many as poll(2) takes; a list of them is about as large as the stack.
        let count = min(15_000, Int(limit.rlim_cur))
        let (connection, peer) = try Connection.pipe()
        let (other, otherPeer) = try Connection.pipe()
        try otherPeer.send([1])
        let things = [any Waitable & Sendable](repeating: connection, count: count - 1) + [other]
        let work = SmallStackWork { try wait(for: things, until: .generous) }
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        checkEqual(pthread_attr_setstacksize(&attributes, 128 << 10), 0)
        var thread = pthread_t()
        let started = pthread_create(
            &thread, &attributes,
            { argument in
                Unmanaged<SmallStackWork>.fromOpaque(argument!).takeUnretainedValue().run()
                return nil
            }, Unmanaged.passUnretained(work).toOpaque())
        checkEqual(started, 0)
        pthread_join(thread, nil)
        checkEqual(try work.result.withLock { $0 }!.get(), [count - 1])
        check(!peer.isClosed, "the peer is closed")
    },
    "wait-keeps-descriptors": {
        let pipe = try Pipe()
        let (connection, peer) = try Connection.pipe()
        let listener = try Listener.atFreshAddress()
        let (closed, _) = try Connection.pipe()
        closed.close()
        let things: [any Waitable] = [connection, listener, Duplicated(descriptor: pipe.readEnd.descriptor)]
        try checkKeepsDescriptors {
            for _ in 0..<10 {
                checkEqual(try wait(for: things, until: .now), [])
                checkThrows(FramingError.closed) { try wait(for: things + [closed], until: .generous) }
                checkThrows(FramingError.invalidDescriptor(position: 3, number: -1)) {
                    try wait(for: things + [FileDescriptor(rawValue: -1)], until: .generous)
                }
                checkThrows(FramingError.invalidDescriptor(position: 3, number: 2_000_000_000)) {
                    try wait(for: things + [FileDescriptor(rawValue: 2_000_000_000)], until: .generous)
                }
            }
        }
        check(!peer.isClosed, "the peer is closed")
    },
]

private final class SmallStackWork: Sendable {
    let body: @Sendable () throws -> [Int]
    let result = Lock<Result<[Int], any Error>?>(nil)

    init(_ body: @escaping @Sendable () throws -> [Int]) {
        self.body = body
    }

    func run() {
        let outcome = Result { try body() }
        result.withLock { $0 = outcome }
    }
}

/// Waits for a duplicate of a descriptor, which is the wait's own.
private struct Duplicated: Waitable {
    let descriptor: FileDescriptor

    func beginWaiting() throws(FramingError) -> WaitedDescriptor {
        do throws(Errno) { return WaitedDescriptor(owning: try descriptor.duplicate()) } catch { throw .system(error) }
    }
}
