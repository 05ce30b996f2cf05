import Glibc
import Syscalls
import TestSupport

/// Forking, waiting, and process descriptors.
let forkCommands: HelperCommands = [
    "fork-exit-codes": {
        for code: CInt in [0, 1, 7, 127, 255] {
            let status = try forkChild { exitImmediately(code) }.wait()
            checkEqual(status, .exited(code))
            checkEqual(status.returnCode, Int(code))
            checkEqual(status.isSuccess, code == 0)
        }
        // Only eight bits arrive.
        checkEqual(try forkChild { exitImmediately(256 + 3) }.wait(), .exited(3))
    },
    "fork-signals": {
        var noCore = rlimit()
        setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &noCore)
        for signal: Signal in [.kill, .terminate, .abort, .user1, .brokenPipe] {
            let status = try forkChild {
                try signal == .kill ? () : signal.restoreDefault()
                try ProcessID.current.send(signal)
                while true { pause() }
            }.wait()
            checkEqual(status, .signaled(signal.rawValue, coreDumped: false))
            checkEqual(status.returnCode, -Int(signal.rawValue))
            checkEqual(status.description, "killed by \(signal)")
        }
    },
    "fork-poll": {
        let pipe = try Pipe()
        let child = try forkChild {
            _ = try pipe.readEnd.descriptor.readExactly(1)
            exitImmediately(3)
        }
        checkEqual(try child.poll(), nil)
        check(child.exists, "a running child does not exist")
        try pipe.writeEnd.descriptor.writeAll("x")
        check(try ProcessDescriptor(of: child).waitForEnd(until: .generous), "the child has not ended")
        check(child.exists, "a zombie does not exist")
        checkEqual(try child.poll(), .exited(3))
        checkThrows(Errno.noChildProcess) { try child.poll() }
        checkThrows(Errno.noChildProcess) { try child.wait() }
        checkThrows(Errno.noSuchProcess) { try child.send(.terminate) }
        check(!child.exists, "a reaped child exists")
    },
    "fork-sides": {
        let parent = ProcessID.current
        let pipe = try Pipe()
        let child = try forkChild {
            checkEqual(ProcessID.parent, parent)
            check(ProcessID.current != parent, "the child is its parent")
            try pipe.writeEnd.descriptor.writeAll("\(ProcessID.current)")
        }
        // A pipe's bytes may come in parts, this few do not.
        let text = String(decoding: try pipe.readEnd.descriptor.read(upTo: 20), as: UTF8.self)
        checkEqual(text, "\(child)")
        try checkSucceeds(child)
    },
    "process-descriptor": {
        let pipe = try Pipe()
        let child = try forkChild {
            try Signal.terminate.restoreDefault()
            _ = try pipe.readEnd.descriptor.readExactly(1)
        }
        let process = try ProcessDescriptor(of: child)
        checkEqual(try process.poll(), nil)
        check(try !process.waitForEnd(until: .now), "it has ended before it was told to")
        try process.send(.terminate)
        check(try process.waitForEnd(until: .generous), "it has not ended")
        check(try process.waitForEnd(until: .now), "waiting for the end has consumed it")
        checkEqual(process.statusAfterReaping, .unknown)
        checkEqual(try process.poll(), .signaled(SIGTERM, coreDumped: false))
        checkThrows(Errno.noChildProcess) { try process.poll() }
        checkThrows(Errno.noSuchProcess) { try process.send(.terminate) }
        checkStatusAfterReaping(process, .signaled(SIGTERM, coreDumped: false))
    },
    "process-descriptor-exit-code": {
        let process = try ProcessDescriptor(of: try forkChild { exitImmediately(9) })
        check(try process.waitForEnd(until: .generous), "it has not ended")
        checkEqual(try process.poll(), .exited(9))
        checkStatusAfterReaping(process, .exited(9))
    },
    // A grandchild is nobody's to reap here, but its end is seen.
    "process-descriptor-of-another's-child": {
        let numbers = try Pipe()
        let hold = try Pipe()
        let child = try forkChild {
            let grandchild = try forkChild { _ = try hold.readEnd.descriptor.readExactly(1) }
            try numbers.writeEnd.descriptor.writeAll("\(grandchild)")
            try checkSucceeds(grandchild)
        }
        let number = String(decoding: try numbers.readEnd.descriptor.read(upTo: 20), as: UTF8.self)
        let process = try ProcessDescriptor(of: ProcessID(rawValue: CInt(number)!))
        checkThrows(Errno.noChildProcess) { try process.poll() }
        try hold.writeEnd.descriptor.writeAll("x")
        check(try process.waitForEnd(until: .generous), "its end was not seen")
        try checkSucceeds(child)
        checkStatusAfterReaping(process, .exited(0))
    },
    "close-descriptors": {
        var numbers: [CInt] = []
        for _ in 0..<10 {
            let file = try OwnedFileDescriptor.open("/dev/null", .readOnly)
            numbers.append(try file.descriptor.duplicate(atLeast: 50).take())
        }
        let kept = [numbers[2], numbers[7], 0].map { FileDescriptor(rawValue: $0) }
        closeDescriptors(from: 3, except: kept)
        checkEqual(try FileDescriptor.allOpen().map(\.rawValue), [0, 1, 2, numbers[2], numbers[7]])
    },
]

/// What the kernel still tells after somebody has reaped the process: since Linux 6.15.
private func checkStatusAfterReaping(_ process: borrowing ProcessDescriptor, _ expected: ExitStatus, line: Int = #line)
{
    var system = utsname()
    uname(&system)
    let release = withUnsafeBytes(of: system.release) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    let version = release.split { !$0.isNumber }.prefix(2).compactMap { Int($0) }
    let isTold = version[0] > 6 || version[0] == 6 && version[1] >= 15
    checkEqual(process.statusAfterReaping, isTold ? expected : .unknown, line: line)
}
