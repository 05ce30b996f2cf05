import BinaryCoding
import FDPassing
import Framing
import ProcessRoles
import Syscalls

// What client, server and child say to each other. All run the same build, so the coding may change from one to the next.
//
// A child has two sockets that only it and its client, or its client and the server, have: its *channel*, over which it is sent
// what it is to run and speaks with its client afterwards, and its *status*, over which it tells of its start and the server of its
// end (`ChildStatus`). The server sees neither programs nor their descriptors.

/// A value that another process finds by its type's name. Its descriptors travel beside the message.
struct PackedValue: Codable, Sendable {
    var typeName: String
    var payload: [UInt8]
}

/// The first message to a server, with two descriptors: both ends of the pipe that tells children when nobody is left. After them
/// comes what `address` says.
struct Hello: Codable, Sendable {
    /// `nil` when the server's executable is another one by intention.
    var build: BuildIdentity?
    var client: ProcessID
    var resourceLimits: [LimitChange]
    var preloads: [PackedValue]
    var preloadFailure: ForkServer.PreloadFailurePolicy
    var spares: ForkServer.Spares
    var backend: String?
    var gracePeriodMilliseconds: Int
    var address: AddressSetup?
}

/// The server's answer: that it has begun, and then whether it is ready to fork.
enum Greeting: Codable, Sendable {
    /// It is a server, and does its preloads now.
    case begun
    /// With the preloads that failed, where the policy lets them, and where the server's address is, if it has one.
    case ready(failedPreloads: [String], address: String?)
    case differentBuild
    case typeUnknown(String)
    case preloadFailed(String, reason: String)
    case notSingleThreaded(threads: [String], culprit: String)
    case failed(String)
}

/// What a child says to the server that forked it when it wants to be its client too, with three descriptors: the server's end of a
/// control socket, and both ends of a sentinel pipe.
struct Introduction: Codable, Sendable {
    static let descriptorCount = 3
    static let mostBytes = 256

    var client: ProcessID
    var gracePeriodMilliseconds: Int
}

/// What a client asks of the server.
enum ServerRequest: Sendable {
    /// A child. With it come the child's ends of its channel and of its status socket.
    /// A parked one does where there is one, unless one has failed to take the request before.
    case spawn(typeName: String, isDetached: Bool, mayUseSpare: Bool)
    /// What the server knows of itself, to be sent over the socket that comes with it.
    case statistics
    /// The client has another server now: this one ends with the client's children.
    case retire
    /// The end of a child that its client could not take in.
    case abandon(ProcessID)
    /// The client is about to go, and the server's address is to close then, whoever has its alive pipe.
    case shutDown

    var descriptorCount: Int {
        switch self {
        case .spawn: 2
        case .statistics: 1
        case .retire, .abandon, .shutDown: 0
        }
    }
}

/// Which file an executable is.
struct BuildIdentity: Codable, Hashable, Sendable {
    let device: UInt64
    let inode: UInt64
    let size: Int64

    /// That of the executable at a path; `nil` where it cannot be told.
    init?(ofFileAt path: String) {
        guard let status = try? FileStatus(ofFileAt: path) else { return nil }
        device = status.identity.device
        inode = status.identity.inode
        size = status.size
    }

    /// The executable of this process; `nil` where the kernel does not tell.
    static var current: BuildIdentity? {
        #if os(Linux)
            BuildIdentity(ofFileAt: "/proc/self/exe")
        #else
            nil
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
            payload = try outgoing.whileEncoding { try BinaryEncoder().encode(value) }
        } catch {
            throw .notEncodable("\(error)")
        }
    }
}
