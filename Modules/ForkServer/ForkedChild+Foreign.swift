import ProcessRoles
import ResourceTracker
import Syscalls

extension ForkedChild.Inheritance {
    /// Runs the program of the server's address, for a client that has come there.
    ///
    /// Such a child has nothing to do with the server's other clients: it has neither their tracker, nor a way to become one.
    func runChild(_ program: any ForeignChildProgram, _ request: ForeignRequest) -> Never {
        var own = request.descriptors
        let context = request.takeContext()
        do throws(Errno) {
            let tracker = try context.tracker.duplicate()
            own.append(tracker.descriptor)
            // This closes the server's, which nobody has to do again.
            ResourceTracker.shared.inherit(tracker)
        } catch {
            standardErrorLine("fork server: a child cannot use its client's resource tracker: \(error)")
            exitImmediately(1)
        }
        let kept = keptDescriptors.filter { $0 != ServerStart.tracker }
        let child = ForkedChild(self, keepingOnly: kept + own)
        child.leaveServer()
        child.becomeOrdinary()
        ForkServer.serveChildren(registration: nil)
        do {
            try program.run(in: context)
        } catch {
            standardErrorLine("\(String(reflecting: type(of: program))): \(error)")
            flushStandardStreams()
            exitImmediately(1)
        }
        flushStandardStreams()
        exitImmediately(0)
    }
}
