import Auth
import FDPassing
import Framing
import Syscalls

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A client at the server's address, from its connection to its request.
final class Caller {
    let credentials: PeerCredentials
    let arrival = Deadline.now
    private let socket: OwnedFileDescriptor
    private var handshake: Handshake?
    private var decoder = FrameDecoder()

    /// What ends a client's connection.
    enum Failure: Error {
        /// It has gone again, which is its good right.
        case gone
        case otherUser(UInt32)
        case authentication(AuthenticationError)
        case descriptors(FDPassingError)
        case tooFewDescriptors(Int)
        case unusableStatus(Errno)
        case system(Errno)
    }

    /// Begins the handshake, if there is a key.
    ///
    /// - Parameter handshake: The listener's: first it delivers, then it answers.
    init(_ socket: consuming OwnedFileDescriptor, _ handshake: Handshake?) throws(Failure) {
        do throws(Errno) {
            try socket.descriptor.setBlocking(false)
            credentials = try PeerCredentials(of: socket.descriptor)
        } catch {
            throw .system(error)
        }
        self.socket = socket
        self.handshake = handshake
        guard credentials.user == geteuid() else { throw .otherUser(credentials.user) }
        try send(self.handshake?.begin())
        try checkHandshake()
    }

    /// The borrowed socket.
    var descriptor: FileDescriptor { socket.descriptor }

    /// Takes in what has come of the handshake, without waiting. Returns whether that is all of it.
    func finishHandshake() throws(Failure) -> Bool {
        while isInHandshake {
            guard let message = try nextMessage() else { return false }
            try send(handshake!.reply(to: message))
            try checkHandshake()
        }
        return true
    }

    /// The request, once it has come, after the handshake. Does not wait.
    func receiveRequest() throws(Failure) -> ForeignRequest? {
        let descriptors: DescriptorBatch
        do throws(FDPassingError) {
            descriptors = try descriptor.receiveDescriptorMessage()
        } catch {
            switch error {
            case .system(.resourceTemporarilyUnavailable): return nil
            case .endOfStream, .system(.connectionReset): throw .gone
            default: throw .descriptors(error)
            }
        }
        return try ForeignRequest(of: credentials, descriptors)
    }

    // MARK: The handshake

    private var isInHandshake: Bool {
        if case .awaiting = handshake?.state { true } else { false }
    }

    private func checkHandshake() throws(Failure) {
        if case .failed(let error) = handshake?.state { throw .authentication(error) }
    }

    /// The next frame, when it is there; not a byte beyond it is read, since the next may have descriptors beside it.
    private func nextMessage() throws(Failure) -> [UInt8]? {
        while true {
            do throws(FramingError) {
                if let message = try decoder.next(limit: Handshake.messageLimit) { return message }
            } catch {
                throw .authentication(.framing(error))
            }
            let missing = decoder.isAtBoundary ? 4 : decoder.missingByteCount
            let bytes: [UInt8]
            do throws(Errno) {
                bytes = try descriptor.read(upTo: missing)
            } catch {
                if error == .resourceTemporarilyUnavailable { return nil }
                throw error == .connectionReset ? .gone : .system(error)
            }
            if bytes.isEmpty { throw .gone }
            decoder.append(bytes.span.bytes)
        }
    }

    /// Sends a frame of the handshake. A socket that has no room for so little belongs to a client that reads nothing.
    private func send(_ message: [UInt8]?) throws(Failure) {
        guard let message else { return }
        var encoder = FrameEncoder()
        encoder.append(message)
        do throws(Errno) {
            let sent = try descriptor.send(encoder.bytes.span.bytes, until: .now)
            guard sent == encoder.bytes.count else { throw .timedOut }
        } catch {
            try checkHandshake()
            throw error == .brokenPipe || error == .connectionReset ? .gone : .system(error)
        }
    }
}

extension Caller.Failure: CustomStringConvertible {
    var description: String {
        switch self {
        case .gone: "it has gone"
        case .otherUser(let user): "it belongs to the user \(user)"
        case .authentication(let error): "\(error)"
        case .descriptors(let error): "its request is none: \(error)"
        case .tooFewDescriptors(let count): "its request is none: it has \(count) descriptors where 4 are the least"
        case .unusableStatus(let error): "its status is no pipe or socket that can be written: \(error)"
        case .system(let error): "\(error)"
        }
    }
}
