import FDPassing
import Framing
import Glibc
import Syscalls
import TestSupport

/// What tests of Framing cannot do in the test runner: be the other process, be interrupted, count open descriptors, and
/// leave socket files behind that surely nobody listens at.
@main enum FramingHelper {
    static func main() {
        runSubcommand(connectionCommands.merging(listenerCommands) { $1 }.merging(waitCommands) { $1 })
    }
}

private let connectionCommands: HelperCommands = [
    "storm": {
        let (here, there) = try Connection.pipe()
        let sizes = [0, 1, 16384, 16385, 1 << 20, 8 << 20]
        // Both the reply's first byte and the room for the message make this side wait while signals come.
        try underSignalStorm(
            peer: {
                for _ in sizes { try there.send(try there.receive()) }
            },
            call: {
                for size in sizes {
                    let message = pattern(size)
                    try here.send(message)
                    checkEqual(try here.receive(until: .generous), message)
                }
            })
    },
    "unexpected-descriptors": {
        // Where none are expected the kernel closes them, and the messages come.
        for sent in [1, 253] {
            try checkKeepsDescriptors {
                let pair = try SocketPair()
                let sender = Connection(pair.first)
                let receiver = Connection(pair.second)
                try sender.send([1], passing: Array(repeating: .standardError, count: sent))
                try sender.send([2])
                let before = try FileDescriptor.allOpen()
                checkEqual(try receiver.receive(), [1])
                checkEqual(try receiver.receive(), [2])
                checkEqual(try FileDescriptor.allOpen(), before)
                checkThrows(FramingError.missingDescriptors(expected: 1, arrived: 0)) {
                    _ = try receiver.receiveDescriptors(1)
                }
            }
        }
        for (limit, sent, isError) in [(2, 3, true), (2, 2, false)] {
            try checkKeepsDescriptors {
                let pair = try SocketPair()
                let sender = Connection(pair.first)
                let receiver = Connection(pair.second, descriptorLimit: limit)
                try sender.send([1], passing: Array(repeating: .standardError, count: sent))
                try sender.send([2])
                guard isError else {
                    checkEqual(try receiver.receive(), [1])
                    return
                }
                let before = try FileDescriptor.allOpen()
                for _ in 0..<2 {
                    checkThrows(FramingError.descriptors(.tooMany(limit: limit, arrived: sent))) {
                        try receiver.receive()
                    }
                }
                checkEqual(try FileDescriptor.allOpen(), before)
            }
        }
        // Those not taken count: two of one message and one of the next are too many for two.
        try checkKeepsDescriptors {
            let pair = try SocketPair()
            let sender = Connection(pair.first)
            let receiver = Connection(pair.second, descriptorLimit: 2)
            try sender.send([1], passing: [.standardError, .standardError])
            try sender.send([2], passing: [.standardError])
            checkEqual(try receiver.receive(), [1])
            checkThrows(FramingError.descriptors(.tooMany(limit: 0, arrived: 1))) { try receiver.receive() }
        }
    },
    "untaken-descriptors": {
        try checkKeepsDescriptors {
            let pair = try SocketPair()
            let sender = Connection(pair.first)
            let receiver = Connection(pair.second, descriptorLimit: 10)
            try sender.send([1], passing: [.standardError, .standardError])
            checkEqual(try receiver.receive(), [1])
            let batch = try receiver.receiveDescriptors(1)
            checkEqual(batch.count, 1)
        }
    },
    "close-race": {
        for _ in 0..<300 { try closeWhileUsed() }
    },
]
