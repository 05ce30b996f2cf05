import FDPassing
import Syscalls

/// A connection inside a value travels to another process, as CPython's `reduce_connection` has it: as a descriptor, with its
/// directions and its limit of descriptors. It stays open here too, and the two share the stream: close this one.
///
/// The layer that carries the value sends the descriptor beside its bytes (see `PassedDescriptor`).
extension Connection: Codable {
    private enum Keys: String, CodingKey {
        case descriptor
        case isReadable
        case isWritable
        case descriptorLimit
    }

    /// Takes the connection that came beside the value.
    public convenience init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Keys.self)
        let passed = try container.decode(PassedDescriptor.self, forKey: .descriptor)
        let descriptorLimit = try container.decode(Int.self, forKey: .descriptorLimit)
        guard let descriptor = passed.take(), descriptorLimit >= 0 else {
            throw DecodingError.dataCorruptedError(
                forKey: .descriptorLimit, in: container, debugDescription: "a connection cannot have this limit")
        }
        self.init(
            descriptor, readable: try container.decode(Bool.self, forKey: .isReadable),
            writable: try container.decode(Bool.self, forKey: .isWritable), descriptorLimit: descriptorLimit)
    }

    /// Leaves a duplicate of the descriptor to the layer that sends the value.
    ///
    /// - Throws: `FramingError.hasReadAhead` when bytes were read that the descriptor alone would not give to the receiver;
    ///   `.sendUnderWay` when a part of a message was sent; `.closed` when it is closed or another thread is using it; and
    ///   what there being no room for a duplicate is.
    public func encode(to encoder: any Encoder) throws {
        let duplicate = try betweenMessages { () throws(FramingError) in
            try withDescriptor { descriptor throws(FramingError) in
                try framing { () throws(Errno) in try descriptor.duplicate() }
            }
        }
        var container = encoder.container(keyedBy: Keys.self)
        try container.encode(PassedDescriptor(duplicate), forKey: .descriptor)
        try container.encode(isReadable, forKey: .isReadable)
        try container.encode(isWritable, forKey: .isWritable)
        try container.encode(descriptorLimit, forKey: .descriptorLimit)
    }
}
