import AsyncFraming
import FDPassing
import Framing
import ProcessRoles
import Syscalls

extension ForkServer {
    /// Forks a child that runs a program. Returns when it has started.
    ///
    /// - Parameters:
    ///   - program: Travels to the child; descriptors in it are duplicated there and stay the caller's here.
    ///   - options: How the child differs from the server.
    ///   - deadline: When to give up waiting. The child may start all the same.
    /// - Throws: `ForkServerError`. After `.serverDied` the child may have started: nothing is run twice.
    @available(*, noasync, message: "use the async spawn")
    public func spawn(
        _ program: some ChildProgram, options: ChildOptions = ChildOptions(), until deadline: Deadline = .never
    ) throws(ForkServerError) -> ChildProcess {
        try spawnBlocking(program, options: options, until: deadline)
    }

    /// Forks a child that runs a program, without blocking a thread of the caller's. Returns when it has started.
    ///
    /// Parameters and errors are those of the blocking one.
    public func spawn(
        _ program: some ChildProgram, options: ChildOptions = ChildOptions(), until deadline: Deadline = .never
    ) async throws(ForkServerError) -> ChildProcess {
        try await onThreadOfItsOwn(failing: ForkServerError.system) { () throws(ForkServerError) in
            try self.spawnBlocking(program, options: options, until: deadline)
        }
    }

    /// Forks a child that runs one of the functions that were given to `bootstrap`. Returns when it has started.
    ///
    /// - Parameters:
    ///   - name: The function's. One that `bootstrap` does not know is an error of the child: a line on standard error, and
    ///     exit code 1.
    ///   - arguments: What the function gets.
    ///   - options: How the child differs from the server.
    ///   - deadline: When to give up waiting.
    @available(*, noasync, message: "use the async spawn")
    public func spawn(
        entryPoint name: String, arguments: [String] = [], options: ChildOptions = ChildOptions(),
        until deadline: Deadline = .never
    ) throws(ForkServerError) -> ChildProcess {
        try spawnBlocking(EntryPoint(name: name, arguments: arguments), options: options, until: deadline)
    }

    /// Forks a child that runs one of the functions that were given to `bootstrap`, without blocking a thread of the caller's.
    public func spawn(
        entryPoint name: String, arguments: [String] = [], options: ChildOptions = ChildOptions(),
        until deadline: Deadline = .never
    ) async throws(ForkServerError) -> ChildProcess {
        try await spawn(EntryPoint(name: name, arguments: arguments), options: options, until: deadline)
    }

    package func spawnBlocking(
        _ program: some ChildProgram, options: ChildOptions = ChildOptions(), until deadline: Deadline
    ) throws(ForkServerError) -> ChildProcess {
        let typeName = try TypeName.name(of: type(of: program))
        let outgoing = OutgoingDescriptors()
        var streams: StandardStreamEnds
        do throws(Errno) { streams = try StandardStreamEnds(options) } catch { throw .system(error) }
        let request = try ChildRequest.encode(
            program, options.setup(streams: streams.takeChildEnds()), outgoing: outgoing)
        return try withExtendedLifetime(outgoing) { () throws(ForkServerError) in
            var mayUseSpare = true
            while true {
                let message = ServerRequest.spawn(
                    typeName: typeName, isDetached: options.isDetached, mayUseSpare: mayUseSpare)
                let (server, sockets) = try order(message, request, passing: outgoing.descriptors, until: deadline)
                let child = try ChildProcess(
                    running: String(reflecting: type(of: program)), of: server, channel: sockets.channel,
                    status: sockets.status, streams: streams, until: deadline)
                // The spare that was to run it has died before it could: nobody has seen the request.
                if let child { return child }
                mayUseSpare = false
            }
        }
    }

    /// Sends a child's request to it, and has the server fork it meanwhile.
    private func order(
        _ message: ServerRequest, _ request: [UInt8], passing descriptors: [FileDescriptor], until deadline: Deadline
    ) throws(ForkServerError) -> (RunningServer, ChildSockets) {
        let sockets: ChildSockets
        do throws(Errno) { sockets = try ChildSockets() } catch { throw .system(error) }
        // What the socket takes of it is there before the child is.
        var progress = SendProgress()
        let isSent = try sockets.channel.sendRequest(request, passing: descriptors, &progress, until: .now)
        let server = try sendRestarting(message, passing: sockets.theirs, until: deadline)
        // Now only server and child have them: their ends are ours to see.
        sockets.closeTheirs()
        if !isSent {
            guard try sockets.channel.sendRequest(request, passing: descriptors, &progress, until: deadline) else {
                throw .timedOut
            }
        }
        return (server, sockets)
    }
}

/// The sockets of a child: ours, and those that travel to the server.
private final class ChildSockets {
    let channel: Connection
    let status: Connection
    private var batch = DescriptorBatch()

    init() throws(Errno) {
        let channel = try SocketPair()
        let status = try SocketPair()
        self.channel = Connection(socket: channel.first, descriptorLimit: ChildContext.descriptorLimit)
        self.status = Connection(socket: status.first, writable: false, descriptorLimit: 1)
        batch.append(channel.second)
        batch.append(status.second)
    }

    var theirs: [FileDescriptor] { batch.remaining }

    func closeTheirs() { batch = DescriptorBatch() }
}

extension Connection {
    /// Sends a child's request, or the rest of one. Returns whether all of it has been sent.
    ///
    /// A child that is gone, or never came, is no error here: its status tells why.
    fileprivate func sendRequest(
        _ request: [UInt8], passing descriptors: [FileDescriptor], _ progress: inout SendProgress,
        until deadline: Deadline
    ) throws(ForkServerError) -> Bool {
        do throws(FramingError) {
            try send(request.span.bytes, passing: descriptors, progress: &progress, until: deadline)
            return true
        } catch {
            if error == .timedOut { return false }
            if error.isDisconnection { return true }
            throw .connection(error)
        }
    }
}
