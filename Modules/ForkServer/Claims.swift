import Synchronization
import Syscalls

/// Memory that the server shares with its parked children, which says who of the two has a request.
///
/// The server offers it, the child takes it, the server revokes it, each with one compare-and-swap: whatever is killed when,
/// exactly one has it, and no message has to say so.
final class Claims {
    /// As many as there can be at once.
    static let capacity = 16_384

    private let memory: MemoryMapping
    private var free = Array((0..<Claims.capacity).reversed())

    init() throws(Errno) {
        memory = try MemoryMapping(sharedWithChildren: Self.capacity * MemoryLayout<Claim.Word>.stride)
    }

    /// One of them, not offered; `nil` when all are in use. It stays valid as long as these do.
    func take() -> Claim? {
        guard let place = free.popLast() else { return nil }
        // Sound: the memory stays mapped and at its place as long as this object, which is for as long as the server or a child
        // of it; all of it is zeroed words.
        let claim = memory.withBytes { bytes in
            let words = bytes.bindMemory(to: Claim.Word.self)
            return Claim(place: place, word: words.baseAddress! + place)
        }
        claim.reset()
        return claim
    }

    /// Has it used again, when its child is gone.
    func giveBack(_ claim: Claim) {
        free.append(claim.place)
    }
}

/// Who has the request that was sent to a parked child.
struct Claim {
    typealias Word = Atomic<UInt32>

    fileprivate let place: Int
    fileprivate let word: UnsafeMutablePointer<Word>

    private static let none: UInt32 = 0
    private static let offered: UInt32 = 1
    private static let taken: UInt32 = 2
    private static let revoked: UInt32 = 3

    fileprivate func reset() { word.pointee.store(Self.none, ordering: .relaxed) }

    /// In the server: there is a request.
    func offer() { word.pointee.store(Self.offered, ordering: .releasing) }

    /// In the child: whether it is the child's from now on.
    func take() -> Bool { change(to: Self.taken) }

    /// In the server: whether it is the server's again.
    func revoke() -> Bool { change(to: Self.revoked) }

    /// Whether the child has it.
    var isTaken: Bool { word.pointee.load(ordering: .acquiring) == Self.taken }

    private func change(to state: UInt32) -> Bool {
        word.pointee.compareExchange(
            expected: Self.offered, desired: state, ordering: .acquiringAndReleasing
        ).exchanged
    }
}
