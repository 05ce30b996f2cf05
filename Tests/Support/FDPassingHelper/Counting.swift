import FDPassing
import Glibc
import Syscalls
import TestSupport

/// Each failure of a receiver, with its open descriptors counted before and after.
let countingCommands: HelperCommands = [
    "wrong-count": {
        try withChannel { sender, receiver, file in
            for (sent, expected) in [(2, 3), (3, 2), (1, 0), (0, 1), (253, 252), (300, 301), (301, 300)] {
                try checkKeepsDescriptors {
                    try sender.sendDescriptors(Array(repeating: file, count: sent))
                    let lastOfSent = sent > 253 ? sent - 253 : sent
                    let lastExpected = sent > 253 ? expected - 253 : expected
                    checkThrows(FDPassingError.wrongCount(expected: lastExpected, arrived: lastOfSent)) {
                        _ = try receiver.receiveDescriptors(expected)
                    }
                }
            }
        }
    },
    // The number in the message disagrees with what came beside it.
    "wrong-count-byte": {
        try withChannel { sender, receiver, file in
            try checkKeepsDescriptors {
                try send([9], [file, file], over: sender)
                checkThrows(FDPassingError.wrongCount(expected: 2, arrived: 2)) {
                    _ = try receiver.receiveDescriptors(2)
                }
            }
        }
    },
    "too-many": {
        try withChannel { sender, receiver, file in
            try checkKeepsDescriptors {
                try send([1, 2, 3], Array(repeating: file, count: 5), over: sender)
                checkThrows(FDPassingError.tooMany(limit: 4, arrived: 5)) { try receive(4, from: receiver) }
                // As many as are allowed are no error, and closed with their batch.
                try send([1, 2, 3], Array(repeating: file, count: 4), over: sender)
                checkEqual(try receive(4, from: receiver), 4)
            }
        }
    },
    "unexpected-control-message": {
        try withChannel { sender, receiver, file in
            try receiver.setOption(SOL_SOCKET, SO_PASSCRED, to: 1)
            try checkKeepsDescriptors {
                for count in [0, 1, 253] {
                    try sender.sendDescriptors(Array(repeating: file, count: count))
                    checkThrows(FDPassingError.unexpectedControlMessage) { _ = try receiver.receiveDescriptors(count) }
                }
            }
            // The channel is none the worse for it.
            try receiver.setOption(SOL_SOCKET, SO_PASSCRED, to: 0)
            try sender.sendDescriptors([file])
            checkEqual(try receiver.receiveDescriptors(1).count, 1)
        }
    },
    "no-room": {
        try withChannel { sender, receiver, file in
            for room in [0, 1, 5] {
                try checkKeepsDescriptors {
                    try sender.sendDescriptors(Array(repeating: file, count: 10))
                    let limit = try limitDescriptors(room: room)
                    checkThrows(FDPassingError.truncated(arrived: room)) { _ = try receiver.receiveDescriptors(10) }
                    try setLimit(limit)
                }
                try sender.sendDescriptors(Array(repeating: file, count: 10))
                checkEqual(try receiver.receiveDescriptors(10).count, 10)
            }
        }
    },
    "end-of-stream": {
        try checkKeepsDescriptors {
            let pair = try SocketPair()
            let file = try OwnedFileDescriptor.open("/dev/null", .readOnly)
            // The first of two messages comes, and then nothing.
            try pair.first.descriptor.sendDescriptors(Array(repeating: file.descriptor, count: 253))
            try pair.first.descriptor.shutdownSending()
            checkThrows(FDPassingError.endOfStream) { _ = try pair.second.descriptor.receiveDescriptors(254) }
            checkThrows(FDPassingError.endOfStream) { _ = try pair.second.descriptor.receiveDescriptors(1) }
        }
    },
    // Descriptors that nobody receives go with the socket.
    "never-received": {
        try checkKeepsDescriptors {
            let pair = try SocketPair()
            let pipe = try Pipe()
            try pair.first.descriptor.sendDescriptors([pipe.writeEnd.descriptor])
            let reader = pipe.readEnd
            try pipe.writeEnd.close()
            checkEqual(try reader.descriptor.wait(for: .readable, until: .now), [])
            try pair.second.close()
            checkEqual(try reader.descriptor.wait(for: .readable, until: .generous), .hangUp)
        }
    },
    "vanished-receiver": {
        let pair = try SocketPair()
        let sender = pair.first
        try pair.second.close()
        try checkKeepsDescriptors {
            checkThrows(FDPassingError.system(.brokenPipe)) {
                try sender.descriptor.sendDescriptors([sender.descriptor])
            }
        }
    },
    "batch": {
        try checkKeepsDescriptors {
            let numbers: [CInt]
            do {
                var batch = DescriptorBatch()
                check(batch.isEmpty, "a new batch is not empty")
                for _ in 0..<3 { batch.append(try OwnedFileDescriptor.open("/dev/null", .readOnly)) }
                numbers = batch.remaining.map(\.rawValue)
                checkEqual(batch.count, 3)
                guard let second = batch.take(at: 1) else { fail("it cannot be taken") }
                checkEqual(second.descriptor.rawValue, numbers[1])
                check(batch.take(at: 1) == nil, "it was taken twice")
                check(batch.take(at: 3) == nil && batch.take(at: -1) == nil, "a place that is none was taken")
                checkEqual(batch.remaining.map(\.rawValue), [numbers[0], numbers[2]])
                checkEqual(batch.count, 3)
                try second.close()
                // Its number is another's now: the batch must leave it alone.
                let other = try OwnedFileDescriptor.open("/dev/null", .readOnly)
                checkEqual(other.descriptor.rawValue, numbers[1])
                _ = consume batch
                check(other.descriptor.isOpen, "the batch closed what had been taken")
            }
            check(!numbers.contains { FileDescriptor(rawValue: $0).isOpen }, "the batch left descriptors open")
        }
    },
    "joined-batches": {
        for (count, cut) in [(5, 2), (5, 5), (5, 0), (4, 1), (11, 4), (11, 7)] {
            try checkKeepsDescriptors {
                var batch = DescriptorBatch()
                for _ in 0..<count { batch.append(try OwnedFileDescriptor.open("/dev/null", .readOnly)) }
                let numbers = batch.remaining.map(\.rawValue)
                var first = batch.takeFirst(cut)
                checkEqual(first.remaining.map(\.rawValue), Array(numbers[..<cut]))
                checkEqual(batch.remaining.map(\.rawValue), Array(numbers[cut...]))
                batch.append(contentsOf: first)
                checkEqual(batch.remaining.map(\.rawValue), Array(numbers[cut...] + numbers[..<cut]))
                checkEqual(batch.count, count)
                first = DescriptorBatch()
            }
        }
    },
]

