import FDPassing
import ForkServerTestPrograms
import ProcessTestSupport
import Syscalls
import TestSupport
import Testing

@testable import Pool

@Suite("Shared payloads", .timeLimit(.minutes(10))) struct PayloadTests {
    private static let sizes = [0, 1, PayloadThreshold.bytes - 1, PayloadThreshold.bytes, 1 << 20, (16 << 20) + 1]

    private func sum(_ bytes: [UInt8]) -> Int {
        stride(from: 0, to: bytes.count, by: 997).reduce(0) { $0 + Int(bytes[$1]) }
    }

    @Test("shared bytes are read in place by a task, and come back", arguments: sizes)
    func inPlace(size: Int) async throws {
        let bytes = pattern(size)
        try await withPoolInTask(workers: 1) { pool async throws in
            let shared = try SharedBytes(bytes)
            #expect(shared.count == size)
            for _ in 0..<3 {
                #expect(try await pool.run(SumShared(shared)) == sum(bytes))
                #expect(try await pool.run(AsyncEcho(shared)).bytes == bytes)
                #expect(try await blocking { try pool.run(Echo([shared, shared])).map(\.bytes) } == [bytes, bytes])
            }
        }
    }

    @Test("large values of other types travel as they are, among small ones", arguments: sizes)
    func largeValues(size: Int) throws {
        let bytes = pattern(size)
        try withPool(workers: 2) { pool in
            let results = try pool.map(
                (0..<20).map { Echo($0.isMultiple(of: 3) ? bytes : [UInt8($0)]) }, chunkSize: .fixed(1))
            for (number, result) in results.enumerated() {
                #expect(result == (number.isMultiple(of: 3) ? bytes : [UInt8(number)]))
            }
        }
    }

    @Test("memory is used again: many payloads need no more descriptors than a few, in program and worker")
    func recycled() throws {
        try withPool(workers: 1) { pool in
            let bytes = pattern(1 << 20)
            func rounds(_ count: Int) throws {
                for round in 0..<count {
                    let result = try pool.run(Echo(SharedBytes(bytes)))
                    #expect(
                        result.withSpan { $0.unsafeLoadUnaligned(fromByteOffset: round, as: UInt8.self) }
                            == bytes[round])
                }
            }
            try rounds(3)
            let before = try pool.run(CountDescriptors())
            try rounds(100)
            #expect(try pool.run(CountDescriptors()) == before)
        }
    }

    @Test("memory is not used again while anybody reads it, here or in the worker")
    func keptBytes() throws {
        try withPool(workers: 1) { pool in
            let first = pattern(200_000)
            let second = first.map { ~$0 }
            var results = try pool.run(KeepShared(SharedBytes(first)))
            #expect(results.map(\.bytes) == [first])
            for _ in 0..<5 {
                // What the worker has kept of the last task is still that.
                let next = try pool.run(KeepShared(SharedBytes(second)))
                #expect(next.count == 2)
                #expect(next[0].bytes == second)
                let kept = next[1].bytes
                #expect(kept == first || kept == second)
                // And so is what came back before.
                #expect(results[0].bytes == first)
                _ = try pool.run(KeepShared(SharedBytes(first)))
            }
            results = []
        }
    }

    @Test("bytes of a worker outlive it")
    func deadWorker() throws {
        try withPool(workers: 1) { pool in
            let bytes = pattern(1 << 20)
            let result = try pool.run(Echo(SharedBytes(bytes)))
            _ = try outcome { try pool.run(EndWorker(.kill)) }
            #expect(result.bytes == bytes)
            // Passed on, they are copied: their memory may be gone by then.
            #expect(try pool.run(SumShared(result)) == sum(bytes))
        }
    }

    @Test("shared bytes have a form for other coders too, and fail to come from nowhere")
    func otherCoders() throws {
        let bytes = pattern(300_000)
        let encoded = try TaskCoder.encode([1, 2, 3])
        #expect(encoded.segments.isEmpty)
        #expect(try TaskCoder.encode(SharedBytes(bytes)).segments.count == 1)
        #expect(try TaskCoder.encode(bytes).isInSegment)
    }

    #if os(Linux)
        @Test("memory that can be cut is not mapped, and memory that is too small not read")
        func hostileMemory() throws {
            let link = SegmentLink()
            let growable = try SharedMemory(growable: "hostile", size: 1 << 20)
            var batch = DescriptorBatch()
            batch.append(try growable.descriptor.duplicate())
            let entry = SegmentEntry(segment: 1, loan: 1, byteCount: 100, hasDescriptor: true)
            #expect(link.borrow([entry], &batch) == nil)
            #expect(link.borrow([entry], &batch) == nil, "without a descriptor")
            let sealed = try SharedMemory(anonymous: "sealed", size: 4096)
            batch.append(try sealed.descriptor.duplicate())
            let tooLong = SegmentEntry(segment: 2, loan: 2, byteCount: 4097, hasDescriptor: true)
            #expect(link.borrow([tooLong], &batch) == nil)
            let unknown = SegmentEntry(segment: 77, loan: 3, byteCount: 1, hasDescriptor: false)
            #expect(link.borrow([unknown], &batch) == nil)
            let right = SegmentEntry(segment: 2, loan: 4, byteCount: 4096, hasDescriptor: false)
            #expect(link.borrow([right], &batch)?.first?.count == 4096)
            #expect(link.notices().returned == [4])
        }
    #endif
}
