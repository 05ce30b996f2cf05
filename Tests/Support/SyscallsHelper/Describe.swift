import Glibc
import Syscalls
import TestSupport

/// What a program that was spawned finds about itself, as lines of text.
let describeCommands: HelperCommands = [
    "describe": {
        // The whole of it first: a descriptor that printing opens would be a descriptor too many.
        var lines = try FileDescriptor.allOpen().map { descriptor in
            let identity = try descriptor.status().identity
            return "descriptor \(descriptor.rawValue) \(identity.device):\(identity.inode)"
        }
        let directory = getcwd(nil, 0)!
        lines.append("directory \(String(cString: directory))")
        free(directory)
        lines.append("leads its group \(getpgrp() == getpid())")
        lines.append("leads its session \(getsid(0) == getpid())")
        let signals: [Signal] = [.user1, .user2, .brokenPipe, .terminate, .interrupt]
        for signal in signals where SignalSet.blocked.contains(signal) { lines.append("blocked \(signal)") }
        for signal in signals {
            var action = sigaction()
            sigaction(signal.rawValue, nil, &action)
            if unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self)
                == unsafeBitCast(SIG_IGN, to: Int.self)
            {
                lines.append("ignored \(signal)")
            }
        }
        lines.append("arguments \(CommandLine.arguments.dropFirst(2).joined(separator: "|"))")
        lines.append("marker \(Environment["FORKSERVER_TEST_MARKER"] ?? "none")")
        try FileDescriptor.standardOutput.writeAll(lines.map { $0 + "\n" }.joined())
    },
    // Starts `describe` while it ignores signals itself.
    "describe-with-ignored-signals": {
        try Signal.user2.ignore()
        try Signal.brokenPipe.ignore()
        try ([.terminate] as SignalSet).whileBlocked {
            let path = executableDirectory + "/SyscallsHelper"
            var options = SpawnOptions(arguments: [path, "describe"])
            if CommandLine.arguments.last == "keep" {
                options.defaultSignals = []
                options.signalMask = .blocked
            }
            try checkSucceeds(try ProcessID.spawn(path, options))
        }
    },
    "exit": { exitImmediately(CInt(CommandLine.arguments[2])!) },
    // Waits to be killed; a write to descriptor 3 says that it runs.
    "hang": {
        try FileDescriptor(rawValue: 3).writeAll("x")
        while true { pause() }
    },
    "environment": {
        Environment.set("FORKSERVER_TEST_A", to: "value=with=signs")
        checkEqual(Environment["FORKSERVER_TEST_A"], "value=with=signs")
        check(Environment.all.contains("FORKSERVER_TEST_A=value=with=signs"), "it is not among all")
        Environment.set("FORKSERVER_TEST_A", to: "other")
        checkEqual(Environment["FORKSERVER_TEST_A"], "other")
        checkEqual(Environment.all.count { $0.hasPrefix("FORKSERVER_TEST_A=") }, 1)
        Environment.set("FORKSERVER_TEST_A", to: "")
        checkEqual(Environment["FORKSERVER_TEST_A"], "")
        Environment.set("FORKSERVER_TEST_A", to: nil)
        checkEqual(Environment["FORKSERVER_TEST_A"], nil)
        check(!Environment.all.contains { $0.hasPrefix("FORKSERVER_TEST_A=") }, "it is still among all")
        clearenv()
        checkEqual(Environment.all, [])
    },
]
