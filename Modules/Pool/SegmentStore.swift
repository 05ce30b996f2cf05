import Synchronization
import Syscalls

/// Shared memory of this process, which others may map. It can neither shrink nor grow.
final class Segment: Sendable {
    let id: UInt64
    let memory: OwnedFileDescriptor
    let mapping: MemoryMapping

    /// Memory whose every page is there already: filling it then takes no more than copying.
    fileprivate init(id: UInt64, capacity: Int) throws(Errno) {
        self.id = id
        #if os(Linux)
            let memory = try SharedMemory(anonymous: "pool-payload", size: capacity)
        #else
            let memory = try SharedMemory(growable: "pool", size: capacity)
        #endif
        mapping = try memory.map()
        self.memory = try memory.descriptor.duplicate()
    }
}

/// The segments of this process, used again and again: making one anew for each payload would cost many times what copying the
/// payload costs, most of it for page faults.
final class SegmentStore: Sendable {
    static let shared = SegmentStore()

    /// Memory that nobody uses is kept up to so many bytes.
    static let mostIdleBytes = 256 << 20
    private static let smallestSize = 65_536

    private struct State {
        var nextID: UInt64 = 1
        var idle: [Segment] = []
        var idleBytes = 0
        /// Pools, or in a worker its loop: without any, nobody will want what is given back.
        var users = 0
    }

    private let state = Lock(State())

    /// A segment of at least so many bytes that nobody else uses.
    func lease(_ byteCount: Int) throws(Errno) -> SegmentLease {
        let capacity = Self.capacity(for: byteCount)
        let (found, id): (Segment?, UInt64) = state.withLock { state in
            // The last one that was given back is the one that caches still know.
            if let index = state.idle.lastIndex(where: { $0.mapping.count == capacity }) {
                state.idleBytes -= capacity
                return (state.idle.remove(at: index), 0)
            }
            state.nextID += 1
            return (nil, state.nextID)
        }
        if let found { return SegmentLease(found, of: self) }
        return SegmentLease(try Segment(id: id, capacity: capacity), of: self)
    }

    fileprivate func takeBack(_ segment: Segment) {
        let dropped: [Segment] = state.withLock { state in
            guard state.users > 0 else { return [segment] }
            state.idle.append(segment)
            state.idleBytes += segment.mapping.count
            var dropped: [Segment] = []
            while state.idleBytes > Self.mostIdleBytes {
                let oldest = state.idle.removeFirst()
                state.idleBytes -= oldest.mapping.count
                dropped.append(oldest)
            }
            return dropped
        }
        _ = dropped
    }

    /// Keeps what is given back from now on, until as many calls of `endUse`.
    func beginUse() {
        state.withLock { $0.users += 1 }
    }

    /// The memory that nobody uses goes with the last user.
    func endUse() {
        let idle: [Segment] = state.withLock { state in
            state.users -= 1
            guard state.users == 0 else { return [] }
            defer { (state.idle, state.idleBytes) = ([], 0) }
            return state.idle
        }
        _ = idle
    }

    /// A power of two, so that payloads of about the same size find each other's segments.
    static func capacity(for byteCount: Int) -> Int {
        var capacity = smallestSize
        while capacity < byteCount { capacity *= 2 }
        return capacity
    }
}

/// The use of a segment; when the last reference goes, others may use it.
final class SegmentLease: Sendable {
    let segment: Segment
    private let store: SegmentStore

    fileprivate init(_ segment: Segment, of store: SegmentStore) {
        self.segment = segment
        self.store = store
    }

    deinit {
        store.takeBack(segment)
    }
}
