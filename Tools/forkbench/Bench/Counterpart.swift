import Auth
import FDPassing
import ForkbenchCore
import Framing
import Syscalls

/// The other end of a benchmark or scenario, as a process of its own, with its channel as descriptor 3.
///
/// It ends when its channel does.
enum Counterpart: String {
    /// Answers each message with itself.
    case echo
    /// Counts messages, and answers each 16th with an empty one.
    case sink
    /// Takes in single descriptors, and answers each 200th with a byte.
    case descriptors
    /// Takes in 253 descriptors a message, and answers each 20th with a byte.
    case batches
    /// Sends back whatever descriptors come, as many as the first byte says.
    case descriptorEcho
    /// Authenticates as a listener, again and again.
    case handshake

    static let descriptorsPerSample = 200
    static let batchesPerSample = 20
    static let messagesPerSample = 16
    /// For processes that only measure: not a secret.
    static func key() throws -> AuthenticationKey { try AuthenticationKey(Array("forkbench".utf8)) }

    /// `NAME CPU`; a minus for the CPU is none.
    static func run(_ arguments: [String]) throws {
        guard arguments.count == 2, let counterpart = Counterpart(rawValue: arguments[0]) else {
            throw UsageError("expected NAME CPU")
        }
        SampleServer.pin(to: Int(arguments[1]))
        let channel = OwnedFileDescriptor(owning: 3)
        do {
            switch counterpart {
            case .echo: try echo(Connection(channel))
            case .sink: try sink(Connection(channel))
            case .descriptors: try takeDescriptors(channel, 1, each: descriptorsPerSample)
            case .batches: try takeDescriptors(channel, maximumDescriptorsPerMessage, each: batchesPerSample)
            case .descriptorEcho: try echoDescriptors(channel)
            case .handshake: try authenticate(Connection(channel))
            }
        } catch FramingError.endOfFile, FDPassingError.endOfStream {
            return
        } catch AuthenticationError.ended {
            return
        }
    }

    private static func echo(_ connection: Connection) throws {
        while true { try connection.send(try connection.receive()) }
    }

    private static func sink(_ connection: Connection) throws {
        while true {
            for _ in 0..<messagesPerSample { _ = try connection.receive() }
            try connection.send([])
        }
    }

    private static func takeDescriptors(_ channel: consuming OwnedFileDescriptor, _ count: Int, each: Int) throws {
        while true {
            for _ in 0..<each { _ = try channel.descriptor.receiveDescriptors(count) }
            try channel.descriptor.writeAll([0])
        }
    }

    private static func echoDescriptors(_ channel: consuming OwnedFileDescriptor) throws {
        while let count = try channel.descriptor.read(upTo: 1).first {
            let batch = try channel.descriptor.receiveDescriptors(Int(count))
            try channel.descriptor.sendDescriptors(batch.remaining)
        }
    }

    private static func authenticate(_ connection: Connection) throws {
        let key = try key()
        while true { try connection.authenticateAsListener(key: key) }
    }

    /// Starts a counterpart; returns our end of its channel.
    static func start(_ counterpart: Counterpart, cpu: Int? = nil) throws(Errno) -> StartedCounterpart {
        let pair = try SocketPair()
        let process = try HelperRole.counterpart.start(
            [counterpart.rawValue, cpu.map(String.init) ?? "-"], descriptors: [3: pair.second.descriptor])
        return StartedCounterpart(process: process, channel: pair.first)
    }
}

/// A counterpart, and our end of its channel.
struct StartedCounterpart: ~Copyable {
    let process: ProcessID
    let channel: OwnedFileDescriptor
}

extension SampleContext {
    func connect(to peer: Counterpart) throws -> Connection {
        let started = try Counterpart.start(peer, cpu: peerCPU)
        return Connection(started.channel)
    }
}
