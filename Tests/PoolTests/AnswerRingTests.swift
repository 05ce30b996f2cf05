import Synchronization
import Syscalls
import TestSupport
import Testing

@testable import Pool

@Suite("Answers that were not sent yet") struct AnswerRingTests {
    private func answer(_ number: Int, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: number &* 31 &+ $0) }
    }

    @Test("come out as they went in, wherever the ring ends")
    func roundTrip() throws {
        let (worker, pool) = try WorkerPage.pair()
        #expect(pool.answers.isEmpty)
        #expect(pool.answers.take() == [])
        var expected: [UInt8] = []
        for number in 0..<500 {
            let answer = answer(number, 1 + number * 37 % AnswerRing.longestAnswer)
            #expect(worker.answers.put(answer))
            expected += answer
            guard number % 7 == 0 else { continue }
            #expect(!pool.answers.isEmpty)
            #expect(pool.answers.take() == expected)
            expected = []
        }
    }

    @Test("are refused when there is no room for them, or when they are long, and have room again when some were taken")
    func full() throws {
        let (worker, pool) = try WorkerPage.pair()
        #expect(!worker.answers.put(answer(0, AnswerRing.longestAnswer + 1)))
        for number in 0..<AnswerRing.capacity / AnswerRing.longestAnswer {
            #expect(worker.answers.put(answer(number, AnswerRing.longestAnswer)))
        }
        #expect(!worker.answers.put([1]))
        #expect(pool.answers.take()?.count == AnswerRing.capacity)
        #expect(worker.answers.put([1]))
        #expect(pool.answers.take() == [1])
    }

    @Test("are none, or as many bytes as the ring has at the most, whatever the worker says of their number")
    func nonsense() throws {
        let (_, pool) = try WorkerPage.pair()
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 128 + AnswerRing.capacity, alignment: 64)
        defer { memory.deallocate() }
        memory.initializeMemory(as: UInt8.self, repeating: 9)
        let counters = memory.baseAddress!.assumingMemoryBound(to: Atomic<UInt64>.self)
        let ring = AnswerRing(written: counters, taken: counters + 8, bytes: memory.baseAddress! + 128)
        var generator = SeededGenerator(seed: 11)
        for round in 0..<20_000 {
            // Near to what can be, and anywhere.
            let taken = UInt64.random(in: 0...UInt64.max, using: &generator)
            let ahead = UInt64.random(
                in: 0...(round.isMultiple(of: 2) ? UInt64(AnswerRing.capacity) + 2 : .max), using: &generator)
            counters[8].store(taken, ordering: .relaxed)
            counters[0].store(taken &+ ahead, ordering: .relaxed)
            let answers = ring.take()
            #expect(answers?.count == (ahead <= UInt64(AnswerRing.capacity) ? Int(ahead) : nil))
            _ = ring.put([1, 2, 3])
        }
        #expect(pool.answers.isEmpty)
    }

    @Test("arrive in order, each once, while one side puts them in and the other takes them out")
    func concurrent() throws {
        let (worker, pool) = try WorkerPage.pair()
        let count = 20_000
        let putting = try Background { () throws -> Int in
            var refused = 0
            for number in 0..<count {
                let answer = withUnsafeBytes(of: UInt32(number)) { Array($0) }
                while !worker.answers.put(answer) { refused += 1 }
            }
            return refused
        }
        var next: UInt32 = 0
        while next < UInt32(count) {
            let bytes = try #require(pool.answers.take())
            try #require(bytes.count.isMultiple(of: 4))
            for start in stride(from: 0, to: bytes.count, by: 4) {
                let number = bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: start, as: UInt32.self) }
                try #require(number == next)
                next += 1
            }
        }
        _ = try putting.get()
        #expect(pool.answers.isEmpty)
    }
}
