import DeniedCalls
import Reactor
import ReactorConformance
import SelectBackend
import Syscalls
import TestSupport

/// The checks of the kit that need a process of their own. The arguments name a backend and a check.
///
/// With `denied` and an error number: what becomes of a reactor over io_uring where a filter refuses it with that.
@main enum ReactorConformanceHelper {
    static func main() throws {
        ReactorBackends.add(SelectBackend.self)
        guard CommandLine.arguments.dropFirst().first == "denied" else { ConformanceCheck.main(ReactorBackends.all) }
        try checkDenied(error: CInt(CommandLine.arguments[2])!)
    }

    private static func checkDenied(error: CInt) throws {
        #if os(Linux)
            check(deny_io_uring(error) == 0, "there is no filter")
            check((try? IOUringBackend()) == nil, "the filter does nothing")
            let reactor = try Reactor(backend: IOUringBackend.self)
            checkEqual(reactor.backendName, ReactorBackends.all[0].name)
            let pipe = try Pipe()
            try pipe.writeEnd.descriptor.writeAll("x")
            var calls = 0
            try reactor.addReader(pipe.readEnd.descriptor) { _ in calls += 1 }
            try reactor.runOnce(timeout: .zero)
            checkEqual(calls, 1)
        #endif
    }
}