/// A connected pair of sockets, and a file to send.
func withChannel(_ body: (FileDescriptor, FileDescriptor, FileDescriptor) throws -> Void) throws {
    let pair = try SocketPair()
    let file = try OwnedFileDescriptor.open("/dev/null", .readOnly)
    try body(pair.first.descriptor, pair.second.descriptor, file.descriptor)
}

/// Sends bytes with descriptors beside them, in no particular format.
private func send(_ bytes: [UInt8], _ descriptors: [FileDescriptor], over socket: FileDescriptor) throws {
    let count = try socket.send(bytes.span.bytes, passing: descriptors.span)
    checkEqual(count, bytes.count)
}

/// Receives bytes with up to so many descriptors, and tells how many came.
@discardableResult
private func receive(_ limit: Int, from socket: FileDescriptor) throws -> Int {
    var batch = DescriptorBatch()
    try withUnsafeTemporaryAllocation(byteCount: 100, alignment: 1) { buffer in
        _ = try socket.receive(into: buffer, descriptors: &batch, limit: limit)
    }
    return batch.count
}

/// Leaves this process room for so many more descriptors, and returns the limit that was.
func limitDescriptors(room: Int) throws -> rlimit {
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    let open = try FileDescriptor.allOpen().map(\.rawValue)
    checkEqual(open, Array(0..<CInt(open.count)))
    try setLimit(rlimit(rlim_cur: rlim_t(open.count + room), rlim_max: limit.rlim_max))
    return limit
}

/// Makes this the limit on open descriptors.
func setLimit(_ limit: rlimit) throws {
    var limit = limit
    try checked(setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit))
}
