import Glibc
import Syscalls
import TestSupport

/// Writes whose reader is gone, in a process that SIGPIPE would end: it has its default effect here.
let brokenPipeCommands: HelperCommands = [
    "broken-pipe": {
        let pipe = try Pipe()
        let writer = pipe.writeEnd.descriptor
        try pipe.readEnd.close()
        try checkEveryWriteFails(writer)
    },
    "broken-socket": {
        let pair = try SocketPair()
        let writer = pair.first.descriptor
        try pair.second.close()
        try checkEveryWriteFails(writer)
    },
    // The signal that a write has raised while the caller had it blocked must not come later either.
    "broken-pipe-blocked": {
        let pipe = try Pipe()
        let writer = pipe.writeEnd.descriptor
        try pipe.readEnd.close()
        try ([.brokenPipe] as SignalSet).whileBlocked {
            try checkEveryWriteFails(writer)
            check(!isPending(SIGPIPE), "SIGPIPE is pending")
        }
    },
    // One that was there before is not ours to take away.
    "broken-pipe-pending": {
        let pipe = try Pipe()
        let writer = pipe.writeEnd.descriptor
        try pipe.readEnd.close()
        ([.brokenPipe] as SignalSet).whileBlocked {
            raise(SIGPIPE)
            checkThrows(Errno.brokenPipe) { try writer.writeAll("x") }
            check(isPending(SIGPIPE), "the pending SIGPIPE was taken away")
            try? Signal.brokenPipe.ignore()
        }
    },
    "broken-pipe-mask": {
        let pipe = try Pipe()
        let writer = pipe.writeEnd.descriptor
        try writer.writeAll("x")
        check(!SignalSet.blocked.contains(.brokenPipe), "SIGPIPE stays blocked after a write")
        try pipe.readEnd.close()
        checkThrows(Errno.brokenPipe) { try writer.writeAll("x") }
        check(!SignalSet.blocked.contains(.brokenPipe), "SIGPIPE stays blocked after EPIPE")
        // Raised in another way it still has its effect: the test expects it to end this process.
        raise(SIGPIPE)
    },
]

private func checkEveryWriteFails(_ writer: FileDescriptor) throws {
    checkThrows(Errno.brokenPipe) { try writer.writeAll("x") }
    [1, 2, 3].span.bytes.withUnsafeBytes { bytes in
        checkThrows(Errno.brokenPipe) { try writer.write(bytes) }
        let part = iovec(iov_base: UnsafeMutableRawPointer(mutating: bytes.baseAddress), iov_len: bytes.count)
        checkThrows(Errno.brokenPipe) { try writer.write([part, part]) }
    }
}

private func isPending(_ signal: CInt) -> Bool {
    var pending = sigset_t()
    sigpending(&pending)
    return sigismember(&pending, signal) == 1
}
