import BinaryCoding
import FDPassing
import ForkServer
import ProcessRoles
import Syscalls

/// What goes to a worker: a header of native integers, the name of the task's type, and the encoded task.
///
///     descriptors: UInt32   name length: UInt32   name   task
struct TaskMessage {
    static let headerSize = 8
    /// Of a task, or of a result.
    static let mostDescriptors = ChildContext.descriptorLimit

    /// The task as it goes over the wire, and the descriptors that go beside it, kept open until it is sent.
    static func encode(_ task: some Encodable & Sendable) throws(PoolError) -> EncodedTask {
        let name: String
        do throws(ForkServerError) {
            name = try TypeName.name(of: type(of: task))
        } catch {
            throw .typeNotNameable(String(reflecting: type(of: task)))
        }
        let outgoing = OutgoingDescriptors()
        var bytes = [UInt8](repeating: 0, count: headerSize)
        bytes.append(contentsOf: name.utf8)
        do {
            try BinaryEncoder(userInfo: [.outgoingDescriptors: outgoing]).encode(task, appendingTo: &bytes)
        } catch {
            throw .coding("\(error)")
        }
        let descriptors = outgoing.descriptors
        guard descriptors.count <= mostDescriptors else {
            throw .coding("it has \(descriptors.count) descriptors; \(mostDescriptors) can be passed")
        }
        bytes.store(UInt32(descriptors.count), at: 0)
        bytes.store(UInt32(name.utf8.count), at: 4)
        return EncodedTask(bytes: bytes, outgoing: outgoing, descriptorCount: descriptors.count)
    }

    let descriptorCount: Int
    let typeName: String
    let payload: ArraySlice<UInt8>

    /// Reads what a program sent; `nil` when it makes no sense.
    init?(parsing bytes: [UInt8]) {
        guard bytes.count >= Self.headerSize else { return nil }
        descriptorCount = Int(bytes.load(UInt32.self, at: 0))
        let nameEnd = Self.headerSize + Int(bytes.load(UInt32.self, at: 4))
        guard nameEnd <= bytes.count,
            let name = String(validating: bytes[Self.headerSize..<nameEnd], as: UTF8.self)
        else { return nil }
        typeName = name
        payload = bytes[nameEnd...]
    }
}

/// A task, ready to be sent.
struct EncodedTask: Sendable {
    let bytes: [UInt8]
    /// Keeps the descriptors open.
    let outgoing: OutgoingDescriptors
    let descriptorCount: Int

    var descriptors: [FileDescriptor] { descriptorCount == 0 ? [] : outgoing.descriptors }
}

/// What comes back: a header of native integers, and the encoded result or failure.
///
///     descriptors: UInt32   kind: UInt32   result
struct ReplyMessage {
    static let headerSize = 8

    enum Kind: UInt32 {
        case output = 0
        case failure = 1
    }

    let kind: Kind
    let descriptorCount: Int
    let payload: ArraySlice<UInt8>

    /// Reads what a worker sent; `nil` when it makes no sense.
    init?(parsing bytes: [UInt8]) {
        guard bytes.count >= Self.headerSize, let kind = Kind(rawValue: bytes.load(UInt32.self, at: 4)) else {
            return nil
        }
        descriptorCount = Int(bytes.load(UInt32.self, at: 0))
        self.kind = kind
        payload = bytes[Self.headerSize...]
    }

    /// Starts a reply; the result is appended to it.
    static func header(_ kind: Kind) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: headerSize)
        bytes.store(kind.rawValue, at: 4)
        return bytes
    }

    static func setDescriptorCount(_ count: Int, in bytes: inout [UInt8]) {
        bytes.store(UInt32(count), at: 0)
    }
}

/// Why a task has no result, as its worker tells it.
enum TaskFailure: Error, Codable {
    case threw(type: String, description: String)
    case typeUnknown
    case coding(String)

    func error(typeName: String) -> PoolError {
        switch self {
        case .threw(let type, let description): .taskFailed(type: type, description: description)
        case .typeUnknown: .typeUnknown(typeName)
        case .coding(let reason): .coding(reason)
        }
    }
}

extension [UInt8] {
    fileprivate func load<Number: FixedWidthInteger>(_ type: Number.Type, at offset: Int) -> Number {
        withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: type) }
    }

    fileprivate mutating func store(_ number: some FixedWidthInteger, at offset: Int) {
        withUnsafeMutableBytes { $0.storeBytes(of: number, toByteOffset: offset, as: type(of: number)) }
    }
}
