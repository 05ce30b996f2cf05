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
    "lost-descriptors": {
        // What finds no room is lost to its own message, and to no other.
        for room in [0, 1, 2] {
            try checkKeepsDescriptors {
                let (sender, receiver) = try channel(descriptorLimit: 10)
                try sender.send([1])
                try sender.send([2], passing: [.standardError, .standardError, .standardError])
                try sender.send([3])
                try sender.send([4], passing: [.standardError])
                try withoutRoomForDescriptors(but: room) {
                    checkEqual(try receiver.receive(), [1])
                    checkEqual(try receiver.receive(), [2])
                }
                checkEqual(try receiver.receive(), [3])
                checkEqual(try receiver.receive(), [4])
                checkEqual(try receiver.receiveDescriptors(0).count, 0)
                checkThrows(FramingError.descriptors(.truncated(arrived: room))) {
                    _ = try receiver.receiveDescriptors(3)
                }
                checkEqual(try receiver.receiveDescriptors(1).count, 1)
            }
        }
        // Those of several messages may be lost before anybody asks for the first.
        try checkKeepsDescriptors {
            let (sender, receiver) = try channel(descriptorLimit: 2)
            for number in 1...3 as ClosedRange<UInt8> { try sender.send([number], passing: [.standardError]) }
            try withoutRoomForDescriptors {
                checkEqual(try receiver.receive(), [1])
                checkEqual(try receiver.receive(), [2])
                checkThrows(FramingError.descriptors(.truncated(arrived: 0))) { _ = try receiver.receive() }
            }
            for _ in 1...2 {
                checkThrows(FramingError.descriptors(.truncated(arrived: 0))) {
                    _ = try receiver.receiveDescriptors(1)
                }
            }
        }
        // So many come in several parts: nobody knows what of the rest is the message's.
        try checkKeepsDescriptors {
            let (sender, receiver) = try channel(descriptorLimit: 600)
            try sender.send([1, 2], passing: Array(repeating: .standardError, count: 300))
            try sender.send([3])
            try withoutRoomForDescriptors(but: 5) { checkEqual(try receiver.receive(), [1, 2]) }
            let error = FramingError.descriptors(.truncated(arrived: 5))
            checkThrows(error) { _ = try receiver.receiveDescriptors(300) }
            checkThrows(error) { _ = try receiver.receive() }
        }
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
                let (sender, receiver) = try channel(descriptorLimit: limit)
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
            let (sender, receiver) = try channel(descriptorLimit: 2)
            try sender.send([1], passing: [.standardError, .standardError])
            try sender.send([2], passing: [.standardError])
            checkEqual(try receiver.receive(), [1])
            checkThrows(FramingError.descriptors(.tooMany(limit: 0, arrived: 1))) { try receiver.receive() }
        }
    },
    "untaken-descriptors": {
        try checkKeepsDescriptors {
            let (sender, receiver) = try channel(descriptorLimit: 10)
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

/// Both ends of a socket, of which one takes descriptors.
private func channel(descriptorLimit: Int) throws -> (Connection, Connection) {
    let pair = try SocketPair()
    let sender = Connection(pair.first)
    return (sender, Connection(pair.second, descriptorLimit: descriptorLimit))
}
