import FDPassing
import Glibc
import Syscalls
import TestSupport

/// Bytes with descriptors beside them: the other process, and each failure of a receiver with its open descriptors
/// counted before and after.
let messageCommands: HelperCommands = [
    // Receives as many bytes and descriptors as the arguments say, looks at them, and sends them back.
    "return-message": {
        let channel = FileDescriptor(rawValue: 3)
        let message = try channel.receive(
            Int(CommandLine.arguments[2])!, descriptors: Int(CommandLine.arguments[3])!)
        checkEqual(message.bytes, pattern(message.bytes.count))
        let descriptors = message.descriptors.remaining
        for (index, descriptor) in descriptors.enumerated() {
            check(try descriptor.isCloseOnExec(), "descriptor \(index) is not close-on-exec")
            checkEqual(try descriptor.readToEnd(), Array("\(index)".utf8))
        }
        try channel.send(message.bytes, passing: descriptors)
    },
    "message-too-few": {
        try withChannel { sender, receiver, file in
            for (sent, expected) in [(2, 3), (0, 1), (252, 253), (253, 254), (300, 301), (300, 1000)] {
                try checkKeepsDescriptors {
                    try sender.send(pattern(10), passing: Array(repeating: file, count: sent))
                    checkThrows(FDPassingError.wrongCount(expected: expected, arrived: sent)) {
                        _ = try receiver.receive(10, descriptors: expected)
                    }
                }
            }
            checkThrows(FDPassingError.wrongCount(expected: 1, arrived: 0)) {
                _ = try receiver.receive(0, descriptors: 1)
            }
        }
    },
    "message-too-many": {
        for (sent, expected, limit, arrived) in [
            (1, 0, 0, 1), (3, 2, 2, 3), (253, 252, 252, 253), (254, 1, 1, 253), (254, 253, 0, 1), (300, 254, 1, 47),
        ] {
            try withChannel { sender, receiver, file in
                try checkKeepsDescriptors {
                    try sender.send(pattern(10), passing: Array(repeating: file, count: sent))
                    checkThrows(FDPassingError.tooMany(limit: limit, arrived: arrived)) {
                        _ = try receiver.receive(10, descriptors: expected)
                    }
                }
            }
        }
    },
    "message-end-of-stream": {
        for (bytes, sent) in [(0, 0), (1, 0), (9, 5), (1, 253), (2, 254)] {
            try withChannel { sender, receiver, file in
                try checkKeepsDescriptors {
                    try sender.send(pattern(bytes), passing: Array(repeating: file, count: sent))
                    try sender.shutdownSending()
                    checkThrows(FDPassingError.endOfStream) { _ = try receiver.receive(10, descriptors: 254) }
                }
            }
        }
    },
    "message-no-room": {
        try withChannel { sender, receiver, file in
            for (room, sent, arrived) in [(0, 10, 0), (5, 10, 5), (100, 300, 100), (260, 300, 7)] {
                try checkKeepsDescriptors {
                    try sender.send(pattern(2), passing: Array(repeating: file, count: sent))
                    let limit = try limitDescriptors(room: room)
                    checkThrows(FDPassingError.truncated(arrived: arrived)) {
                        _ = try receiver.receive(2, descriptors: sent)
                    }
                    try setLimit(limit)
                    // What it did not come to; a plain read closes the descriptors beside it.
                    try receiver.setBlocking(false)
                    while (try? receiver.read(upTo: 1)) != nil {}
                    try receiver.setBlocking(true)
                }
                try sender.send(pattern(2), passing: Array(repeating: file, count: sent))
                let message = try receiver.receive(2, descriptors: sent)
                checkEqual(message.descriptors.count, sent)
            }
        }
    },
    "message-unexpected": {
        try withChannel { sender, receiver, file in
            try receiver.setPassesCredentials(true)
            for sent in [0, 1, 253] {
                try checkKeepsDescriptors {
                    try sender.send([1], passing: Array(repeating: file, count: sent))
                    checkThrows(FDPassingError.unexpectedControlMessage) {
                        _ = try receiver.receive(1, descriptors: sent)
                    }
                }
            }
            try receiver.setPassesCredentials(false)
            try sender.send([1], passing: [file])
            let message = try receiver.receive(1, descriptors: 1)
            checkEqual(message.descriptors.count, 1)
        }
    },
    "message-storm": {
        let pair = try SocketPair()
        let hold = try Pipe()
        let descriptors = [FileDescriptor](repeating: hold.readEnd.descriptor, count: 300)
        let message = try underSignalStorm(
            peer: {
                try pair.second.descriptor.send(pattern(4), passing: descriptors)
                try pair.second.descriptor.writeAll("more")
            }, call: { try pair.first.descriptor.receive(8, descriptors: 300) })
        checkEqual(message.bytes, pattern(4) + Array("more".utf8))
        checkEqual(message.descriptors.count, 300)
        // Larger than what the socket holds.
        let long = pattern(1 << 20)
        try underSignalStorm(
            peer: {
                let message = try pair.second.descriptor.receive(long.count, descriptors: 300)
                checkEqual(message.bytes, long)
            }, call: { try pair.first.descriptor.send(long, passing: descriptors) })
    },
    "take-next": {
        try checkKeepsDescriptors {
            var batch = DescriptorBatch()
            check(batch.takeNext() == nil, "something was taken out of nothing")
            for _ in 0..<6 { batch.append(try OwnedFileDescriptor.open("/dev/null", .readOnly)) }
            let numbers = batch.remaining.map(\.rawValue)
            // What was taken from its place is passed over.
            for place in [1, 4] { batch.take(at: place)?.discard() }
            var taken: [CInt] = []
            while let next = batch.takeNext() { taken.append(next.take()) }
            checkEqual(taken, [numbers[0], numbers[2], numbers[3], numbers[5]])
            checkEqual(batch.count, 6)
            checkEqual(batch.remaining, [])
            check(taken.allSatisfy { FileDescriptor(rawValue: $0).isOpen }, "one that was taken is closed")
            for number in taken { _ = OwnedFileDescriptor(owning: number) }
        }
    },
]
