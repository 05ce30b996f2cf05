import FDPassing
import Syscalls

/// A request for a child, as it came to the server's address: `child_r, child_w, alive, tracker, fd…`.
final class ForeignRequest {
    let client: PeerCredentials
    let status: ForeignStatus
    private var own: DescriptorBatch
    private var others: DescriptorBatch

    /// - Throws: Why it is none.
    init(of client: PeerCredentials, _ descriptors: consuming DescriptorBatch) throws(Caller.Failure) {
        guard descriptors.count >= 4 else { throw .tooFewDescriptors(descriptors.count) }
        self.client = client
        own = descriptors.takeFirst(4)
        others = descriptors
        do throws(Errno) {
            status = try ForeignStatus(own.take(at: 1)!)
        } catch {
            throw error == .noSuchAddressOrDevice ? .gone : .unusableStatus(error)
        }
    }

    /// What the child keeps.
    var descriptors: [FileDescriptor] { own.remaining + others.remaining }

    /// In the child: what its program gets. To be called once.
    func takeContext() -> ForeignChildContext {
        var rest = DescriptorBatch()
        swap(&rest, &others)
        return ForeignChildContext(
            client: client, request: own.take(at: 0)!, alive: own.take(at: 2)!, tracker: own.take(at: 3)!,
            descriptors: rest)
    }
}

/// Where a client of the address reads its child's number, and how that ended: CPython's `child_w`.
final class ForeignStatus {
    private let descriptor: OwnedFileDescriptor
    private let isSocket: Bool

    /// - Throws: `Errno.noSuchAddressOrDevice` when nobody reads it, `.invalidArgument` when it is neither pipe nor socket.
    init(_ descriptor: consuming OwnedFileDescriptor) throws(Errno) {
        let kind = try descriptor.descriptor.status().kind
        guard kind == .fifo || kind == .socket else { throw .invalidArgument }
        isSocket = kind == .socket
        #if os(Linux)
            // The client may have filled the pipe. Whether writing waits belongs to the open file, which is the client's too:
            // so the server opens one of its own.
            self.descriptor =
                isSocket
                ? descriptor
                : try .open("/proc/self/fd/\(descriptor.descriptor.rawValue)", [.writeOnly, .nonBlocking])
        #else
            try descriptor.descriptor.setBlocking(false)
            self.descriptor = descriptor
        #endif
    }

    /// Writes a number as a native 64-bit integer. A client that is gone, or has no room for it, does not get it.
    func write(_ number: Int) {
        let bytes = withUnsafeBytes(of: Int64(number)) { Array($0) }
        if isSocket {
            _ = try? descriptor.descriptor.send(bytes.span.bytes, until: .now)
        } else {
            // As few bytes as this a pipe takes as a whole or not at all.
            _ = try? descriptor.descriptor.write(bytes.span.bytes)
        }
    }
}
