import FDPassing
import Framing

/// What the peer does with what it receives.
enum PeerMode: String, CaseIterable {
    /// Sends every message back.
    case echo
    /// Sends descriptors back, in CPython's format, message by message.
    case descriptors

    /// How many descriptors may come with the connection's own messages.
    var descriptorLimit: Int { self == .descriptors ? maximumDescriptorsPerMessage : 0 }

    /// Serves one connection until its other end closes it. Blocks.
    func serve(_ connection: Connection) throws(FramingError) {
        do throws(FramingError) {
            switch self {
            case .echo: while true { try connection.send(try connection.receive()) }
            case .descriptors: try Self.echoDescriptors(connection)
            }
        } catch {
            guard error == .endOfFile || error == .descriptors(.endOfStream) else { throw error }
        }
    }

    private static func echoDescriptors(_ connection: Connection) throws(FramingError) {
        if connection.bufferedByteCount > 0 { try sendBackReadAhead(connection) }
        try connection.withDescriptor { socket throws(FramingError) in
            do throws(FDPassingError) {
                while true {
                    let batch = try socket.receiveDescriptorMessage()
                    try socket.sendDescriptors(batch.remaining)
                }
            } catch {
                throw .descriptors(error)
            }
        }
    }

    /// Sends back what was read together with the handshake's last message.
    ///
    /// It is no more than one message: the kernel ends a read at a message that carries descriptors.
    private static func sendBackReadAhead(_ connection: Connection) throws(FramingError) {
        // The message's only byte, which says the number of its descriptors: the connection knows it as well.
        let bytes = connection.bufferedByteCount
        guard bytes == 1 else { throw .hasReadAhead(bytes: bytes) }
        let batch = try takeArrivedDescriptors(connection)
        try connection.withDescriptor { socket throws(FramingError) in
            do throws(FDPassingError) { try socket.sendDescriptors(batch.remaining) } catch {
                throw .descriptors(error)
            }
        }
    }

    private static func takeArrivedDescriptors(_ connection: Connection) throws(FramingError) -> DescriptorBatch {
        do throws(FramingError) {
            return try connection.receiveDescriptors(maximumDescriptorsPerMessage)
        } catch {
            guard case .missingDescriptors(_, let arrived) = error else { throw error }
            return try connection.receiveDescriptors(arrived)
        }
    }
}
