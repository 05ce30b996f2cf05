import FDPassing
import Framing
import MessageCoding
import Syscalls
import TestSupport

/// What tests of MessageCoding cannot do in the test runner: be the other process, and count open descriptors.
@main enum MessageCodingHelper {
    static func main() {
        runSubcommand(commands)
    }
}

/// The same as the tests'.
private struct Parcel: Codable {
    var name: String
    var pipe: PassedDescriptor
    var reader: Connection
    var writer: Connection
    var duplex: Connection
}

private let commands: HelperCommands = [
    // Receives parcels on descriptor 3 until its end, and uses all that is in each.
    "parcels": {
        let connection = MessageConnection(
            Connection(OwnedFileDescriptor(owning: 3), descriptorLimit: 4))
        var count = 0
        while try connection.connection.poll(until: .generous) {
            let isOver = try checkedKeepingDescriptors { () throws -> Bool in
                let parcel: Parcel
                do { parcel = try connection.receive(until: .generous) } catch FramingError.endOfFile { return true }
                check(parcel.reader.isReadable && !parcel.reader.isWritable, "the reader has other directions")
                check(!parcel.writer.isReadable && parcel.writer.isWritable, "the writer has other directions")
                check(parcel.duplex.isReadable && parcel.duplex.isWritable, "the duplex one has other directions")
                try parcel.writer.send(parcel.reader.receive(until: .generous).reversed(), until: .generous)
                let message = try parcel.duplex.receive(until: .generous)
                try parcel.duplex.send(message + message, until: .generous)
                try parcel.pipe.descriptor?.writeAll(parcel.name)
                return false
            }
            if isOver { return }
            count += 1
            try connection.send(count, until: .generous)
        }
    },
    "counts": {
        struct Value: Codable {
            var connection: Connection
            var pipe: PassedDescriptor
            var number: Int
        }
        /// Encodes a descriptor and then fails.
        struct Refused: Encodable {
            struct Refusal: Error, Equatable {}
            var connection: Connection
            func encode(to encoder: any Encoder) throws {
                var container = encoder.unkeyedContainer()
                try container.encode(connection)
                throw Refusal()
            }
        }
        try checkKeepsDescriptors {
            let pair = try SocketPair()
            let sender = MessageConnection(Connection(pair.first))
            let receiver = MessageConnection(Connection(pair.second, descriptorLimit: 2))
            let (connection, _) = try Connection.pipe()
            let ends = try Pipe()
            let pipe = PassedDescriptor(ends.readEnd)
            try checkKeepsDescriptors {
                for number in 0..<10 {
                    try sender.send(Value(connection: connection, pipe: pipe, number: number))
                    checkEqual(try receiver.receive(Value.self, until: .generous).number, number)
                    // Of another type, whatever came with it is closed.
                    try sender.send(Value(connection: connection, pipe: pipe, number: number))
                    do {
                        _ = try receiver.receive([String: String].self, until: .generous)
                        fail("a value of another type was received")
                    } catch is DecodingError {}
                    checkThrows(Refused.Refusal()) { try sender.send(Refused(connection: connection)) }
                }
                // A receiver that allows none.
                let (near, far) = try Connection.pipe()
                try MessageConnection(near).send(pipe)
                checkThrows(FramingError.missingDescriptors(expected: 1, arrived: 0)) {
                    try MessageConnection(far).receive(PassedDescriptor.self, until: .generous)
                }
            }
        }
    },
]

/// Runs the body, and ends the process when it leaves more or fewer descriptors open than before.
private func checkedKeepingDescriptors<Result>(_ body: () throws -> Result) throws -> Result {
    var result: Result?
    try checkKeepsDescriptors { result = try body() }
    return result!
}
