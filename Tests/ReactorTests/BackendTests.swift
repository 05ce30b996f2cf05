import Reactor
import ReactorConformance
import Syscalls
import TestSupport
import Testing

@Suite("The list of backends, and what is the kernel's own in them")
struct BackendTests {
    private let bench = Workbench()

    @Test("a backend is found by its name, the best is the default")
    func names() throws {
        #expect(!Backend.all.isEmpty)
        for type in Backend.all.map(\.type) {
            #expect(ReactorBackends.named(type.name) == type)
            #expect(try Reactor(backend: type).backendName == type.name)
            #expect(type.name == type.name.lowercased())
        }
        #expect(ReactorBackends.named("quantum") == nil)
        #expect(try Reactor().backendName == ReactorBackends.all[0].name)
    }

    @Test("a backend of one's own is found by its name once it was added, and added twice is there once")
    func added() throws {
        #expect(ReactorBackends.named(UnavailableBackend.name) == nil)
        for _ in 1...2 { ReactorBackends.add(UnavailableBackend.self) }
        #expect(ReactorBackends.named(UnavailableBackend.name) == UnavailableBackend.self)
        #expect(ReactorBackends.all.filter { $0.name == UnavailableBackend.name }.count == 1)
        // And is never the default.
        #expect(ReactorBackends.all.last?.name == UnavailableBackend.name)
    }

    @Test("where the kernel does not offer what a backend needs, the best other one takes its place")
    func fallback() throws {
        let reactor = try Reactor(backend: UnavailableBackend.self)
        #expect(reactor.backendName == ReactorBackends.all[0].name)
        let pipe = try bench.pipe()
        try pipe.far.write("x")
        var calls = 0
        try reactor.addReader(pipe.near.descriptor) { _ in calls += 1 }
        try reactor.runOnce(timeout: .zero)
        #expect(calls == 1)
    }

    @Test("hang-ups and errors are told apart from data by this package's backends", arguments: Backend.all)
    func flags(backend: Backend) throws {
        let reactor = try bench.reactor(backend)
        let ended = try bench.pipe()
        let broken = try bench.pipe()
        let reset = try bench.sockets()
        try reset.near.write("nobody will read this")
        var told: [FileDescriptor: Readiness] = [:]
        for end in [ended.near, reset.near] {
            try reactor.addReader(end.descriptor) { told[end.descriptor] = $0 }
        }
        try reactor.addWriter(broken.far.descriptor) { told[broken.far.descriptor] = $0 }
        ended.far.close()
        broken.near.close()
        reset.far.close()
        try reactor.runOnce(timeout: .zero)
        #expect(told[ended.near.descriptor]?.contains(.hangUp) == true)
        #expect(told[broken.far.descriptor]?.contains(.error) == true)
        #expect(told[reset.near.descriptor]?.isSuperset(of: [.readable, .hangUp, .error]) == true)
    }
}

/// What a backend does where the kernel, or a filter of system calls, does not offer what it needs.
private final class UnavailableBackend: ReactorBackend {
    static var name: String { "unavailable" }

    init() throws(Errno) { throw .notImplemented }

    func register(_ descriptor: FileDescriptor, interest: Interest, token: UInt64) {}
    func modify(_ descriptor: FileDescriptor, interest: Interest, token: UInt64) {}
    func deregister(_ descriptor: FileDescriptor) {}
    func wait(timeout: Duration?, into events: inout [ReadinessEvent]) {}
    func recreate() {}
}
