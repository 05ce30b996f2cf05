import BinaryCoding
import FDPassing
import ProcessRoles
import Syscalls

/// Does once in the server what each child will do first.
///
/// Swift's runtime builds generic types and looks conformances up when they are first met, which is slow, and what it has
/// built every child forked later has in memory.
struct Rehearsal: ChildProgram {
    let descriptor: PassedDescriptor
    let number: Int
    let text: String
    let bytes: [UInt8]

    func run(in child: ChildContext) {}

    static func perform() throws {
        let outgoing = OutgoingDescriptors()
        let descriptor = try PassedDescriptor(duplicating: .standardInput)
        let packed = try PackedValue(
            Rehearsal(descriptor: descriptor, number: 1, text: "", bytes: []), outgoing: outgoing)
        guard let type = TypeName.type(named: packed.typeName) as? any ChildProgram.Type else {
            throw ForkServerError.typeUnknown(packed.typeName)
        }
        var batch = DescriptorBatch()
        batch.append(try descriptor.descriptor!.duplicate())
        let pair = try SocketPair()
        let request = ReceivedRequest(program: packed, descriptors: batch, status: pair.first)
        try type.run(request, in: ChildContext(clientProcess: .current))
        pair.second.discard()
        // The first write asks the kernel what it can; standard input is /dev/null, open for both.
        try FileDescriptor.standardInput.writeAll([0])
    }
}

extension ChildProgram {
    /// Has the runtime build what decoding this type takes, without decoding anything.
    ///
    /// A synthesized `init(from:)` asks for its container first, and by then has had the container's type built.
    static func prepareDecoding() {
        _ = try? Self(from: RefusingDecoder())
    }
}

/// Has nothing to decode from.
private struct RefusingDecoder: Decoder {
    struct Refusal: Error {}

    var codingPath: [any CodingKey] { [] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> { throw Refusal() }
    func unkeyedContainer() throws -> any UnkeyedDecodingContainer { throw Refusal() }
    func singleValueContainer() throws -> any SingleValueDecodingContainer { throw Refusal() }
}
