import ForkServer
import ForkServerTestPrograms
import Pool
import Syscalls
import TestSupport

/// What tests name as the executable of a server with an async main; and a program with one.
@main enum ForkServerAsyncHost {
    static func main() async throws {
        ForkServer.bootstrap()
        guard CommandLine.arguments.dropFirst().first == "use" else { fail("“use” is wanted") }
        let child = try await ForkServer.shared.spawn(Leave(code: 5))
        checkEqual(try await child.wait(), .exited(5))
        let pool = try Pool(workers: 2)
        checkEqual(try await pool.run(Add(1, 2)), 3)
        checkEqual(try await pool.run(HopToMainActor()), 10)
        await pool.shutDown()
    }
}
