import Reactor
import ReactorConformance
import SelectBackend
import TestSupport
import Testing

/// A backend of this package, or the toy one.
struct Backend: Sendable, CustomTestStringConvertible {
    let type: any ReactorBackend.Type

    static let all = (ReactorBackends.all + [SelectBackend.self]).map { Backend(type: $0) }

    var testDescription: String { type.name }
}

@Suite("Conformance of backends")
struct ConformanceTests {
    @Test("in the test runner", arguments: Backend.all, ConformanceCheck.all)
    func conforms(backend: Backend, check: ConformanceCheck) throws {
        try check.run(backend.type)
    }

    @Test("in a process of its own", arguments: Backend.all, ConformanceCheck.inOwnProcess)
    func conformsInOwnProcess(backend: Backend, check: ConformanceCheck) throws {
        #expect(try runHelper("ReactorConformanceHelper", [backend.type.name, check.name]) == .success)
    }

    #if os(Linux)
        // ENOSYS, EPERM and EACCES: what filters of system calls say.
        @Test("where a filter refuses io_uring, the best other backend takes its place", arguments: [38, 1, 13])
        func denied(error: Int) throws {
            #expect(try runHelper("ReactorConformanceHelper", ["denied", "\(error)"]) == .success)
        }
    #endif
}
