import Glibc
import Syscalls
import TestSupport

/// Further blocking calls, each interrupted some 200 times before it can finish.
let moreSignalStormCommands: HelperCommands = [
    "storm-receive": {
        for deadline in [Deadline.never, .generous] {
            let pair = try SocketPair()
            try underSignalStorm(
                peer: { try pair.second.descriptor.writeAll("abc") },
                call: {
                    var bytes = [UInt8](repeating: 0, count: 10)
                    let count = try bytes.withUnsafeMutableBytes {
                        try pair.first.descriptor.receive(into: $0, until: deadline)
                    }
                    checkEqual(Array(bytes[..<count]), Array("abc".utf8))
                })
        }
    },
    "storm-send": {
        for deadline in [Deadline.never, .generous] {
            let pair = try SocketPair()
            var queued = 0
            try pair.first.descriptor.setBlocking(false)
            while let count = try? pair.first.descriptor.write(pattern(4096).span.bytes) { queued += count }
            try pair.first.descriptor.setBlocking(true)
            let sent = try underSignalStorm(
                peer: { _ = try pair.second.descriptor.readExactly(queued) },
                call: { try pair.first.descriptor.send(Array("abc".utf8).span.bytes, until: deadline) })
            check(sent > 0 && sent <= 3, "\(sent) bytes were sent")
        }
    },
    "storm-send-deadline": {
        let pair = try SocketPair()
        let deadline = Deadline.after(.milliseconds(100))
        var byte: UInt8 = 0
        try whileStorming {
            checkThrows(Errno.timedOut) {
                try withUnsafeMutableBytes(of: &byte) { try pair.first.descriptor.receive(into: $0, until: deadline) }
            }
        }
        check(deadline.hasPassed, "the wait ended before its deadline")
        check(stormTickCount > 10, "the wait was interrupted only \(stormTickCount) times")
    },
    "storm-vectors": {
        let pipe = try Pipe()
        var first: [UInt8] = [0]
        var second: [UInt8] = [0]
        let count = try underSignalStorm(
            peer: { try pipe.writeEnd.descriptor.writeAll("ab") },
            call: {
                try first.withUnsafeMutableBytes { first in
                    try second.withUnsafeMutableBytes { second in
                        try pipe.readEnd.descriptor.read(into: [first.part, second.part])
                    }
                }
            })
        checkEqual(count, 2)
        checkEqual(first + second, Array("ab".utf8))
        var queued = 0
        try pipe.writeEnd.descriptor.setBlocking(false)
        while let count = try? pipe.writeEnd.descriptor.write(pattern(4096).span.bytes) { queued += count }
        try pipe.writeEnd.descriptor.setBlocking(true)
        let written = try underSignalStorm(
            peer: { _ = try pipe.readEnd.descriptor.readExactly(queued) },
            call: {
                try first.withUnsafeMutableBytes { first in
                    try second.withUnsafeMutableBytes { second in
                        try pipe.writeEnd.descriptor.write([first.part, second.part])
                    }
                }
            })
        checkEqual(written, 2)
    },
    // Opening a named pipe waits for its other side.
    "storm-open": {
        let directory = try TemporaryDirectory()
        let path = directory.file("fifo")
        checkEqual(mkfifo(path, 0o600), 0)
        let reader = try underSignalStorm(
            peer: {
                let writer = try OwnedFileDescriptor.open(path, .writeOnly)
                try writer.descriptor.writeAll("x")
            },
            call: { try OwnedFileDescriptor.open(path, .readOnly) })
        checkEqual(try reader.descriptor.readToEnd(), Array("x".utf8))
    },
    "storm-sleep": {
        let deadline = Deadline.after(.milliseconds(100))
        try whileStorming { deadline.sleep() }
        check(deadline.hasPassed, "the sleep ended before its deadline")
        check(stormTickCount > 10, "the sleep was interrupted only \(stormTickCount) times")
    },
    // A signal ends these two: who calls them looks after the time.
    "storm-single-waits": {
        let pipe = try Pipe()
        let epoll = try Epoll()
        try epoll.add(pipe.readEnd.descriptor, .readable, token: 1)
        try whileStorming {
            checkThrows(Errno.interrupted) { _ = try withRoomForOne { try epoll.wait(into: $0, timeout: nil) } }
            var entries = [PollEntry(pipe.readEnd.descriptor, .readable)]
            checkThrows(Errno.interrupted) { _ = try pollOnce(&entries, timeout: nil) }
        }
        check(stormTickCount > 1, "the waits were not interrupted")
    },
]

/// The element's type is C's, and is taken from the call.
private func withRoomForOne<Element, Result>(
    _ body: (UnsafeMutableBufferPointer<Element>) throws -> Result
) rethrows -> Result {
    try withUnsafeTemporaryAllocation(of: Element.self, capacity: 1, body)
}

extension UnsafeMutableRawBufferPointer {
    fileprivate var part: iovec { iovec(iov_base: baseAddress, iov_len: count) }
}
