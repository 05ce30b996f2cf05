import Framing
import Syscalls
import TestSupport
import Testing

/// CPython's multiprocessing.connection at the other end, without a key.
@Suite("Framing: with CPython", .enabled(if: !Python.installed.isEmpty, "no CPython is installed with pyenv"))
struct PythonTests {
    private func address(_ family: String, in directory: borrowing TemporaryDirectory) -> Address {
        family == "AF_UNIX" ? .unix(path: directory.file("socket")) : .tcp(host: "127.0.0.1", port: 0)
    }

    @Test("Python's Listener gives back what Swift sends it", arguments: Python.installed, ["AF_UNIX", "AF_INET"])
    func pythonListens(python: Python, family: String) throws {
        let directory = try TemporaryDirectory()
        let ready = try Pipe()
        let path = directory.file("socket")
        var peer = try python.start(
            """
            import os, sys
            from multiprocessing.connection import Listener
            family, path = sys.argv[1:]
            with Listener(path if family == "AF_UNIX" else ("127.0.0.1", 0), family) as listener:
                os.write(3, (listener.address if family == "AF_UNIX" else str(listener.address[1])).encode())
                os.close(3)
                with listener.accept() as connection:
                    try:
                        while True:
                            connection.send_bytes(connection.recv_bytes())
                    except EOFError:
                        pass
            """, [family, path], descriptors: [3: ready.writeEnd.descriptor])
        try ready.writeEnd.close()
        let told = String(decoding: try ready.readEnd.descriptor.readToEnd(), as: UTF8.self)
        let connection = try Connection.connect(
            to: family == "AF_UNIX" ? .unix(path: told) : .tcp(host: "127.0.0.1", port: try #require(UInt16(told))),
            until: .generous)
        for count in RoundTripTests.sizes {
            let message = pattern(count)
            let sending = try Background { try connection.send(message) }
            #expect(try connection.receive(until: .generous) == message)
            try sending.get()
        }
        connection.close()
        #expect(try peer.waitForOutcome() == .success)
    }

    @Test(
        "Python's Client gets back what it sends a Swift listener", arguments: Python.installed, ["AF_UNIX", "AF_INET"])
    func pythonConnects(python: Python, family: String) throws {
        let directory = try TemporaryDirectory()
        let listener = try Listener(at: address(family, in: directory))
        var peer = try python.start(
            """
            import random, sys, threading
            from multiprocessing.connection import Client
            family, address, *sizes = sys.argv[1:]
            address = address if family == "AF_UNIX" else ("127.0.0.1", int(address))
            with Client(address, family) as connection:
                for size in map(int, sizes):
                    message = random.Random(size).getrandbits(8 * size).to_bytes(size, "big") if size else b""
                    sending = threading.Thread(target=connection.send_bytes, args=[message])
                    sending.start()
                    assert connection.recv_bytes() == message, size
                    sending.join()
            """,
            [family, listener.address.port.map(String.init) ?? directory.file("socket")]
                + RoundTripTests.sizes.map(String.init))
        let connection = try listener.accept(until: .generous)
        for count in RoundTripTests.sizes {
            let message = try connection.receive(until: .generous)
            #expect(message.count == count)
            try connection.send(message, until: .generous)
        }
        #expect(throws: FramingError.endOfFile) { try connection.receive(until: .generous) }
        #expect(try peer.waitForOutcome() == .success)
    }

    @Test("pipe ends and limits are understood alike", arguments: Python.installed)
    func pipeEnds(python: Python) throws {
        let there = try Pipe()
        let back = try Pipe()
        var peer = try python.start(
            """
            from multiprocessing.connection import Connection
            receiving, sending = Connection(3, writable=False), Connection(4, readable=False)
            sending.send_bytes(receiving.recv_bytes(), 1, 3)
            try:
                receiving.recv_bytes(10)
            except OSError as error:
                sending.send_bytes(str(error).encode())
            """, descriptors: [3: there.readEnd.descriptor, 4: back.writeEnd.descriptor])
        let sender = Connection(there.writeEnd, readable: false)
        let receiver = Connection(back.readEnd, writable: false)
        try back.writeEnd.close()
        try sender.send(Array("abcdef".utf8))
        #expect(try receiver.receive(until: .generous) == Array("bcd".utf8))
        try sender.send(pattern(11))
        #expect(try receiver.receive(until: .generous) == Array("bad message length".utf8))
        #expect(throws: FramingError.endOfFile) { try receiver.receive(until: .generous) }
        #expect(try peer.waitForOutcome() == .success)
    }
}

extension Address {
    fileprivate var port: UInt16? {
        if case .tcp(_, let port) = self { port } else { nil }
    }
}
