import FDPassing
import Syscalls

/// The two sides of a child's standard streams: what travels to the child, and the program's ends of those that are pipes.
struct StandardStreamEnds: Sendable {
    /// In the streams' order; `nil` where a stream is inherited.
    private var childEnds: [PassedDescriptor?] = []
    /// The program's ends, in the same order.
    private(set) var ends: [PassedDescriptor?] = []
    private(set) var captures: [OutputCapture?] = []

    /// Gives the child's ends up: they are open here for only as long as they are on their way.
    mutating func takeChildEnds() -> [PassedDescriptor?] {
        defer { childEnds = [] }
        return childEnds
    }

    /// Makes the pipes that the options ask for.
    init(_ options: ChildOptions) throws(Errno) {
        try add(options.standardInput, isInput: true)
        try add(options.standardOutput, isInput: false)
        try add(options.standardError, isInput: false)
    }

    private mutating func add(_ stream: ChildOptions.StandardStream, isInput: Bool) throws(Errno) {
        var childEnd: PassedDescriptor?
        var end: PassedDescriptor?
        var capture: OutputCapture?
        switch stream {
        case .inherited: break
        case .null: childEnd = PassedDescriptor(try OwnedFileDescriptor.open("/dev/null", .readWrite))
        case .descriptor(let passed): childEnd = passed
        case .pipe:
            let pipe = try Pipe()
            let readEnd = PassedDescriptor(pipe.readEnd)
            let writeEnd = PassedDescriptor(pipe.writeEnd)
            (childEnd, end) = isInput ? (readEnd, writeEnd) : (writeEnd, readEnd)
        case .captured(let bytes, let isShown):
            precondition(!isInput, "standard input cannot be captured: nothing comes from it")
            let pipe = try Pipe()
            childEnd = PassedDescriptor(pipe.writeEnd)
            capture = try OutputCapture(
                pipe.readEnd, keeping: bytes, showingOn: isShown ? FileDescriptor(rawValue: CInt(ends.count)) : nil)
        }
        childEnds.append(childEnd)
        ends.append(end)
        captures.append(capture)
    }
}
