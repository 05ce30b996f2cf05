import Framing
import Syscalls
import TestSupport
import Testing

@Suite("Clients that are faster than the listener")
struct EarlyClientTests {
    private func listener(_ kind: String, in directory: borrowing TemporaryDirectory) throws -> Listener {
        try Listener(at: kind == "unix" ? .unix(path: directory.file("socket")) : .tcp(host: "127.0.0.1", port: 0))
    }

    @Test(
        "a client that has sent its message and gone before it is accepted is accepted all the same",
        arguments: ["unix", "tcp"])
    func goneBeforeAccepted(kind: String) throws {
        let directory = try TemporaryDirectory()
        let listener = try listener(kind, in: directory)
        let client = try Connection.connect(to: listener.address, until: .generous)
        try client.send(Array("hello".utf8))
        client.close()
        let connection = try listener.accept(until: .generous)
        #expect(try connection.receive(until: .generous) == Array("hello".utf8))
        #expect(throws: FramingError.endOfFile) { try connection.receive(until: .generous) }
    }

    @Test("a message of a side that has closed since is found by polling", arguments: ["unix", "tcp"])
    func sentBeforeClose(kind: String) throws {
        let directory = try TemporaryDirectory()
        let listener = try listener(kind, in: directory)
        let client = try Connection.connect(to: listener.address, until: .generous)
        let connection = try listener.accept(until: .generous)
        try connection.send(Array("hello".utf8))
        connection.close()
        listener.close()
        #expect(try client.poll(until: .generous))
        #expect(try client.receive(until: .generous) == Array("hello".utf8))
    }
}
