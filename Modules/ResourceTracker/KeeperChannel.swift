import FDPassing
import Syscalls

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The stream between a tracker and the process that keeps it going: each message a header, and its bytes.
struct KeeperChannel {
    enum Kind: UInt32 {
        /// Beside it comes a pipe: the commands of a process that the tracker has taken in.
        case store = 1
        /// That process is gone.
        case forget
        /// All that was stored has been given back; its bytes say how long a clean-up may take. From the tracker: it is at work.
        case ready
        /// A resource was removed that had leaked; its bytes are a `TrackerRecord`.
        case leak
    }

    struct Message: ~Copyable {
        var kind: Kind
        var owner: UInt32 = 0
        var process: Int32 = 0
        var bytes: [UInt8] = []
        var descriptor: OwnedFileDescriptor?
    }

    /// A limit as the bytes of a message: milliseconds.
    static func bytes(ofLimit limit: Duration) -> [UInt8] {
        withUnsafeBytes(of: Int64(limit.roundedUpMilliseconds)) { Array($0) }
    }

    static func limit(in bytes: [UInt8]) -> Duration? {
        guard bytes.count == 8 else { return nil }
        return .milliseconds(bytes.withUnsafeBytes { $0.loadUnaligned(as: Int64.self) })
    }

    private static let headerSize = 16
    let socket: FileDescriptor

    /// Sends a message.
    ///
    /// - Parameter deadline: When to give up, if the other side reads nothing.
    /// - Returns: Whether it was sent; if not, nothing of it was.
    /// - Throws: When the channel is of no more use.
    func send(
        _ kind: Kind, owner: UInt32 = 0, process: Int32 = 0, bytes: [UInt8] = [],
        passing descriptor: FileDescriptor? = nil,
        until deadline: Deadline
    ) throws(Errno) -> Bool {
        var message = [UInt8](repeating: 0, count: Self.headerSize)
        message.withUnsafeMutableBytes { header in
            header.storeBytes(of: kind.rawValue, toByteOffset: 0, as: UInt32.self)
            header.storeBytes(of: owner, toByteOffset: 4, as: UInt32.self)
            header.storeBytes(of: process, toByteOffset: 8, as: Int32.self)
            header.storeBytes(of: UInt32(bytes.count), toByteOffset: 12, as: UInt32.self)
        }
        message += bytes
        var sent = 0
        while sent < message.count {
            do throws(Errno) {
                let descriptors = sent == 0 ? [descriptor].compactMap(\.self) : []
                sent += try socket.send(
                    message.span.bytes.extracting(droppingFirst: sent), passing: descriptors.span, waiting: false)
            } catch {
                guard error == .resourceTemporarilyUnavailable else { throw error }
                // A message that was begun has to be ended: whoever has read its beginning reads on.
                let limit = sent == 0 ? deadline : .after(.seconds(5))
                if try socket.wait(for: .writable, until: limit).isEmpty {
                    if sent == 0 { return false }
                    throw .timedOut
                }
            }
        }
        return true
    }

    /// Waits for a message; `nil` at the end, or when what comes makes no sense.
    func receive() -> Message? {
        var batch = DescriptorBatch()
        guard let header = receive(Self.headerSize, &batch) else { return nil }
        let (number, owner, process, count) = header.withUnsafeBytes { header in
            (
                header.load(fromByteOffset: 0, as: UInt32.self), header.load(fromByteOffset: 4, as: UInt32.self),
                header.load(fromByteOffset: 8, as: Int32.self), Int(header.load(fromByteOffset: 12, as: UInt32.self))
            )
        }
        guard let kind = Kind(rawValue: number), count <= TrackerRecord.longest,
            let bytes = count == 0 ? [] : receive(count, &batch)
        else { return nil }
        return Message(kind: kind, owner: owner, process: process, bytes: bytes, descriptor: batch.takeNext())
    }

    private func receive(_ count: Int, _ batch: inout DescriptorBatch) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        var filled = 0
        while filled < count {
            let received = bytes.withUnsafeMutableBytes { buffer in
                (try? socket.receive(
                    into: UnsafeMutableRawBufferPointer(rebasing: buffer[filled...]), descriptors: &batch, limit: 1))
                    ?? 0
            }
            if received == 0 { return nil }
            filled += received
        }
        return bytes
    }
}
