import Syscalls

// What helper executables check by themselves: a failure is printed and ends the process with code 1, so that the test
// that runs it shows it. In a forked child too.

/// Ends the process unless the condition holds.
public func check(_ condition: Bool, _ what: @autoclosure () -> String, line: Int = #line) {
    if !condition { fail("line \(line): \(what())") }
}

/// Ends the process unless both are equal.
public func checkEqual<Value: Equatable>(_ value: Value, _ expected: Value, line: Int = #line) {
    if value != expected { fail("line \(line): \(value) is not \(expected)") }
}

/// Ends the process unless the body throws this error.
public func checkThrows<Failure: Error & Equatable, Result: ~Copyable>(
    _ expected: Failure, line: Int = #line, _ body: () throws -> Result
) {
    do {
        _ = try body()
        fail("line \(line): \(expected) was not thrown")
    } catch let error as Failure where error == expected {
    } catch {
        fail("line \(line): \(error) is not \(expected)")
    }
}

/// Ends the process with code 1 and a line that says why.
public func fail(_ problem: String) -> Never {
    try? FileDescriptor.standardError.writeAll(problem + "\n")
    exitImmediately(1)
}

/// What a helper can do, by the name that its first argument gives.
public typealias HelperCommands = [String: @Sendable () throws -> Void]

/// Runs the subcommand that the first argument names, and leaves with code 0.
///
/// Several descriptors, processes and signal dispositions are the process's own: that is why it is one.
public func runSubcommand(_ commands: HelperCommands) -> Never {
    guard CommandLine.arguments.count > 1, let command = commands[CommandLine.arguments[1]] else {
        fail("one of these is wanted: \(commands.keys.sorted().joined(separator: " "))")
    }
    do { try command() } catch { fail("\(CommandLine.arguments[1]): \(error)") }
    exitImmediately(0)
}

/// Forks, runs the body in the child and ends the child with code 0; `check` works in it as in the parent.
///
/// Only for helpers, which have one thread. A check that fails in the parent ends the child too, unless it is to be an
/// orphan.
public func forkChild(outlivingParent: Bool = false, _ body: () throws -> Void) throws -> ProcessID {
    let parent = ProcessID.current
    switch try forkProcess() {
    case .parent(let child): return child
    case .child:
        do {
            #if os(Linux)
                if !outlivingParent { try setParentDeathSignal(.kill) }
            #endif
            if !outlivingParent, ProcessID.parent != parent { exitImmediately(1) }
            try body()
        } catch { fail("child: \(error)") }
        exitImmediately(0)
    }
}

/// Waits for a child that has to end with code 0.
public func checkSucceeds(_ child: ProcessID, line: Int = #line) throws {
    checkEqual(try child.wait(), .exited(0), line: line)
}

/// Runs the body, and ends the process when it leaves more or fewer descriptors open than before.
public func checkKeepsDescriptors(line: Int = #line, _ body: () throws -> Void) throws {
    let before = try FileDescriptor.allOpen()
    try body()
    checkEqual(try FileDescriptor.allOpen(), before, line: line)
}

/// The same for sockets alone: for async code, whose runtime opens files of its own when it takes long.
public func checkKeepsSockets(line: Int = #line, _ body: () throws -> Void) throws {
    let before = try openSockets()
    try body()
    checkEqual(try openSockets(), before, line: line)
}

/// The sockets that this process has open.
public func openSockets() throws -> [FileDescriptor] {
    // One that is closed meanwhile is none.
    try FileDescriptor.allOpen().filter { (try? $0.status().kind) == .socket }
}
