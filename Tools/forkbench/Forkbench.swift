import ForkServer
import ForkbenchCore
import Syscalls

/// The tool that composes every layer: checks them, measures them, and hashes files with them.
@main
struct Forkbench {
    static func main() async {
        // Before the fork server, which is this program in another process.
        addEmulatedBackends()
        ForkServer.bootstrap()
        let arguments = Array(CommandLine.arguments.dropFirst())
        // Processes that forkbench starts of itself, which are no commands for people.
        if let role = arguments.first.flatMap({ HelperRole(rawValue: $0) }) {
            role.run(Array(arguments.dropFirst()))
        }
        do {
            exitProcess(try await Command.run(arguments))
        } catch let error as UsageError {
            standardErrorLine("forkbench: \(error.message)")
            exitProcess(2)
        } catch {
            standardErrorLine("forkbench: \(error)")
            exitProcess(1)
        }
    }
}
