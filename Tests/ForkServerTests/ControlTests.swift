import BinaryCoding
import FDPassing
import ForkServerTestPrograms
import Framing
import ProcessRoles
import ProcessTestSupport
import ResourceTracker
import Syscalls
import TestSupport
import Testing

@testable import ForkServer

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A server that a test talks to by hand.
private struct BareServer: ~Copyable {
    let process: ProcessID
    let control: Connection
    private let tracker = ResourceTracker(executable: hostPath)

    init() throws {
        let pair = try SocketPair()
        let commands = try tracker.commandDescriptor()
        process = try ServerProcess.role.start(
            executable: hostPath, descriptors: [pair.second.descriptor, commands.descriptor])
        control = Connection(pair.first)
    }

    /// Says what a client says first, and expects to be welcome.
    func greet() throws {
        let hello = Hello(build: nil)
        let sentinel = try Pipe()
        try control.send(
            message: hello, passing: [sentinel.readEnd.descriptor, sentinel.writeEnd.descriptor], until: .generous)
        let greeting = try nextGreeting()
        guard case .ready = greeting else { throw UnexpectedReport(line: "\(greeting)") }
    }

    /// The next one after that which says that it has begun.
    func nextGreeting() throws -> Greeting {
        let greeting = try BinaryDecoder().decode(Greeting.self, from: try control.receive(until: .generous))
        if case .begun = greeting { return try nextGreeting() }
        return greeting
    }

    /// Waits for its end, which is that of its tracker too.
    consuming func end() throws -> Syscalls.ExitStatus {
        let status = try process.wait()
        #expect(try tracker.close() == .exited(0))
        return status
    }
}

extension Hello {
    /// What a client says that wants nothing special.
    fileprivate init(build: BuildIdentity?) {
        self.init(
            build: build, client: .current, resourceLimits: [], preloads: [], preloadFailure: .fail, spares: .none,
            backend: nil,
            gracePeriodMilliseconds: 100)
    }
}

@Suite("A server's control socket", .timeLimit(.minutes(10))) struct ControlTests {
    @Test("a client that goes without having said anything ends the server")
    func silentClient() throws {
        let server = try BareServer()
        server.control.close()
        #expect(try server.end() == .exited(1))
    }

    @Test(
        "garbage in place of the first message ends the server, and nobody else",
        arguments: [
            [], [0xff], Array("GET / HTTP/1.1\r\n".utf8), [UInt8](repeating: 0, count: 100_000),
        ])
    func garbageGreeting(bytes: [UInt8]) throws {
        try withServer { other in
            var waiting = try WaitingChild(of: other, code: 3)
            let server = try BareServer()
            try server.control.send(bytes)
            #expect(try server.end() == .exited(1))
            waiting.letGo()
            #expect(try waiting.child.wait(until: .generous) == .exited(3))
        }
    }

    @Test(
        "garbage in place of a request ends that client, and with the last one the server",
        arguments: [
            [], [0xff], Array("GET / HTTP/1.1\r\n".utf8), [UInt8](repeating: 0, count: 100_000),
        ])
    func garbageRequest(bytes: [UInt8]) throws {
        let server = try BareServer()
        try server.greet()
        try server.control.send(bytes)
        #expect(throws: FramingError.endOfFile) { try server.control.receive(until: .generous) }
        #expect(try server.end() == .exited(0))
    }

    @Test(
        "a frame that cannot be one, and one that is torn, end that client",
        arguments: [
            [0xff, 0xff, 0xff, 0xfe], [0, 0, 1, 0, 1, 2], [0, 0],
        ] as [[UInt8]])
    func badFrame(bytes: [UInt8]) throws {
        let server = try BareServer()
        try server.greet()
        try server.control.withDescriptor { descriptor in
            try? descriptor.writeAll(bytes)
            try? descriptor.shutdownSending()
        }
        #expect(try server.end() == .exited(0))
    }

    @Test("a request with fewer descriptors than it needs ends that client", arguments: [0, 1])
    func wrongDescriptors(count: Int) throws {
        let server = try BareServer()
        try server.greet()
        let pair = try SocketPair()
        let name = try TypeName.name(of: Leave.self)
        try server.control.send(
            ServerRequest.spawn(typeName: name, isDetached: false, mayUseSpare: true),
            passing: Array(repeating: pair.second.descriptor, count: count), until: .generous)
        #expect(throws: FramingError.endOfFile) { try server.control.receive(until: .generous) }
        #expect(try server.end() == .exited(0))
    }

    @Test("a client that vanishes with requests on their way costs nothing")
    func vanishedClient() throws {
        let server = try BareServer()
        try server.greet()
        let pair = try SocketPair()
        let name = try TypeName.name(of: Leave.self)
        for _ in 0..<50 {
            try server.control.send(
                ServerRequest.spawn(typeName: name, isDetached: false, mayUseSpare: true),
                passing: [pair.second.descriptor, pair.second.descriptor], until: .generous)
        }
        server.control.close()
        #expect(try server.end() == .exited(0))
    }

    @Test("another build of the executable is refused")
    func differentBuild() throws {
        let server = try BareServer()
        let hello = Hello(build: .current)
        let sentinel = try Pipe()
        try server.control.send(
            message: hello, passing: [sentinel.readEnd.descriptor, sentinel.writeEnd.descriptor], until: .generous)
        let greeting = try server.nextGreeting()
        guard case .differentBuild = greeting else {
            Issue.record("\(greeting)")
            return
        }
        #expect(try server.end() == .exited(0))
    }

    @Test(
        "names that no compiler makes do not reach the runtime's parser",
        arguments: [
            "", "$s4main3FooV", "4main3Foo\u{0}V", "a b", String(repeating: "a", count: 5000), "漢",
        ])
    func hostileTypeNames(name: String) {
        #expect(TypeName.type(named: name) == nil)
    }

    @Test("a type is found again by its name, nested and generic ones too")
    func typeNames() throws {
        for type in [Leave.self, Optional<Leave>.self, [String: [Int]].self, OnlyHere.self] as [Any.Type] {
            #expect(TypeName.type(named: try TypeName.name(of: type)) == type)
        }
    }
}
