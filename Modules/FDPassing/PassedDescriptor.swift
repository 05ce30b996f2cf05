import Syscalls

/// A descriptor inside a value that travels to another process: the `Codable` stand-in for an `OwnedFileDescriptor`.
///
/// The layer that carries the value sends the descriptor beside its bytes; what the receiver decodes owns a descriptor
/// of its own for the same open file. Encoding and decoding it by any other way is an error. Safe to use from any thread.
public final class PassedDescriptor: Codable, Sendable {
    private let owned: Lock<OwnedFileDescriptor?>

    /// Takes over a descriptor. It is closed with the last reference to this object, unless `take()` gives it up.
    public init(_ descriptor: consuming OwnedFileDescriptor) {
        owned = Lock(descriptor)
    }

    /// Duplicates a descriptor that somebody else goes on owning. The corresponding C function is `fcntl` with
    /// `F_DUPFD_CLOEXEC`.
    public convenience init(duplicating descriptor: FileDescriptor) throws(Errno) {
        self.init(try descriptor.duplicate())
    }

    /// The borrowed descriptor, valid for as long as this object lives and nobody has taken it; `nil` afterwards.
    public var descriptor: FileDescriptor? {
        owned.withLock { owned in
            guard let number = owned?.descriptor else { return nil }
            return number
        }
    }

    /// Gives the descriptor up: the caller owns it. `nil` when it was given up before.
    public func take() -> OwnedFileDescriptor? {
        owned.withLock { $0.take() }
    }

    /// Takes the descriptor that came beside the value. The layer that received both has made it known to the decoder.
    public convenience init(from decoder: any Decoder) throws {
        let index = try decoder.singleValueContainer().decode(Int.self)
        guard let incoming = decoder.userInfo[.incomingDescriptors] as? IncomingDescriptors else {
            throw DecodingError.dataCorrupted(
                .init(
                    codingPath: decoder.codingPath,
                    debugDescription: "a PassedDescriptor can only be decoded from a message that carried descriptors"))
        }
        guard let descriptor = incoming.take(at: index) else {
            throw DecodingError.dataCorrupted(
                .init(
                    codingPath: decoder.codingPath,
                    debugDescription: "descriptor \(index) did not come with the message, or is in it twice"))
        }
        self.init(descriptor)
    }

    /// Leaves the descriptor to the layer that sends the value, and a number in its place.
    public func encode(to encoder: any Encoder) throws {
        guard let outgoing = encoder.userInfo[.outgoingDescriptors] as? OutgoingDescriptors else {
            throw EncodingError.invalidValue(
                self,
                .init(
                    codingPath: encoder.codingPath,
                    debugDescription: "a PassedDescriptor travels only inside a task, its result or a child's program"))
        }
        guard let descriptor else {
            throw EncodingError.invalidValue(
                self,
                .init(codingPath: encoder.codingPath, debugDescription: "the descriptor has been taken out already"))
        }
        var container = encoder.singleValueContainer()
        try container.encode(outgoing.append(self, descriptor))
    }
}

/// The descriptors met while a value is encoded, to be sent beside it.
package final class OutgoingDescriptors: Sendable {
    // The objects are kept, so that their descriptors stay open until they are sent.
    private let passed = Lock<(objects: [PassedDescriptor], descriptors: [FileDescriptor])>(([], []))

    package init() {}

    fileprivate func append(_ object: PassedDescriptor, _ descriptor: FileDescriptor) -> Int {
        passed.withLock { passed in
            passed.objects.append(object)
            passed.descriptors.append(descriptor)
            return passed.descriptors.count - 1
        }
    }

    package var descriptors: [FileDescriptor] { passed.withLock { $0.descriptors } }

    /// Makes ready for the next value.
    package func removeAll() {
        passed.withLock { passed in
            if !passed.objects.isEmpty { passed = ([], []) }
        }
    }
}

/// The descriptors that came with a value, from which decoding takes; the rest are closed with it.
package final class IncomingDescriptors: Sendable {
    private let batch: Lock<DescriptorBatch>

    package init(_ batch: consuming DescriptorBatch) {
        self.batch = Lock(batch)
    }

    fileprivate func take(at index: Int) -> OwnedFileDescriptor? {
        batch.withLock { $0.take(at: index) }
    }
}

extension CodingUserInfoKey {
    package static let outgoingDescriptors = CodingUserInfoKey(rawValue: "swift-forkserver.outgoing")!
    package static let incomingDescriptors = CodingUserInfoKey(rawValue: "swift-forkserver.incoming")!
}
