import FDPassing
import ForkServer
import ProcessTestSupport
import ResourceTracker
import Syscalls

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

// What tests have children do. They lie in a library, so that the test runner and the host both have them.

/// Returns, or leaves with a code.
public struct Leave: ChildProgram {
    let code: CInt?

    public init(code: CInt? = nil) {
        self.code = code
    }

    public func run(in child: ChildContext) {
        if let code { child.exit(code) }
    }
}

/// Throws an error that says this.
public struct ThrowError: ChildProgram {
    let text: String

    public init(_ text: String) {
        self.text = text
    }

    public func run(in child: ChildContext) throws {
        throw TestFailure(text: text)
    }
}

public struct TestFailure: Error, Codable, Hashable, CustomStringConvertible {
    public let text: String

    public init(text: String) {
        self.text = text
    }

    public var description: String { text }
}

/// Traps.
public struct Trap: ChildProgram {
    public init() {}
    public func run(in child: ChildContext) {
        fatalError("as the test wants it")
    }
}

/// Sends itself a signal, whose default effect ends it.
public struct SignalItself: ChildProgram {
    let signal: CInt

    public init(_ signal: Signal) {
        self.signal = signal.rawValue
    }

    public func run(in child: ChildContext) throws {
        try ProcessID.current.send(Signal(rawValue: signal))
        child.exit(99)
    }
}

/// Prints without flushing, and leaves.
public struct PrintAndLeave: ChildProgram {
    let text: String
    let code: CInt

    public init(_ text: String, code: CInt) {
        self.text = text
        self.code = code
    }

    public func run(in child: ChildContext) {
        // Standard output is no terminal: it stays in the buffer until the exit.
        print(text, terminator: "")
        child.exit(code)
    }
}

/// Says that it has begun, waits until the other end of its gate is closed, and leaves with the code.
public struct WaitForEnd: ChildProgram {
    let started: PassedDescriptor
    let gate: PassedDescriptor
    let code: CInt

    public init(started: PassedDescriptor, gate: PassedDescriptor, code: CInt) {
        self.started = started
        self.gate = gate
        self.code = code
    }

    public func run(in child: ChildContext) throws {
        try started.descriptor!.writeAll("\n")
        _ = try gate.descriptor!.readToEnd()
        child.exit(code)
    }
}

/// Says that it has begun, and computes for ever.
public struct Spin: ChildProgram {
    let started: PassedDescriptor
    let ignoresTermination: Bool

    public init(_ started: PassedDescriptor, ignoresTermination: Bool = false) {
        self.started = started
        self.ignoresTermination = ignoresTermination
    }

    public func run(in child: ChildContext) throws {
        if ignoresTermination { try Signal.terminate.ignore() }
        try started.descriptor!.writeAll("\n")
        while true {}
    }
}

/// Writes its place into each descriptor that it was passed.
public struct WritePlaces: ChildProgram {
    let files: [PassedDescriptor]

    public init(_ files: [PassedDescriptor]) {
        self.files = files
    }

    public func run(in child: ChildContext) throws {
        for (index, file) in files.enumerated() {
            guard try file.descriptor!.isCloseOnExec() else { throw TestFailure(text: "an exec would inherit it") }
            try file.descriptor!.writeAll("\(index)")
        }
    }
}

/// Writes the name of each descriptor into it.
public struct WriteNames: ChildProgram {
    let files: PassedDescriptors
    let names: [String]

    public init(_ files: PassedDescriptors, names: [String]) {
        self.files = files
        self.names = names
    }

    public func run(in child: ChildContext) throws {
        for name in names { try files[name]!.descriptor!.writeAll(name) }
        guard files["nobody's"] == nil, files.count == names.count else { throw TestFailure(text: "there are others") }
    }
}

/// Closes the standard streams, has something to write out all the same, and returns.
public struct CloseStreams: ChildProgram {
    public init() {}

    public func run(in child: ChildContext) throws {
        print("to nobody", terminator: "")
        for number in 0...2 as ClosedRange<CInt> { OwnedFileDescriptor(owning: number).discard() }
    }
}

/// Ends with 0 when it can attach to a segment.
public struct AttachSegment: ChildProgram {
    let name: String

    public init(_ name: String) {
        self.name = name
    }

    public func run(in child: ChildContext) throws {
        _ = try SharedMemory(opening: name)
    }
}

/// Creates a tracked segment and ends without removing it.
public struct LeakSegment: ChildProgram {
    let name: String

    public init(_ name: String) {
        self.name = name
    }

    public func run(in child: ChildContext) throws {
        _ = try ResourceTracker.shared.createSharedMemory(name, size: 4096)
    }
}

/// Creates a tracked segment, says so, and waits.
public struct HoldSegment: ChildProgram {
    let name: String
    let started: PassedDescriptor
    let gate: PassedDescriptor

    public init(_ name: String, started: PassedDescriptor, gate: PassedDescriptor) {
        self.name = name
        self.started = started
        self.gate = gate
    }

    public func run(in child: ChildContext) throws {
        _ = try ResourceTracker.shared.createSharedMemory(name, size: 4096)
        try started.descriptor!.writeAll("started\n")
        _ = try gate.descriptor!.read(upTo: 1)
    }
}

/// Writes what it knows of itself, as lines.
public struct Describe: ChildProgram {
    let output: PassedDescriptor

    public init(_ output: PassedDescriptor) {
        self.output = output
    }

    public func run(in child: ChildContext) throws {
        let current = ProcessID.current
        let open = try FileDescriptor.allOpen().filter { $0 != output.descriptor }
        var lines = ["pid: \(current)", "client: \(child.clientProcess)", "parent: \(ProcessID.parent)"]
        lines.append("threads: \(try current.threadCount())")
        lines.append("descriptors: \(open.map { "\($0.rawValue)" }.joined(separator: " "))")
        let kinds = try open.map { descriptor throws(Errno) in "\(try descriptor.status().kind)" }
        lines.append("kinds: \(kinds.joined(separator: " "))")
        let inheritable = try open.filter { descriptor throws(Errno) in try !descriptor.isCloseOnExec() }
        lines.append("inheritable: \(inheritable.map { "\($0.rawValue)" }.joined(separator: " "))")
        for set in ["SigBlk", "SigIgn", "SigCgt"] { lines.append("\(set): \(try current.statusField(set))") }
        let null = try FileStatus(ofFileAt: "/dev/null").identity
        lines.append("input is /dev/null: \(try FileDescriptor.standardInput.status().identity == null)")
        lines.append("preloads: \(PreloadedMemory.log.joined(separator: " "))")
        lines.append("tuned: \(Environment["LD_BIND_NOW"] ?? "no") \(Environment["GLIBC_TUNABLES"] ?? "no")")
        try output.descriptor!.writeAll(lines.joined(separator: "\n") + "\n")
    }
}
