import FDPassing
import ForkServer
import Syscalls

// What the fork server's benchmarks share.

/// Options of the floors: they park as many children ahead as the default configuration does, and fork them when idle as it does.
let spares = ["--spares", "2"]

/// The child of the fork server's benchmarks: writes a byte, and is done.
struct FirstByte: ChildProgram {
    let output: PassedDescriptor

    func run(in child: ChildContext) throws {
        let byte: InlineArray<1, UInt8> = [1]
        try output.descriptor?.writeAll(byte.span.bytes)
    }
}

/// Starts a child that has the only writing end of a pipe.
func spawnFirstByte(_ server: ForkServer, _ output: consuming OwnedFileDescriptor) throws -> ChildProcess {
    let output = PassedDescriptor(output)
    let child = try server.spawn(FirstByte(output: output))
    output.take()?.discard()
    return child
}

extension SampleContext {
    /// A server that runs where the benchmark's peers are to run.
    func startServer(_ options: ForkServer.Options = ForkServer.Options()) throws -> ForkServer {
        let server = ForkServer(options)
        try server.start()
        try pinPeer(server.processID)
        return server
    }

    /// Pins a process to the peer's processor; what it forks from now on inherits that.
    func pinPeer(_ process: ProcessID?) throws {
        #if os(Linux)
            if let process, let cpu = peerCPU { try process.setAffinity([cpu]) }
        #endif
    }
}
