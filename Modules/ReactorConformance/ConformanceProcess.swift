import Reactor
import Syscalls

extension ConformanceCheck {
    /// The whole of an executable's `main` that runs the checks which need a process of their own.
    ///
    /// Each one runs in a child. Failures are printed; the process exits with code 1 when there is one, else with 0. Its
    /// arguments may name a backend, and then a check, to run no others.
    /// - Parameter backends: What is checked: types of one's own, or those of `ReactorBackends.all`.
    public static func main(_ backends: [any ReactorBackend.Type]) -> Never {
        let wanted = CommandLine.arguments.dropFirst()
        let chosenBackends = backends.filter { wanted.isEmpty || $0.name == wanted.first }
        let chosenChecks = inOwnProcess.filter { wanted.count < 2 || $0.name == wanted.last }
        guard !chosenBackends.isEmpty, !chosenChecks.isEmpty else {
            standardErrorLine("there is no such backend or check: \(wanted.joined(separator: ", "))")
            exitImmediately(2)
        }
        var failed = false
        for backend in chosenBackends {
            for check in chosenChecks where !check.succeedsInChild(backend) { failed = true }
        }
        exitImmediately(failed ? 1 : 0)
    }

    private func succeedsInChild(_ backend: any ReactorBackend.Type) -> Bool {
        do throws(Errno) {
            switch try forkProcess() {
            case .parent(let child):
                let status = try child.wait()
                if case .signaled = status { standardErrorLine("\(backend.name): \(name): \(status)") }
                return status == .exited(0)
            case .child: break
            }
        } catch {
            standardErrorLine("\(name): \(error)")
            return false
        }
        do throws(ConformanceFailure) {
            try run(backend)
        } catch {
            standardErrorLine("\(error)")
            exitImmediately(1)
        }
        exitImmediately(0)
    }
}
