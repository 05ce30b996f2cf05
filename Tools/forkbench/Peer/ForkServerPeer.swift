import Auth
import FDPassing
import ForkServer
import ForkbenchCore
import Framing
import ResourceTracker
import Syscalls

/// A fork server for clients of CPython's protocol.
struct ForkServerPeer {
    private let server: ForkServer
    /// Whether those who have the alive pipe keep the server when this program ends.
    private let isKeptAlive: Bool

    init(_ arguments: Arguments) throws(UsageError) {
        guard arguments.rest.isEmpty else { throw UsageError("peer fork-server: takes options only") }
        var address = ForkServer.AddressOptions(PeerChild())
        address.path = try Self.path(arguments.values["--address"])
        if let authentication = try PeerOptions.authentication(arguments) {
            address.key = authentication.key
            address.policy = authentication.policy
        }
        if let text = arguments.values["--alive"] {
            let descriptor = CInt(text).map { FileDescriptor(rawValue: $0) }
            guard let descriptor, descriptor.rawValue > 2, let alive = try? PassedDescriptor(duplicating: descriptor)
            else {
                throw UsageError("--alive: “\(text)” is not the number of an open descriptor")
            }
            // The server shall not inherit it by this number too.
            OwnedFileDescriptor(owning: descriptor.rawValue).discard()
            address.alive = alive
        }
        if let milliseconds = try arguments.positiveNumber("--timeout") {
            address.requestTimeout = .milliseconds(milliseconds)
        }
        isKeptAlive = address.alive != nil
        var options = ForkServer.Options()
        options.address = address
        options.spares = .none
        server = ForkServer(options)
    }

    private static func path(_ text: String?) throws(UsageError) -> String? {
        switch text {
        case nil: throw UsageError("peer fork-server: expected --address unix:PATH or --address fresh")
        case "fresh": return nil
        case .some(let text):
            guard case .unix(let path) = try? Address(parsing: text) else {
                throw UsageError("--address: descriptors travel over Unix sockets: expected unix:PATH or fresh")
            }
            return path
        }
    }

    /// Serves clients until standard input ends.
    func run() throws {
        try server.startBlocking()
        guard let address = server.address, let process = server.processID else { throw ForkServerError.serverDied }
        try FileDescriptor.standardOutput.writeAll("listening at \(address)\nfork server \(process)\n")
        while try !FileDescriptor.standardInput.read(upTo: 4096).isEmpty {}
        // As if the program had died: the server goes on for the others.
        if isKeptAlive { exitProcess(0) }
        server.shutDown()
    }
}

extension ForkServer {
    fileprivate func startBlocking() throws(ForkServerError) { try start() }
}

/// Does what a line says that comes over its request: enough to see all that a client of the protocol can see.
struct PeerChild: ForeignChildProgram {
    func run(in child: consuming ForeignChildContext) throws {
        // A client that has gone before it said what it wants.
        guard let words = try Self.nextRequest(from: child.request.descriptor) else { child.exit(255) }
        let number = words.dropFirst().first.flatMap { CInt($0) } ?? 0
        let descriptors = child.descriptors.remaining
        switch words.first {
        case "exit": child.exit(number)
        case "signal": try ProcessID.current.send(Signal(rawValue: number))
        case "fail": throw UsageError("it was asked to fail")
        case "echo": for descriptor in descriptors.prefix(1) { try descriptor.sendBackAll() }
        case "descriptors":
            for (position, descriptor) in descriptors.enumerated() { try descriptor.writeAll("\(position)\n") }
        #if os(Linux)
            case "open":
                let inodes = try FileDescriptor.allOpen().filter { $0.rawValue > 2 }
                    .map { "\(try $0.status().identity.inode)" }
                try descriptors[0].writeAll(inodes.joined(separator: " "))
        #endif
        #if os(Linux)
            case "spin":
                try child.endWithClient()
                for descriptor in descriptors { try descriptor.writeAll("busy\n") }
                while true {}
        #endif
        case "register": try ResourceTracker.shared.register(String(words[1]), .sharedMemory)
        case "wait":
            // What comes after the request is nothing but the client's end.
            while try !child.request.descriptor.read(upTo: 4096).isEmpty {}
            for descriptor in descriptors { try descriptor.writeAll("the client is gone\n") }
        default: throw UsageError("“\(words.joined(separator: " "))” is not done here")
        }
    }

    private static let requests = [
        "exit", "signal", "fail", "echo", "descriptors", "open", "spin", "register", "wait",
    ]

    /// The words of the first line that is a request; `nil` at the end of the file.
    ///
    /// Python's `Process` sends pickles, in which a line can be had by the process's name: what is before it is passed over.
    private static func nextRequest(from descriptor: FileDescriptor) throws(Errno) -> [Substring]? {
        while let line = try descriptor.nextLine() {
            let words = line.split(separator: " ")
            if let first = words.first, requests.contains(String(first)) { return words }
        }
        return nil
    }
}

extension FileDescriptor {
    /// Reads a line, and not a byte beyond its end; `nil` when there is no more.
    fileprivate func nextLine() throws(Errno) -> String? {
        var line: [UInt8] = []
        while let byte = try read(upTo: 1).first {
            if byte == UInt8(ascii: "\n") { return String(decoding: line, as: UTF8.self) }
            line.append(byte)
        }
        return nil
    }

    fileprivate func sendBackAll() throws(Errno) {
        while true {
            let bytes = try read(upTo: 65_536)
            if bytes.isEmpty { return }
            try writeAll(bytes)
        }
    }
}
