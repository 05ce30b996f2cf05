import Framing
import Syscalls

/// A connection that carries values instead of bytes, through a coder, as CPython's `ConnectionWrapper`.
///
/// Safe to use from any thread, as its connection is.
public struct MessageConnection<Coder: MessageCoder>: Sendable {
    /// The connection below. Messages that are sent or received there are none of the coder's.
    public let connection: Connection
    /// What turns values into messages and back. The peer has to have its like.
    public let coder: Coder

    /// Sends values over a connection.
    public init(_ connection: Connection, coder: Coder) {
        self.connection = connection
        self.coder = coder
    }

    /// Sends one value.
    ///
    /// - Throws: What the coder throws, and nothing has been sent then; and what `Connection.send` throws.
    public func send(_ value: some Encodable, until deadline: Deadline? = nil) throws {
        let message = try coder.encode(value)
        // It keeps the descriptors open.
        try withExtendedLifetime(message) {
            try connection.send(message.bytes, passing: message.outgoing?.descriptors ?? [], until: deadline)
        }
    }

    /// Receives the next value.
    ///
    /// - Parameters:
    ///   - type: What the next message is to hold.
    ///   - limit: The most bytes that the message may have.
    ///   - deadline: When to give up; what has come of the message by then is kept for the next call.
    /// - Throws: What the coder throws when the message is none of its own or holds another type: it is gone then, and the next
    ///   one can be received; and what `Connection.receive` throws.
    public func receive<Value: Decodable>(
        _ type: Value.Type = Value.self, limit: Int = .max, until deadline: Deadline? = nil
    ) throws -> Value {
        try connection.receive(limit: limit, until: deadline) { bytes, descriptors in
            try coder.decode(type, from: bytes, takingDescriptors: descriptors)
        }
    }
}

extension MessageConnection where Coder == BinaryMessageCoder {
    /// Sends values in this package's binary form.
    public init(_ connection: Connection) {
        self.init(connection, coder: BinaryMessageCoder())
    }
}
