import Syscalls

/// A process that has a pipe of its own to the tracker.
final class TrackedOwner {
    let id: UInt32
    let process: ProcessID
    let pipe: OwnedFileDescriptor
    /// Which pipe it is, whoever opened it.
    let identity: FileStatus.Identity?
    /// What was read and is later than the round: at most what one round has read, or the beginning of a record.
    var pending: [UInt8] = []
    /// When the end of the pipe was read: what others did before that comes first.
    var endTime: UInt64?
    /// It has sent something that makes no sense, and is listened to no more; only its end is waited for.
    var isDeaf = false
    /// Whether the keeper has the pipe too.
    var isStored = false

    init(id: UInt32, process: ProcessID, pipe: consuming OwnedFileDescriptor) {
        self.id = id
        self.process = process
        identity = try? pipe.descriptor.status().identity
        self.pipe = pipe
    }

    /// Takes in the pipe of a process; `nil` when it is something else.
    ///
    /// The open file is shared with whoever sent it, who could make reading it wait: on Linux it is opened anew.
    static func nonBlockingPipe(_ received: consuming OwnedFileDescriptor) -> OwnedFileDescriptor? {
        guard (try? received.descriptor.status().kind) == .fifo,
            let flags = try? received.descriptor.statusFlags(), flags.rawValue & 3 == OpenOptions.readOnly.rawValue
        else { return nil }
        #if os(Linux)
            let path = "/proc/self/fd/\(received.descriptor.rawValue)"
            if let own = try? OwnedFileDescriptor.open(path, [.readOnly, .nonBlocking]) { return own }
        #endif
        guard (try? received.descriptor.setBlocking(false)) != nil else { return nil }
        return received
    }
}

/// A part of the commands that a round has read, still as bytes.
struct CommandSource {
    let owner: TrackedOwner
    var bytes: [UInt8]
}
