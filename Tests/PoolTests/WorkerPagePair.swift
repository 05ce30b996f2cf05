import Syscalls

@testable import Pool

extension WorkerPage {
    /// The same memory, as a worker and its pool have it.
    static func pair() throws -> (worker: WorkerPage, pool: WorkerPage) {
        let memory = try makeMemory()
        return (try WorkerPage(memory.descriptor), try WorkerPage(memory.descriptor))
    }
}
