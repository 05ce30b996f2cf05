import Syscalls

/// Runs a call that blocks on a thread of its own, for which nobody waits.
func onDetachedThread(_ body: @escaping @Sendable () -> Void) throws(Errno) {
    try Thread(name: "blocking call", body).detach()
}

/// Runs a call that blocks on a thread of its own, so that no cooperative thread does.
package func onThreadOfItsOwn<Result: Sendable>(
    _ body: @escaping @Sendable () throws(ForkServerError) -> Result
) async throws(ForkServerError) -> Result {
    let outcome = await withCheckedContinuation { continuation in
        do throws(Errno) {
            try Thread(name: "blocking call") {
                continuation.resume(returning: Swift.Result { () throws(ForkServerError) in try body() })
            }.detach()
        } catch {
            continuation.resume(returning: .failure(ForkServerError.system(error)))
        }
    }
    return try outcome.get()
}
