import KqueueEmulation
import Reactor
import ReactorConformance
import Syscalls
import TestSupport
import Testing

@Suite("The backend over kqueue")
struct BackendTests {
    @Test("it does what the reactor's kit wants", arguments: ConformanceCheck.all)
    func conforms(check: ConformanceCheck) throws {
        try check.run(KqueueBackend<TestedKqueue>.self)
    }

    @Test("it does what the kit wants in a process of its own", arguments: ConformanceCheck.inOwnProcess)
    func conformsInOwnProcess(check: ConformanceCheck) throws {
        let name = KqueueBackend<TestedKqueue>.name
        #expect(try runHelper("KqueueHelper", [name, check.name]) == .success)
    }
}
