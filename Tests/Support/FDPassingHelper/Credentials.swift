import FDPassing
import Glibc
import Syscalls
import TestSupport

/// Senders of messages and connections, who are asked who they are.
let credentialsCommands: HelperCommands = [
    // Sends a greeting, as another user and group where this process may become one.
    "greet": {
        if getuid() == 0 {
            checkEqual(setgid(12_345), 0)
            checkEqual(setuid(54_321), 0)
        }
        try FileDescriptor(rawValue: 3).writeAll("hello")
    },
    // Connects, and stays until the other side goes.
    "connect": {
        let socket = try OwnedFileDescriptor.connect(to: SocketAddress(unixPath: CommandLine.arguments[2]))
        checkEqual(try socket.descriptor.readToEnd(), [])
    },
    "credentials-of-two-senders": {
        let pair = try SocketPair()
        let (sender, receiver) = (pair.first.descriptor, pair.second.descriptor)
        try receiver.setPassesCredentials(true)
        try sender.writeAll("a")
        let child = try forkChild { try sender.writeAll("b") }
        try checkSucceeds(child)
        try sender.writeAll("c")
        for (text, process) in [("a", ProcessID.current), ("b", child), ("c", .current)] {
            let (bytes, credentials) = try receiver.receiveWithCredentials(upTo: 100)
            checkEqual(bytes, Array(text.utf8))
            checkEqual(credentials?.process, process)
        }
    },
    "credentials-with-descriptors": {
        try withChannel { sender, receiver, file in
            for passes in [true, false] {
                try receiver.setPassesCredentials(passes)
                for count in [1, 253] {
                    try checkKeepsDescriptors {
                        try sender.send([1], passing: Array(repeating: file, count: count))
                        checkThrows(FDPassingError.tooMany(limit: 0, arrived: count)) {
                            try receiver.receiveWithCredentials(upTo: 10)
                        }
                    }
                }
                // The channel is none the worse for it.
                try sender.writeAll("x")
                let (bytes, credentials) = try receiver.receiveWithCredentials(upTo: 10)
                checkEqual(bytes, Array("x".utf8))
                checkEqual(credentials?.process, passes ? .current : nil)
            }
        }
    },
    "credentials-storm": {
        let pair = try SocketPair()
        try pair.first.descriptor.setPassesCredentials(true)
        let (bytes, sender) = try underSignalStorm(
            peer: { try pair.second.descriptor.writeAll("x") },
            call: { try pair.first.descriptor.receiveWithCredentials(upTo: 10) })
        checkEqual(bytes, Array("x".utf8))
        check(sender != nil && sender?.process != .current, "it came from \(String(describing: sender))")
    },
]
