import Framing
import Testing

@Suite("Addresses")
struct AddressTests {
    @Test(
        "an address is read from text, and written as it was",
        arguments: [
            ("unix:/tmp/socket", .unix(path: "/tmp/socket")), ("unix:a:b", .unix(path: "a:b")),
            ("abstract:name", .abstract(name: "name")), ("tcp:localhost:80", .tcp(host: "localhost", port: 80)),
            ("tcp:127.0.0.1:0", .tcp(host: "127.0.0.1", port: 0)), ("tcp:[::1]:65535", .tcp(host: "::1", port: 65535)),
            ("tcp::5", .tcp(host: "", port: 5)),
        ] as [(String, Address)])
    func parsing(text: String, address: Address) throws {
        #expect(try Address(parsing: text) == address)
        #expect(address.description == text)
    }

    @Test(
        "what is no address is an error that says what is",
        arguments: [
            "", "unix", "unix:", "abstract:", "tcp:", "tcp:host", "tcp:host:", "tcp:host:65536", "tcp:host:-1",
            "tcp:host:x",
            "udp:host:1", "/tmp/socket", "unix/tmp",
        ])
    func wrong(text: String) {
        let error = #expect(throws: FramingError.self) { try Address(parsing: text) }
        guard case .invalidAddress(let problem) = error else {
            Issue.record("\(String(describing: error)) is another error")
            return
        }
        #expect(problem.contains("“\(text)”") && problem.contains("tcp:HOST:PORT"))
    }
}
