import FDPassing
import Framing
import MessageCoding
import Syscalls
import TestSupport
import Testing

@Suite("Connections that carry values")
struct MessageConnectionTests {
    @Test("a value that is sent is the value that is received")
    func roundTrip() throws {
        let (first, second) = try Connection.pipe()
        let sender = MessageConnection(first)
        let receiver = MessageConnection(second)
        try sender.send(["a": [1, 2], "b": []])
        try sender.send("text")
        #expect(try receiver.receive([String: [Int]].self, until: .generous) == ["a": [1, 2], "b": []])
        let text: String = try receiver.receive(until: .generous)
        #expect(text == "text")
    }
}
