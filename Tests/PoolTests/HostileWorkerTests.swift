import ForkServerTestPrograms
import Pool
import ProcessTestSupport
import Syscalls
import TestSupport
import Testing

/// Workers that do not keep to what they and their pool have agreed: the program that they belong to goes on.
@Suite("A hostile worker", .timeLimit(.minutes(10))) struct HostileWorkerTests {
    /// So that what a worker no longer answers ends.
    private var limited: TaskOptions {
        var options = TaskOptions()
        options.timeLimit = .seconds(1)
        return options
    }

    private func goesOn(_ pool: Pool) -> Bool {
        becomesTrue { (try? pool.map((0..<50).map { Add($0, 1) }, chunkSize: .fixed(1)).last) == 50 }
    }

    #if os(Linux)
        @Test(
            "that says that its result is in memory which is not as it has to be is replaced",
            arguments: ForgeSegment.Way.allCases)
        func forgedSegments(way: ForgeSegment.Way) throws {
            try withPool(workers: 1) { pool in
                for isLeased in [true, false] {
                    let result = try outcome {
                        try isLeased
                            ? pool.run(ForgeSegment(way)) : pool.submit(ForgeSegment(way), options: limited).wait()
                    }
                    switch result {
                    case .failure(.workerDied), .failure(.connection): break
                    default: Issue.record("\(result)")
                    }
                    #expect(goesOn(pool))
                }
            }
        }

        @Test(
            "that writes anything into the memory that it shares with its pool loses its own tasks at the most",
            arguments: [
                // All of it; words, claims, the counters of its answers, the answers.
                0..<40_000, 0..<128, 128..<512, 512..<520, 576..<584, 512..<584, 4096..<40_000,
            ])
        func scribbledPages(range: Range<Int>) throws {
            try withPool(workers: 2) { pool in
                for seed in 0..<10 {
                    let tasks = (0..<40).map { Add($0, 1) }
                    let scribbling = try pool.submit(ScribbleOnPage(UInt64(seed), range), options: limited)
                    let results = try outcomes(pool.results(of: tasks, chunkSize: .fixed(1), options: limited))
                    _ = try outcome { try scribbling.wait() }
                    #expect(results.count == 40)
                    for (number, result) in results.enumerated() {
                        switch result {
                        case .success(let sum): #expect(sum == number + 1)
                        case .failure(.workerDied), .failure(.timeLimitExceeded): break
                        case .failure(let error): Issue.record("\(error)")
                        }
                    }
                }
                #expect(goesOn(pool))
            }
        }
    #endif
}
