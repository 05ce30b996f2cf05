import ForkServer
import ForkServerTestPrograms
import KqueueEmulation
import Pool
import Reactor
import SelectBackend
import TestSupport

/// What tests name as the executable of a server, and programs that use one, for tests to kill and to starve.
@main enum ForkServerHost {
    static func main() {
        // Before the bootstrap: the server is this program too.
        ReactorBackends.add(SelectBackend.self)
        #if os(Linux)
            ReactorBackends.add(EmulatedKqueueBackend.self)
        #endif
        // A program that forgot the call must not become a server either, so this is asked before.
        if CommandLine.arguments.dropFirst().first != "forgot" {
            ForkServer.bootstrap(entryPoints: [
                "leave": { child, arguments in child.exit(CInt(arguments.joined()) ?? 99) }
            ])
        }
        runSubcommand([
            "forgot": { try forgetBootstrap() },
            "children": { try holdChildren() },
            "workers": { try holdWorkers() },
            "everything": { try holdEverything() },
            "detached": { try holdDetachedChild() },
            "exhausted": { try spawnWithoutDescriptors() },
            "unheld": { try loseStartedChild() },
            "print": { try printFromChild() },
            "fail": { try failInChild() },
            "replaced": { try useAfterReplacement() },
            "leak": { try leakFromChild() },
            "killed-tracker": { try killTrackerUnderServer() },
            "interrupt": { try interruptGroup() },
            "taken": { try giveDescriptorAway() },
            "let-go": { try letGoOfServer() },
            "leave-running": { try leaveRunning() },
            "failing-preload": { try useDespiteFailingPreload() },
            "shown": { try showWhatIsCaptured() },
        ])
    }
}
