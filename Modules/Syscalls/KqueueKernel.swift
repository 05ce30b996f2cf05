/// A kernel's event queue as kqueue(2) describes it: Darwin's own, or an emulation where there is none.
///
/// Safe to use from any thread: several may wait for the same queue, and change it meanwhile. It is closed when its last
/// reference goes. A forked process does not inherit it.
public protocol KqueueKernel: AnyObject, Sendable {
    /// Makes an empty queue, close-on-exec. The corresponding C function is `kqueue`.
    init() throws(Errno)

    /// The borrowed descriptor of the queue: readable when there are events to fetch. See kqueue(2).
    var descriptor: FileDescriptor { get }

    /// Applies changes in their order, then fetches events, waiting for the first if there is none.
    ///
    /// - Parameters:
    ///   - changes: What to watch, or to watch no more.
    ///   - events: Gets what has happened instead of what it held. If changes failed, or had `EV_RECEIPT`, then their
    ///     answers are there, and no events.
    ///   - count: The most events that `events` gets. With 0 the call returns at once.
    ///   - timeout: `nil` waits for ever, zero only looks.
    /// - Throws: The error of a change for which `count` leaves no room; those after it were not applied.
    ///   `Errno.interrupted` by a signal: the changes were applied. `.badFileDescriptor` for a queue of the process's parent,
    ///   `.invalidArgument` for a negative timeout.
    ///
    /// The corresponding C function is `kevent`.
    func kevent(
        _ changes: [KernelEvent], into events: inout [KernelEvent], upTo count: Int, timeout: Duration?
    ) throws(Errno)
}
