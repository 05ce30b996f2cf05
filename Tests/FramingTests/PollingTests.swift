import Framing
import Syscalls
import TestSupport
import Testing

@Suite("Polling a connection")
struct PollingTests {
    @Test("a message without bytes is found, as often as one asks")
    func emptyMessage() throws {
        let (connection, peer) = try Connection.pipe()
        #expect(try !connection.poll())
        try peer.send([])
        #expect(try connection.poll())
        #expect(try connection.poll())
        #expect(try connection.receive() == [])
        #expect(try !connection.poll())
    }

    @Test("asking takes nothing away and merges nothing: messages come one by one", arguments: [true, false])
    func oneByOne(duplex: Bool) throws {
        let (receiver, sender) = try Connection.pipe(duplex: duplex)
        let messages = ["hello", "", "a", "b", "", "bye", "", "lop"].map { Array($0.utf8) }
        let sending = try Background { for message in messages { try sender.send(message) } }
        for message in messages {
            #expect(try receiver.poll(until: .generous))
            #expect(try receiver.poll(until: .generous))
            #expect(try receiver.poll(until: .now))
            #expect(try receiver.receive() == message)
        }
        try sending.get()
        #expect(try !receiver.poll())
    }

    @Test("who only asks leaves every message to another reader of the same stream")
    func otherReader() throws {
        let pipe = try Pipe()
        let asking = Connection(try pipe.readEnd.duplicate(), writable: false)
        let reading = Connection(pipe.readEnd, writable: false)
        let sender = Connection(pipe.writeEnd, readable: false)
        let waiting = try Background { try asking.poll(until: .generous) }
        try sender.send(Array("first".utf8))
        #expect(try waiting.get())
        try sender.send(Array("second".utf8))
        #expect(try asking.poll())
        #expect(asking.bufferedByteCount == 0)
        #expect(try reading.receive() == Array("first".utf8))
        #expect(try reading.receive() == Array("second".utf8))
    }

    @Test("a deadline before now is one that has passed, and no wait without end")
    func pastDeadline() throws {
        let (connection, peer) = try Connection.pipe()
        let past = Deadline.after(.seconds(-1))
        #expect(try !connection.poll(until: past))
        #expect(try wait(for: [connection], until: past) == [])
        #expect(throws: FramingError.timedOut) { try connection.receive(until: past) }
        try peer.send([1])
        #expect(try connection.poll(until: past))
        #expect(try connection.receive(until: past) == [1])
    }

    @Test("a connection whose descriptor is not open is an error, whatever it is asked to do")
    func notOpen() throws {
        // Beyond any limit of open descriptors, so that it is nobody's.
        let connection = Connection(OwnedFileDescriptor(owning: 1_000_000_000))
        let error = FramingError.system(.badFileDescriptor)
        #expect(throws: error) { try connection.poll() }
        #expect(throws: error) { try connection.receive() }
        #expect(throws: error) { try connection.send([1]) }
    }
}
