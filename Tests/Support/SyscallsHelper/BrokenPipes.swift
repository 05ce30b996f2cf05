import Glibc
import Syscalls
import TestSupport

/// Writes whose reader is gone, in a process that SIGPIPE would end: it has its default effect here.
let brokenPipeCommands: HelperCommands = [
    "broken-pipe": {
        let writer = try brokenPipe()
        try checkEveryWriteFails(writer.descriptor)
    },
    "broken-socket": {
        let pair = try SocketPair()
        let writer = pair.first.descriptor
        try pair.second.close()
        try checkEveryWriteFails(writer)
        for deadline in [Deadline.never, .generous] {
            checkThrows(Errno.brokenPipe) { try writer.send([1 as UInt8].span.bytes, until: deadline) }
        }
    },
    // The signal that a write has raised while the caller had it blocked must not come later either.
    "broken-pipe-blocked": {
        let writer = try brokenPipe()
        try ([.brokenPipe] as SignalSet).whileBlocked {
            try checkEveryWriteFails(writer.descriptor)
            check(!isPending(SIGPIPE), "SIGPIPE is pending")
        }
    },
    // One that was there before is not ours to take away.
    "broken-pipe-pending": {
        let writer = try brokenPipe()
        try ([.brokenPipe] as SignalSet).whileBlocked {
            raise(SIGPIPE)
            try checkEveryWriteFails(writer.descriptor)
            check(isPending(SIGPIPE), "the pending SIGPIPE was taken away")
            try Signal.brokenPipe.ignore()
        }
    },
    "broken-pipe-mask": {
        let open = try Pipe()
        let writer = try brokenPipe()
        for write in everyWrite {
            try write(open.writeEnd.descriptor)
            check(!SignalSet.blocked.contains(.brokenPipe), "SIGPIPE stays blocked after a write")
            checkThrows(Errno.brokenPipe) { try write(writer.descriptor) }
            check(!SignalSet.blocked.contains(.brokenPipe), "SIGPIPE stays blocked after EPIPE")
        }
        // Raised in another way it still has its effect: the test expects it to end this process.
        raise(SIGPIPE)
    },
]

private func brokenPipe() throws -> OwnedFileDescriptor {
    let pipe = try Pipe()
    let writer = pipe.writeEnd
    try pipe.readEnd.close()
    return writer
}

/// Each way to write; the last one is what they do on a kernel that cannot be asked for no signal.
private let everyWrite: [@Sendable (FileDescriptor) throws -> Void] = [
    { try $0.writeAll("x") },
    { _ = try $0.write([1 as UInt8].span.bytes) },
    { writer in
        try withPart { _ = try writer.write([$0, $0]) }
    },
    { writer in
        try withPart { part in
            _ = try withoutBrokenPipeSignal { () throws(Errno) in
                try retryingOnInterrupt { Glibc.write(writer.rawValue, part.iov_base, part.iov_len) }
            }
        }
    },
]

private func checkEveryWriteFails(_ writer: FileDescriptor) throws {
    for write in everyWrite { checkThrows(Errno.brokenPipe) { try write(writer) } }
}

private func withPart(_ body: (iovec) throws -> Void) throws {
    var bytes: [UInt8] = [1, 2, 3]
    try bytes.withUnsafeMutableBytes { try body(iovec(iov_base: $0.baseAddress, iov_len: $0.count)) }
}

private func isPending(_ signal: CInt) -> Bool {
    var pending = sigset_t()
    sigpending(&pending)
    return sigismember(&pending, signal) == 1
}
