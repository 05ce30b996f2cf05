import FDPassing
import Syscalls

/// What the two ends of a worker's socket have of each other's segments, as one of them knows it.
///
/// A segment's descriptor travels once; its receiver keeps it mapped, and is told when it is no more. A loan of a segment ends when
/// the receiver gives it back, or the link goes, as it does with the worker.
final class SegmentLink: Sendable {
    private struct State {
        var nextLoan: UInt64 = 1
        /// Ours that the other side uses.
        var lent: [UInt64: SegmentLease] = [:]
        /// Ours that the other side has mapped.
        var known: [UInt64: Known] = [:]
        /// The other side's that are mapped here.
        var mapped: [UInt64: MappedSegment] = [:]
        /// Loans that are used no more, which the other side has to be told.
        var returned: [UInt64] = []
    }

    private struct Known {
        weak var segment: Segment?
    }

    private let state = Lock(State())

    // MARK: Ours

    /// Lends segments to the other side: what to write of them into the record, and the descriptors that it has yet to get.
    func lend(_ leases: [(lease: SegmentLease, byteCount: Int)]) -> (
        entries: [SegmentEntry], descriptors: [FileDescriptor]
    ) {
        state.withLock { state in
            var entries: [SegmentEntry] = []
            var descriptors: [FileDescriptor] = []
            for (lease, byteCount) in leases {
                let segment = lease.segment
                let isNew = state.known[segment.id]?.segment == nil
                if isNew {
                    state.known[segment.id] = Known(segment: segment)
                    descriptors.append(segment.memory.descriptor)
                }
                let loan = state.nextLoan
                state.nextLoan += 1
                state.lent[loan] = lease
                entries.append(
                    SegmentEntry(
                        segment: segment.id, loan: loan, byteCount: UInt64(byteCount), hasDescriptor: isNew))
            }
            return (entries, descriptors)
        }
    }

    /// The other side uses them no more.
    func takeBack(_ loans: [UInt64]) {
        let leases = state.withLock { state in loans.compactMap { state.lent.removeValue(forKey: $0) } }
        _ = leases
    }

    /// What the other side has to be told before anything else: loans to give back, and segments that are no more.
    func notices() -> (returned: [UInt64], forgotten: [UInt64]) {
        state.withLock { state in
            let returned = state.returned
            state.returned = []
            let gone = state.known.filter { $0.value.segment == nil }.map(\.key)
            for id in gone { state.known[id] = nil }
            return (returned, gone)
        }
    }

    /// Whether there may be something to tell.
    var hasNotices: Bool { state.withLock { !$0.returned.isEmpty || !$0.known.isEmpty } }

    // MARK: The other side's

    /// The segments of a record that has come, mapped; `nil` when one of them is not as it has to be.
    ///
    /// - Parameter descriptors: Those that came for them.
    func borrow(_ entries: [SegmentEntry], _ descriptors: inout DescriptorBatch) -> [BorrowedBytes]? {
        var borrowed: [BorrowedBytes] = []
        for entry in entries {
            if entry.hasDescriptor {
                guard let descriptor = descriptors.takeNext(), let mapped = MappedSegment(descriptor) else {
                    return nil
                }
                state.withLock { $0.mapped[entry.segment] = mapped }
            }
            guard let mapped = state.withLock({ $0.mapped[entry.segment] }),
                entry.byteCount <= UInt64(mapped.mapping.count)
            else { return nil }
            borrowed.append(BorrowedBytes(mapped, Int(entry.byteCount), loan: entry.loan, link: self))
        }
        return borrowed
    }

    /// Unmaps what the other side has no more.
    func forget(_ segments: [UInt64]) {
        let gone = state.withLock { state in segments.compactMap { state.mapped.removeValue(forKey: $0) } }
        _ = gone
    }

    fileprivate func giveBack(_ loan: UInt64) {
        state.withLock { $0.returned.append(loan) }
    }
}

/// A segment of another process, to be read.
final class MappedSegment: Sendable {
    let mapping: MemoryMapping

    /// `nil` when it could be cut while it is read, which would be SIGBUS.
    init?(_ descriptor: consuming OwnedFileDescriptor) {
        #if os(Linux)
            let memory = SharedMemory(owning: descriptor)
            guard memory.isSealedAgainstResizing, let mapping = try? memory.map(writable: false) else { return nil }
            self.mapping = mapping
        #else
            // Nothing says so there, and nobody sends any.
            return nil
        #endif
    }
}

/// Bytes in another process's segment, which is that process's again when the last reference goes.
final class BorrowedBytes: Sendable {
    private let segment: MappedSegment
    let count: Int
    private let loan: UInt64
    private let link: SegmentLink

    fileprivate init(_ segment: MappedSegment, _ count: Int, loan: UInt64, link: SegmentLink) {
        self.segment = segment
        self.count = count
        self.loan = loan
        self.link = link
    }

    deinit {
        link.giveBack(loan)
    }

    func withSpan<Result, Failure: Error>(
        _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try segment.mapping.withSpan { span throws(Failure) in try body(span.extracting(first: count)) }
    }

    /// A copy that the other process cannot change any more.
    var bytes: [UInt8] {
        withSpan { span in
            [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
                span.withUnsafeBytes { UnsafeMutableRawBufferPointer(buffer).copyMemory(from: $0) }
                initialized = count
            }
        }
    }
}
