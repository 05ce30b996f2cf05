import AsyncFraming
import Framing
import Reactor
import Syscalls
import TestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

@Suite("Async listeners and their clients", .timeLimit(.minutes(10)))
struct AsyncListenerTests {
    private func address(_ kind: String) throws -> Listener {
        try kind == "unix" ? .atFreshAddress() : Listener(at: .tcp(host: kind, port: 0))
    }

    @Test("an async client connects to an async listener", arguments: ["unix", "127.0.0.1", "::1", "localhost"])
    func connect(kind: String) async throws {
        try await ReactorThread.withOne { thread in
            let listener = AsyncListener(try address(kind), reactor: thread)
            for deadline in [Deadline.never, .generous] {
                async let accepted = listener.accept(until: deadline)
                let client = try await AsyncConnection.connect(
                    to: listener.listener.address, reactor: thread, until: deadline)
                let server = try await accepted
                try await client.send(pattern(100_000))
                #expect(try await server.receive() == pattern(100_000))
                try await server.send([2])
                #expect(try await client.receive() == [2])
            }
            listener.close()
        }
    }

    @Test("connecting to where nobody listens is an error", arguments: [Deadline.never, .generous])
    func refused(deadline: Deadline) async throws {
        try await ReactorThread.withOne { thread in
            let directory = try TemporaryDirectory()
            let none = Address.unix(path: directory.file("none"))
            await #expect(throws: FramingError.system(.noSuchFileOrDirectory)) {
                try await AsyncConnection.connect(to: none, reactor: thread, until: deadline)
            }
            // Bound and not listening: nobody else gets the port meanwhile.
            for host in ["127.0.0.1", "::1"] {
                let address = try SocketAddress.resolve(host: host, port: 0)[0]
                let socket = try OwnedFileDescriptor.socket(family: address.family)
                try socket.descriptor.bind(to: address)
                let port = try #require(try socket.descriptor.localAddress().port)
                await #expect(throws: FramingError.system(.connectionRefused)) {
                    try await AsyncConnection.connect(
                        to: .tcp(host: host, port: port), reactor: thread, until: deadline)
                }
            }
            await #expect(throws: FramingError.system(.nameTooLong)) {
                try await AsyncConnection.connect(
                    to: .unix(path: String(repeating: "x", count: 200)), reactor: thread, until: deadline)
            }
        }
    }

    @Test("a connect to a full backlog keeps its deadline, can be cancelled, and goes on when there is room")
    func fullBacklog() async throws {
        try await ReactorThread.withOne { thread in
            let listener = try Listener(at: try Listener.unusedAddress(), backlog: 1)
            var clients: [AsyncConnection] = []
            await #expect(throws: FramingError.timedOut) {
                while clients.count < 100 {
                    clients.append(
                        try await AsyncConnection.connect(to: listener.address, reactor: thread, until: .now))
                }
            }
            await #expect(throws: FramingError.timedOut) {
                try await AsyncConnection.connect(
                    to: listener.address, reactor: thread, until: .after(.milliseconds(20)))
            }
            let cancelled = Task { try await AsyncConnection.connect(to: listener.address, reactor: thread) }
            cancelled.cancel()
            await #expect(throws: CancellationError.self) { try await cancelled.value }
            let connecting = Task { try await AsyncConnection.connect(to: listener.address, reactor: thread) }
            for client in clients {
                let server = try listener.accept(until: .generous)
                try await client.send([1])
                #expect(try server.receive(until: .generous) == [1])
            }
            let last = try await connecting.value
            try await last.send([2])
            #expect(try listener.accept(until: .generous).receive(until: .generous) == [2])
        }
    }

    @Test("connections that were connected and accepted block like others, and send each message at once")
    func sockets() async throws {
        try await ReactorThread.withOne { thread in
            let plain = try Listener(at: .tcp(host: "127.0.0.1", port: 0))
            let client = try await AsyncConnection.connect(to: plain.address, reactor: thread, until: .generous)
            let server = try plain.accept(until: .generous)
            #expect(server.isBlocking)
            #expect(try server.withDescriptor { try? $0.option(CInt(IPPROTO_TCP), TCP_NODELAY) } != 0)
            try await client.send([1])
            #expect(try server.receive(until: .generous) == [1])
        }
    }

    @Test("accepting gives up at its deadline, also behind another that waits, and later works all the same")
    func deadline() async throws {
        try await ReactorThread.withOne { thread in
            let listener = AsyncListener(try .atFreshAddress(), reactor: thread)
            // A task that has ended may hold it for a moment longer, and its directory would stay.
            defer { listener.close() }
            for deadline in [Deadline.now, .after(.milliseconds(5)), .after(.seconds(-1))] {
                await #expect(throws: FramingError.timedOut) { try await listener.accept(until: deadline) }
            }
            let accepting = Task { try await listener.accept() }
            await thread.waitForWaits(1)
            for deadline in [Deadline.now, .after(.milliseconds(5))] {
                await #expect(throws: FramingError.timedOut) { try await listener.accept(until: deadline) }
            }
            let client = try await AsyncConnection.connect(to: listener.listener.address, reactor: thread)
            try await client.send([1])
            #expect(try await accepting.value.receive() == [1])
        }
    }

    @Test("a cancelled accept leaves clients to the next")
    func cancellation() async throws {
        try await ReactorThread.withOne { thread in
            let listener = AsyncListener(try .atFreshAddress(), reactor: thread)
            // A task that has ended may hold it for a moment longer, and its directory would stay.
            defer { listener.close() }
            for _ in 0..<20 {
                let accepting = Task { try await listener.accept() }
                await thread.waitForWaits(1)
                accepting.cancel()
                await #expect(throws: CancellationError.self) { try await accepting.value }
            }
            #expect(await thread.registered == [])
            let client = try await AsyncConnection.connect(to: listener.listener.address, reactor: thread)
            try await client.send([1])
            #expect(try await listener.accept(until: .generous).receive(until: .generous) == [1])
        }
    }

    @Test("closing ends every accept that waits, and frees the address", arguments: ["unix", "127.0.0.1"])
    func closing(kind: String) async throws {
        try await ReactorThread.withOne { thread in
            let listener = AsyncListener(try address(kind), reactor: thread)
            let accepting = (0..<4).map { index in
                Task { try await listener.accept(until: index.isMultiple(of: 2) ? .never : .generous) }
            }
            await thread.waitForWaits(1)
            listener.close()
            for task in accepting { await #expect(throws: FramingError.closed) { try await task.value } }
            await #expect(throws: FramingError.closed) { try await listener.accept() }
            listener.close()
            await #expect(throws: FramingError.self) {
                try await AsyncConnection.connect(to: listener.listener.address, reactor: thread, until: .generous)
            }
        }
    }

    @Test("many clients are accepted by many tasks, each once")
    func many() async throws {
        try await ReactorThread.withOne { thread in
            let listener = AsyncListener(try .atFreshAddress(), reactor: thread)
            // A task that has ended may hold it for a moment longer, and its directory would stay.
            defer { listener.close() }
            try await withThrowingTaskGroup(of: UInt8?.self) { group in
                for _ in 0..<40 {
                    group.addTask { try await listener.accept(until: .generous).receive(until: .generous)[0] }
                }
                for number in 0..<40 as Range<UInt8> {
                    group.addTask {
                        let client = try await AsyncConnection.connect(
                            to: listener.listener.address, reactor: thread, until: .generous)
                        try await client.send([number])
                        return nil
                    }
                }
                var received: Set<UInt8> = []
                for try await case let number? in group { received.insert(number) }
                #expect(received == Set(0..<40))
            }
        }
    }

    @Test("a process without room for descriptors takes its clients later", arguments: ["accept", "wait"])
    func withoutRoom(what: String) async throws {
        let outcome = try Background { try runHelper("AsyncFramingHelper", ["\(what)-without-room"]) }
        #expect(try outcome.get() == .success)
    }

    @Test("connecting, accepting, timing out and being cancelled leave no descriptor open")
    func descriptors() async throws {
        let outcome = try Background { try runHelper("AsyncFramingHelper", ["connections-keep-descriptors"]) }
        #expect(try outcome.get() == .success)
    }
}

extension Listener {
    /// An address at which nobody listens any more, in a directory that stays.
    fileprivate static func unusedAddress() throws -> Address {
        .abstract(name: "forkserver-test-\(try randomName())")
    }
}
