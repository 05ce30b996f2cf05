import FDPassing
import Glibc
import Syscalls
import TestSupport

/// What tests of FDPassing cannot do in the test runner: be the other process, count open descriptors while nobody else
/// opens any, have little room for them.
@main enum FDPassingHelper {
    static func main() {
        runSubcommand(
            peerCommands
                .merging(countingCommands) { $1 }
                .merging(messageCommands) { $1 }
                .merging(credentialsCommands) { $1 })
    }
}

/// Where a test leaves the helper's socket.
private let channel = FileDescriptor(rawValue: 3)

private let peerCommands: HelperCommands = [
    // Receives as many as the argument says, checks that the first bytes of each tell its place, and sends them back.
    "return-descriptors": {
        let count = Int(CommandLine.arguments[2])!
        let batch = try channel.receiveDescriptors(count)
        checkEqual(batch.count, count)
        for (index, descriptor) in batch.remaining.enumerated() {
            check(try descriptor.isCloseOnExec(), "descriptor \(index) is not close-on-exec")
            try descriptor.seek(to: 0)
            checkEqual(try descriptor.readToEnd(), Array("\(index)".utf8))
        }
        try channel.sendDescriptors(batch.remaining)
    },
    // A million of them, or as many as the argument says, there and back.
    "soak": {
        let rounds = Int(CommandLine.arguments[2])! / maximumDescriptorsPerMessage + 1
        let pair = try SocketPair()
        let hold = try Pipe()
        let peer = try forkChild {
            try checkKeepsDescriptors {
                for _ in 0..<rounds {
                    let batch = try pair.second.descriptor.receiveDescriptors(maximumDescriptorsPerMessage)
                    try pair.second.descriptor.sendDescriptors(batch.remaining)
                }
            }
        }
        let sent = [FileDescriptor](repeating: hold.readEnd.descriptor, count: maximumDescriptorsPerMessage)
        try checkKeepsDescriptors {
            for _ in 0..<rounds {
                try pair.first.descriptor.sendDescriptors(sent)
                _ = try pair.first.descriptor.receiveDescriptors(maximumDescriptorsPerMessage)
            }
        }
        try checkSucceeds(peer)
    },
    // Sends one message under a signal storm while the socket is full, and receives one under it.
    "storm": {
        let pair = try SocketPair()
        let hold = try Pipe()
        let received = try underSignalStorm(
            peer: { try pair.second.descriptor.sendDescriptors([hold.readEnd.descriptor]) },
            call: {
                try pair.first.descriptor.receiveDescriptors(1)
            })
        checkEqual(received.count, 1)
        var filling = 0
        try pair.first.descriptor.setBlocking(false)
        while (try? pair.first.descriptor.sendDescriptors([hold.readEnd.descriptor])) != nil { filling += 1 }
        try pair.first.descriptor.setBlocking(true)
        try underSignalStorm(
            peer: {
                for _ in 0...filling { _ = try pair.second.descriptor.receiveDescriptors(1) }
            }, call: { try pair.first.descriptor.sendDescriptors([hold.readEnd.descriptor]) })
    },
]
