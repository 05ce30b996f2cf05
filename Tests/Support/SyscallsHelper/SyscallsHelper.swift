import TestSupport

/// What tests of Syscalls cannot do in the test runner, which has threads: fork, be interrupted, be killed by SIGPIPE,
/// change the environment.
@main enum SyscallsHelper {
    static func main() {
        runSubcommand(
            describeCommands
                .merging(signalStormCommands) { $1 }
                .merging(brokenPipeCommands) { $1 }
                .merging(forkCommands) { $1 }
                .merging(sharingCommands) { $1 }
                .merging(signalCommands) { $1 }
                .merging(attributeCommands) { $1 }
                .merging(moreSignalStormCommands) { $1 }
                .merging(ownershipCommands) { $1 }
                .merging(directoryCommands) { $1 })
    }
}
