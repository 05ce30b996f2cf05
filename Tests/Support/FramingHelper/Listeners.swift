import Framing
import Glibc
import Syscalls
import TestSupport

/// Socket files, in a process whose descriptors no other process holds copies of, be it for the moment before an exec.
let listenerCommands: HelperCommands = [
    "stale-socket-file": {
        let directory = try TemporaryDirectory()
        let path = directory.file("socket")
        try leaveSocketFile(path)
        let listener = try Listener(at: .unix(path: path))
        let client = try Connection.connect(to: .unix(path: path))
        try client.send([1])
        checkEqual(try listener.accept().receive(), [1])
        listener.close()
        check(!exists(path), "the socket file is still there")
    },
    // What is not a stale socket is nobody's to remove.
    "other-files": {
        let directory = try TemporaryDirectory()
        _ = try directory.create("plain", [1])
        checkThrows(FramingError.system(.addressInUse)) { try Listener(at: .unix(path: directory.file("plain"))) }
        checkEqual(try FileStatus(ofFileAt: directory.file("plain")).size, 1)
        try leaveSocketFile(directory.file("stale"))
        checkEqual(symlink(directory.file("stale"), directory.file("link")), 0)
        checkThrows(FramingError.system(.addressInUse)) { try Listener(at: .unix(path: directory.file("link"))) }
        check(exists(directory.file("link")) && exists(directory.file("stale")), "a link or its target was removed")
    },
    "closed-listener": {
        let directory = try TemporaryDirectory()
        for address in [
            Address.unix(path: directory.file("socket")), .tcp(host: "127.0.0.1", port: 0),
            .abstract(name: directory.path),
        ] {
            try checkKeepsDescriptors {
                let listener = try Listener(at: address)
                let bound = listener.address
                listener.close()
                let expected: Errno =
                    if case .unix = bound { .noSuchFileOrDirectory } else { .connectionRefused }
                checkThrows(FramingError.system(expected)) { try Connection.connect(to: bound) }
                checkThrows(FramingError.closed) { try listener.accept() }
                // The address is free again.
                _ = try Listener(at: bound)
            }
        }
    },
    "dropped-listener": {
        let directory = try TemporaryDirectory()
        let path = directory.file("socket")
        try checkKeepsDescriptors {
            do {
                let listener = try Listener(at: .unix(path: path))
                check(exists(path), "there is no socket file")
                checkEqual(listener.address, .unix(path: path))
            }
            check(!exists(path), "the socket file is still there")
        }
    },
    // With the descriptors of this process exhausted the client waits until there is room again.
    "accept-without-room": {
        let directory = try TemporaryDirectory()
        let address = Address.unix(path: directory.file("socket"))
        let listener = try Listener(at: address)
        let client = try Connection.connect(to: address)
        try client.send([1])
        let accepting = try withoutRoomForDescriptors {
            // At a deadline, or without waiting, the shortage is reported.
            for deadline in [Deadline.now, .after(.milliseconds(20))] {
                checkThrows(FramingError.system(.tooManyOpenFiles)) { try listener.accept(until: deadline) }
            }
            // The client has waited, and a listener that is trying takes him as soon as there is room.
            return try Background { try listener.accept(until: .generous).receive(until: .generous) }
        }
        checkEqual(try accepting.get(), [1])
    },
    "leave-socket-file": { try leaveSocketFile(CommandLine.arguments[2]) },
    // One of several: 3 is where it waits for the others, 4 where it says what came of it, 5 where it waits for the end.
    "replace-socket-file": {
        let gate = FileDescriptor(rawValue: 3)
        let results = FileDescriptor(rawValue: 4)
        let stop = FileDescriptor(rawValue: 5)
        try results.writeAll("R")
        _ = try gate.readExactly(1)
        let listener: Listener
        do throws(FramingError) {
            listener = try Listener(at: .unix(path: CommandLine.arguments[2]))
        } catch {
            checkEqual(error, .system(.addressInUse))
            try results.writeAll("L")
            _ = try stop.readExactly(1)
            return
        }
        try results.writeAll("W")
        // The others have connected too, to see whether somebody listens.
        var message: [UInt8]?
        while message == nil {
            let connection = try listener.accept(until: .generous)
            message = try? connection.receive(until: .generous)
            if let message { try connection.send(message.reversed()) }
        }
        _ = try stop.readExactly(1)
        listener.close()
    },
]

/// What a listener leaves that was killed.
private func leaveSocketFile(_ path: String) throws {
    let socket = try OwnedFileDescriptor.socket(family: AF_UNIX)
    try socket.descriptor.bind(to: try SocketAddress(unixPath: path))
    try socket.descriptor.listen(backlog: 1)
}
