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
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        var none = limit
        let open = try FileDescriptor.allOpen().map(\.rawValue)
        checkEqual(open, Array(0..<CInt(open.count)))
        none.rlim_cur = rlim_t(open.count)
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &none)
        // At a deadline, or without waiting, the shortage is reported.
        checkThrows(FramingError.system(.tooManyOpenFiles)) { try listener.accept(until: .now) }
        checkThrows(FramingError.system(.tooManyOpenFiles)) { try listener.accept(until: .after(.milliseconds(20))) }
        // The client has waited, and a listener that is trying takes him as soon as there is room.
        let accepting = try Background { try listener.accept(until: .generous).receive(until: .generous) }
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        checkEqual(try accepting.get(), [1])
    },
]

/// What a listener leaves that was killed.
private func leaveSocketFile(_ path: String) throws {
    let socket = try OwnedFileDescriptor.socket(family: AF_UNIX)
    try socket.descriptor.bind(to: try SocketAddress(unixPath: path))
    try socket.descriptor.listen(backlog: 1)
}
