import BinaryCoding
import FDPassing
import Framing
import ProcessRoles
import Syscalls

// What client and server say to each other. Both run the same build, so the coding may change from one to the next.

/// A value that another process finds by its type's name. Its descriptors travel beside the message.
struct PackedValue: Codable, Sendable {
    var typeName: String
    var payload: [UInt8]
}

/// The first message to a server, with two descriptors: both ends of the pipe that tells children when nobody is left.
struct Hello: Codable, Sendable {
    /// `nil` when the server's executable is another one by intention.
    var build: BuildIdentity?
    var client: ProcessID
    var preloads: [PackedValue]
    var backend: String?
    var gracePeriodMilliseconds: Int
}

/// The server's answer, once it is ready to fork.
enum Greeting: Codable, Sendable {
    case ready
    case differentBuild
    case typeUnknown(String)
    case preloadFailed(String, reason: String)
    case notSingleThreaded(threads: [String], culprit: String)
    case failed(String)
}

/// Asks for a child. With it come the program's descriptors, and last the child's status channel.
struct SpawnRequest: Codable, Sendable {
    var program: PackedValue
    var descriptorCount: Int
}

/// What a status channel tells of its child, in this order. With `started` comes the child's pidfd, where there are such.
enum ChildStatus: Codable, Sendable {
    case started(ProcessID)
    case typeUnknown
    case forkFailed(CInt)
    case notSingleThreaded(threads: [String])
    case ended(ExitStatus)
}

/// Which file an executable is.
struct BuildIdentity: Codable, Hashable, Sendable {
    let device: UInt64
    let inode: UInt64
    let size: Int64

    /// The executable of this process; `nil` where the kernel does not tell.
    static var current: BuildIdentity? {
        #if os(Linux)
            guard let status = try? FileStatus(ofFileAt: "/proc/self/exe") else { return nil }
            return BuildIdentity(device: status.identity.device, inode: status.identity.inode, size: status.size)
        #else
            return nil
        #endif
    }
}

extension Connection {
    func send(message: some Encodable, passing descriptors: [FileDescriptor] = [], until deadline: Deadline = .never)
        throws(ForkServerError)
    {
        let bytes: [UInt8]
        do { bytes = try BinaryEncoder().encode(message) } catch { throw .notEncodable("\(error)") }
        do throws(FramingError) {
            try send(bytes, passing: descriptors, until: deadline)
        } catch {
            throw .connection(error)
        }
    }
}

extension PackedValue {
    /// Packs a value; its descriptors are left in `outgoing`.
    init(_ value: some Encodable & Sendable, outgoing: OutgoingDescriptors) throws(ForkServerError) {
        typeName = try TypeName.name(of: type(of: value))
        do {
            payload = try BinaryEncoder(userInfo: [.outgoingDescriptors: outgoing]).encode(value)
        } catch {
            throw .notEncodable("\(error)")
        }
    }
}
