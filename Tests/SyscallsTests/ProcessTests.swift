import Syscalls
import TestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The runner has threads: whatever forks does so in a helper.
@Suite("Processes")
struct ProcessTests {
    @Test("an exit code arrives", arguments: [0, 1, 42, 255] as [CInt])
    func exitCode(code: CInt) throws {
        #expect(try runHelper("SyscallsHelper", ["exit", "\(code)"]).status == .exited(code))
    }

    @Test("forked children's exit codes and signals arrive, and their return codes are CPython's")
    func forkedChildren() throws {
        #expect(try runHelper("SyscallsHelper", ["fork-exit-codes"]) == .success)
        #expect(try runHelper("SyscallsHelper", ["fork-signals"]) == .success)
    }

    @Test("the child of a fork knows its parent, and the parent its child")
    func sides() throws {
        #expect(try runHelper("SyscallsHelper", ["fork-sides"]) == .success)
    }

    @Test("a running child has no status yet, a zombie has one once, a reaped child is nobody")
    func poll() throws {
        #expect(try runHelper("SyscallsHelper", ["fork-poll"]) == .success)
    }

    @Test("wait statuses are decoded as wait(2) says")
    func statuses() {
        #expect(ExitStatus(waitStatus: 0x0700) == .exited(7))
        #expect(ExitStatus(waitStatus: 9) == .signaled(9, coreDumped: false))
        #expect(ExitStatus(waitStatus: 0x80 | 11) == .signaled(11, coreDumped: true))
        #expect(ExitStatus.exited(0).isSuccess)
        #expect(!ExitStatus.exited(1).isSuccess)
        #expect(!ExitStatus.unknown.isSuccess)
        #expect(ExitStatus.unknown.returnCode == 255)
        #expect(ExitStatus.signaled(11, coreDumped: true).returnCode == -11)
        #expect(ExitStatus.exited(3).description == "exited with code 3")
        #expect(ExitStatus.signaled(11, coreDumped: true).description == "killed by SIGSEGV (core dumped)")
    }

    #if os(Linux)
        @Test("a process descriptor sends signals, waits and reaps, and tells how the process ended when it is gone")
        func processDescriptor() throws {
            #expect(try runHelper("SyscallsHelper", ["process-descriptor"]) == .success)
            #expect(try runHelper("SyscallsHelper", ["process-descriptor-exit-code"]) == .success)
        }

        @Test("a process descriptor shows the end of a process that is somebody else's child")
        func foreignProcess() throws {
            #expect(try runHelper("SyscallsHelper", ["process-descriptor-of-another's-child"]) == .success)
        }

        @Test("there is no descriptor of a process that does not exist")
        func noProcess() {
            #expect(throws: Errno.noSuchProcess) { _ = try ProcessDescriptor(of: ProcessID(rawValue: .max)) }
            #expect(!ProcessID(rawValue: .max).exists)
        }

        @Test("a child is killed when the thread that started its parent ends, and orphans go to a sub-reaper")
        func orphans() throws {
            #expect(try runHelper("SyscallsHelper", ["parent-death-signal"]) == .success)
            #expect(try runHelper("SyscallsHelper", ["subreaper"]) == .success)
        }

        @Test("another process's threads, descriptors and memory are told")
        func status() throws {
            let ready = try Pipe()
            let helper = try HelperProcess("SyscallsHelper", ["hang"], descriptors: [3: ready.writeEnd.descriptor])
            _ = try ready.readEnd.descriptor.readExactly(1)
            let threads = try helper.process.threadCount()
            // A sanitizer may have a thread of its own.
            #expect(threads >= 1)
            let names = try helper.process.threadNames()
            #expect(names.count == threads)
            #expect(names.contains("SyscallsHelper"))
            #expect(try FileDescriptor.allOpen(in: helper.process).map(\.rawValue) == [0, 1, 2, 3])
            #expect(try helper.process.privateMemoryKiB() > 0)
        }

        @Test("a process that does not exist has no threads, descriptors or memory")
        func missingStatus() {
            let missing = ProcessID(rawValue: .max)
            #expect(throws: Errno.noSuchFileOrDirectory) { try missing.threadCount() }
            #expect(throws: Errno.noSuchFileOrDirectory) { try missing.threadNames() }
            #expect(throws: Errno.noSuchFileOrDirectory) { try missing.privateMemoryKiB() }
            #expect(throws: Errno.noSuchFileOrDirectory) { try FileDescriptor.allOpen(in: missing) }
        }
    #endif

    @Test("one's own open descriptors are all there, and only those")
    func ownDescriptors() throws {
        let file = try OwnedFileDescriptor.open("/dev/null", .readOnly)
        let all = try FileDescriptor.allOpen()
        #expect(all.contains(file.descriptor))
        #expect(all == all.sorted { $0.rawValue < $1.rawValue })
        #expect(!all.contains(FileDescriptor(rawValue: 1_000_000_000)))
    }

    @Test("the soft limit of open descriptors is raised to the hard one")
    func descriptorLimit() throws {
        #expect(try runHelper("SyscallsHelper", ["descriptor-limit"]) == .success)
    }

    @Test("the environment is read and changed")
    func environment() throws {
        #expect(try runHelper("SyscallsHelper", ["environment"]) == .success)
    }

    @Test("random bytes are as many as asked for, and others each time", arguments: [0, 1, 255, 256, 257, 1000])
    func random(count: Int) throws {
        let bytes = try randomBytes(count)
        #expect(bytes.count == count)
        if count >= 255 {
            #expect(try randomBytes(count) != bytes)
            // The last of them is filled too: 32 zeros in a row come once in 10^77.
            #expect(bytes.suffix(32) != [UInt8](repeating: 0, count: 32)[...])
        }
    }
}
