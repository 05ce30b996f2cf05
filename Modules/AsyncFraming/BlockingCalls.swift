import Framing
import Syscalls

/// Runs a call that blocks on a thread of its own, for which nobody waits.
package func onDetachedThread(_ body: @escaping @Sendable () -> Void) throws(Errno) {
    try Thread(name: "blocking call", body).detach()
}

/// Runs a call that blocks on a thread of its own, so that no cooperative thread does.
///
/// - Parameter failure: The error when there can be no such thread.
package func onThreadOfItsOwn<Result: Sendable, Failure: Error>(
    failing failure: (Errno) -> Failure, _ body: @escaping @Sendable () throws(Failure) -> Result
) async throws(Failure) -> Result {
    let outcome = await withCheckedContinuation { continuation in
        do throws(Errno) {
            try onDetachedThread {
                continuation.resume(returning: Swift.Result { () throws(Failure) in try body() })
            }
        } catch {
            continuation.resume(returning: .failure(failure(error)))
        }
    }
    return try outcome.get()
}

/// Lets some time pass. A cancelled task notices it at the end.
///
/// Not `Task.sleep`: on Linux libdispatch takes a descriptor for its timer, and ends the process when there is none, which is
/// just when one has to wait.
func pause(for duration: Duration) async throws {
    try await onThreadOfItsOwn(failing: FramingError.system) { () throws(FramingError) in
        Deadline.after(duration).sleep()
    }
    try Task.checkCancellation()
}
