import Glibc
import Syscalls
import TestSupport

/// Blocking calls, each interrupted some 200 times before it can finish.
let signalStormCommands: HelperCommands = [
    "storm-read": {
        let pipe = try Pipe()
        let bytes = try underSignalStorm(
            peer: { try pipe.writeEnd.descriptor.writeAll("x") },
            call: {
                try pipe.readEnd.descriptor.read(upTo: 10)
            })
        checkEqual(bytes, Array("x".utf8))
    },
    "storm-read-exactly": {
        let pair = try SocketPair()
        let bytes = try underSignalStorm(
            peer: {
                try pair.second.descriptor.writeAll("ab")
                try pair.second.descriptor.writeAll("cd")
            }, call: { try pair.first.descriptor.readExactly(4) })
        checkEqual(bytes, Array("abcd".utf8))
    },
    "storm-write": {
        let pipe = try Pipe()
        let message = pattern(1 << 20)
        try underSignalStorm(
            peer: {
                checkEqual(try pipe.readEnd.descriptor.readExactly(message.count), message)
            }, call: { try pipe.writeEnd.descriptor.writeAll(message) })
    },
    "storm-poll": {
        let pipe = try Pipe()
        let readiness = try underSignalStorm(
            peer: { try pipe.writeEnd.descriptor.writeAll("x") },
            call: {
                try pipe.readEnd.descriptor.wait(for: .readable, until: .generous)
            })
        checkEqual(readiness, .readable)
        var entries = [PollEntry(pipe.writeEnd.descriptor, []), PollEntry(pipe.readEnd.descriptor, .readable)]
        _ = try pipe.readEnd.descriptor.readExactly(1)
        let count = try underSignalStorm(
            peer: { try pipe.writeEnd.descriptor.writeAll("x") }, call: { try poll(&entries) })
        checkEqual(count, 1)
        checkEqual(entries[1].readiness, .readable)
    },
    // A wait that began anew with its whole timeout after each signal would never end.
    "storm-poll-deadline": {
        let pipe = try Pipe()
        let deadline = Deadline.after(.milliseconds(100))
        let readiness = try whileStorming { try pipe.readEnd.descriptor.wait(for: .readable, until: deadline) }
        checkEqual(readiness, [])
        check(deadline.hasPassed, "the wait ended before its deadline")
        var entries = [PollEntry(pipe.readEnd.descriptor, .readable)]
        let next = Deadline.after(.milliseconds(100))
        checkEqual(try whileStorming { try poll(&entries, until: next) }, 0)
        check(next.hasPassed, "the wait ended before its deadline")
        check(stormTickCount > 10, "the wait was interrupted only \(stormTickCount) times")
    },
    "storm-accept": {
        try acceptUnderStorm(until: .never)
        try acceptUnderStorm(until: .generous)
    },
    "storm-connect-unix": {
        // Interrupted, such a connect is not under way in the kernel: it has to be repeated.
        let directory = try TemporaryDirectory()
        try connectUnderStorm(to: try SocketAddress(unixPath: directory.file("full")), until: .never)
        try connectUnderStorm(to: try SocketAddress(unixPath: directory.file("full2")), until: .generous)
    },
    "storm-connect-tcp": {
        try connectUnderStorm(to: try SocketAddress.resolve(host: "127.0.0.1", port: 0)[0], until: .never)
    },
    "storm-waitpid": {
        let pipe = try Pipe()
        let child = try forkChild {
            _ = try pipe.readEnd.descriptor.readExactly(1)
            exitImmediately(7)
        }
        let status = try underSignalStorm(
            peer: { try pipe.writeEnd.descriptor.writeAll("x") }, call: { try child.wait() })
        checkEqual(status, .exited(7))
    },
    "storm-process-descriptor": {
        let pipe = try Pipe()
        let child = try forkChild { _ = try pipe.readEnd.descriptor.readExactly(1) }
        let process = try ProcessDescriptor(of: child)
        let hasEnded = try underSignalStorm(
            peer: { try pipe.writeEnd.descriptor.writeAll("x") },
            call: {
                try process.waitForEnd(until: .generous)
            })
        check(hasEnded, "the child has not ended")
        checkEqual(try process.poll(), .exited(0))
    },
    "storm-semaphore": {
        let name = "/forkserver-test-\(try randomName())"
        let semaphore = try NamedSemaphore(creating: name, value: 0)
        try NamedSemaphore.unlink(name)
        try underSignalStorm(peer: { try semaphore.post() }, call: { try semaphore.wait() })
        try underSignalStorm(peer: { try semaphore.post() }, call: { try semaphore.wait(until: .generous) })
        try whileStorming {
            checkThrows(Errno.timedOut) { try semaphore.wait(until: .after(.milliseconds(100))) }
        }
    },
]

private func acceptUnderStorm(until deadline: Deadline) throws {
    let directory = try TemporaryDirectory()
    let address = try SocketAddress(unixPath: directory.file("socket"))
    let listener = try OwnedFileDescriptor.socket(family: AF_UNIX)
    try listener.descriptor.bind(to: address)
    try listener.descriptor.listen(backlog: 1)
    let accepted = try underSignalStorm(
        peer: {
            let client = try OwnedFileDescriptor.connect(to: address)
            try client.descriptor.writeAll("hello")
        }, call: { try listener.descriptor.accept(until: deadline) })
    checkEqual(try accepted.socket.descriptor.readToEnd(), Array("hello".utf8))
}

/// Connects to a listener whose backlog is full until its process accepts.
private func connectUnderStorm(to address: SocketAddress, until deadline: Deadline) throws {
    let listener = try OwnedFileDescriptor.socket(family: address.family)
    try listener.descriptor.bind(to: address)
    try listener.descriptor.listen(backlog: 1)
    let bound = try listener.descriptor.localAddress()
    var waiting: [CInt] = []
    defer { for descriptor in waiting { _ = OwnedFileDescriptor(owning: descriptor) } }
    var isFull = false
    while !isFull {
        do throws(Errno) {
            waiting.append(try OwnedFileDescriptor.connect(to: bound, until: .after(.milliseconds(50))).take())
        } catch {
            checkEqual(error, .timedOut)
            isFull = true
        }
    }
    let queued = waiting.count
    let socket = try underSignalStorm(
        peer: {
            // The clients that gave up may be in the queue too, so all are answered until the parent has what it wants.
            for _ in 0...queued {
                let accepted = try listener.descriptor.accept(until: .generous)
                try accepted.socket.descriptor.writeAll("welcome")
            }
        }, call: { try OwnedFileDescriptor.connect(to: bound, until: deadline) })
    checkEqual(try socket.descriptor.readToEnd(), Array("welcome".utf8))
}
