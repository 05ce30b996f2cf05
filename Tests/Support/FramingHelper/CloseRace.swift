import Framing
import Glibc
import Syscalls
import TestSupport

/// A thread uses a connection while another closes it. The first, as soon as it sees it closed, opens another socket,
/// which as the lowest free number gets that of the connection: nobody may shut that down.
func closeWhileUsed() throws {
    let (connection, other) = try Connection.pipe()
    let started = try Pipe()
    let using = try Background { [start = started.writeEnd.descriptor] in
        _ = try connection.poll()
        try start.writeAll("!")
        do {
            while true { _ = try connection.poll() }
        } catch FramingError.closed {}
        let pair = try SocketPair()
        for _ in 0..<200 {
            try pair.first.descriptor.writeAll("x")
            checkEqual(try pair.second.descriptor.readExactly(1), Array("x".utf8))
            try pair.second.descriptor.writeAll("y")
            checkEqual(try pair.first.descriptor.readExactly(1), Array("y".utf8))
        }
    }
    _ = try started.readEnd.descriptor.readExactly(1)
    connection.close()
    try using.get()
    check(connection.isClosed && !other.isClosed, "the wrong one is closed")
}

/// Takes the place of the C library's function in this program: a shutdown that is slow to begin, as one is whose thread
/// loses its processor just then.
@_cdecl("shutdown")
public func slowShutdown(_ socket: CInt, _ how: CInt) -> CInt {
    typealias Shutdown = @convention(c) (CInt, CInt) -> CInt
    usleep(500)
    // RTLD_NEXT, a macro that Swift cannot import.
    let original = dlsym(UnsafeMutableRawPointer(bitPattern: -1), "shutdown")
    return unsafeBitCast(original, to: Shutdown.self)(socket, how)
}
