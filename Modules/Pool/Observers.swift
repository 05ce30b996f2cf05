import Reactor
import Synchronization
import Syscalls

/// Those who are told of a pool's events: in their order, on the reactor's thread.
final class Observers: Sendable {
    private let reactor: ReactorThread
    private let hook: (@Sendable (PoolEvent) -> Void)?
    private let streams = Lock<[Int: AsyncStream<PoolEvent>.Continuation]>([:])
    private let wanted: Atomic<Bool>
    private let nextStream = Atomic(0)
    /// Events that nobody has taken yet are kept up to so many; the oldest go first.
    private static let mostKept = 4096

    init(_ reactor: ReactorThread, _ hook: (@Sendable (PoolEvent) -> Void)?) {
        self.reactor = reactor
        self.hook = hook
        wanted = Atomic(hook != nil)
    }

    /// Whether anybody listens: events need not be made for nobody.
    var isWanted: Bool { wanted.load(ordering: .relaxed) }

    func tell(_ event: PoolEvent) {
        guard isWanted else { return }
        reactor.schedule { [self] _ in
            hook?(event)
            let listeners = streams.withLock { Array($0.values) }
            for listener in listeners { listener.yield(event) }
        }
    }

    func makeStream() -> AsyncStream<PoolEvent> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: PoolEvent.self, bufferingPolicy: .bufferingNewest(Self.mostKept))
        let id = nextStream.wrappingAdd(1, ordering: .relaxed).newValue
        streams.withLock { $0[id] = continuation }
        continuation.onTermination = { [weak self] _ in self?.remove(id) }
        wanted.store(true, ordering: .relaxed)
        return stream
    }

    private func remove(_ id: Int) {
        streams.withLock { streams in
            streams[id] = nil
            if streams.isEmpty, hook == nil { wanted.store(false, ordering: .relaxed) }
        }
    }

    /// Ends the streams, after the events so far.
    func end() {
        reactor.schedule { [self] _ in
            let listeners = streams.withLock { Array($0.values) }
            for listener in listeners { listener.finish() }
        }
    }
}
