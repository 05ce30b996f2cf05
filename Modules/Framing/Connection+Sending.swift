import FDPassing
import Syscalls

extension Connection {
    /// What is known of the stream towards the peer.
    struct Outbox {
        /// How many bytes of how many have been sent of a message that is to be resumed.
        var underWay: (sent: Int, total: Int)?
        /// Set once the peer could not make sense of what follows.
        var failure: FramingError?
    }

    /// Sends one message.
    ///
    /// - Parameters:
    ///   - message: Its bytes; `bytes.span.bytes.extracting(range)` for a part of some.
    ///   - descriptors: What travels beside them, on a Unix socket; they stay the caller's. The receiver has to know their
    ///     number from the message.
    ///   - deadline: When to give up.
    /// - Throws: `FramingError.timedOut` when nothing was sent by the deadline, `.partlySent` when a part was, after which
    ///   the connection cannot send any more; `.system(.brokenPipe)` when the peer is gone.
    public func send(
        _ message: RawSpan, passing descriptors: [FileDescriptor] = [], until deadline: Deadline? = nil
    ) throws(FramingError) {
        try send(message, passing: descriptors.span, until: deadline)
    }

    /// Sends one message, without an array of the descriptors; see ``send(_:passing:until:)``.
    package func send(
        _ message: RawSpan, passing descriptors: Span<FileDescriptor>, until deadline: Deadline? = nil
    ) throws(FramingError) {
        var progress = SendProgress()
        try send(message, passing: descriptors, progress: &progress, until: deadline, isResumable: false)
    }

    /// Sends one message; see ``send(_:passing:until:)``.
    public func send(
        _ message: [UInt8], passing descriptors: [FileDescriptor] = [], until deadline: Deadline? = nil
    ) throws(FramingError) {
        try send(message.span.bytes, passing: descriptors, until: deadline)
    }

    /// Sends part of an array as one message; see ``send(_:passing:until:)``.
    public func send(
        _ message: ArraySlice<UInt8>, passing descriptors: [FileDescriptor] = [], until deadline: Deadline? = nil
    ) throws(FramingError) {
        try send(message.span.bytes, passing: descriptors, until: deadline)
    }

    /// Sends one message, or what is left of one, so that it can be resumed when the peer takes no more for now.
    ///
    /// After `FramingError.timedOut` the caller calls again with the same message, descriptors and progress, whenever it
    /// likes. If that is never, the peer waits in vain: close the connection then.
    ///
    /// - Parameters:
    ///   - message: The whole of it, however much has been sent.
    ///   - descriptors: See ``send(_:passing:until:)``.
    ///   - progress: How far the message has got. A new one starts a message; that of one that is done starts none.
    ///   - deadline: When to give up for now; `.now` sends what the kernel takes at once.
    /// - Throws: `FramingError.timedOut`; `.sendUnderWay` when part of another message has been sent and its rest has not,
    ///   and nothing is sent then.
    public func send(
        _ message: RawSpan, passing descriptors: [FileDescriptor] = [], progress: inout SendProgress,
        until deadline: Deadline? = nil
    ) throws(FramingError) {
        try send(message, passing: descriptors.span, progress: &progress, until: deadline, isResumable: true)
    }

    private func send(
        _ message: RawSpan, passing descriptors: Span<FileDescriptor>, progress: inout SendProgress,
        until deadline: Deadline?, isResumable: Bool
    ) throws(FramingError) {
        guard isWritable else { throw .notWritable }
        let deadline = resolved(deadline)
        guard sending.lock(until: deadline) else { throw isClosed ? .closed : .timedOut }
        defer { sending.unlock() }
        let descriptor = try closable.beginUse()
        defer { closable.endUse() }
        if outbox.failure != nil { throw outbox.failure! }
        let total = FrameHeader(length: message.byteCount).byteCount + message.byteCount
        if let underWay = outbox.underWay {
            guard underWay == (progress.sent, total) else {
                throw .sendUnderWay(bytes: underWay.sent, of: underWay.total)
            }
        } else {
            precondition(progress == SendProgress(), "no message is under way: start each with a new SendProgress()")
        }
        let sender = FrameSender(descriptor: descriptor, isSocket: isSocket, deadline: deadline)
        do throws(FramingError) {
            try sender.send(message, passing: descriptors, progress: &progress)
            outbox.underWay = nil
        } catch {
            if isClosed { throw .closed }
            guard progress.sent > 0 else { throw error }
            // The peer would take the next frame for the rest of this one.
            if error == .timedOut, isResumable {
                outbox.underWay = (progress.sent, total)
                throw error
            }
            let failure = error == .timedOut ? .partlySent(bytes: progress.sent, of: total) : error
            outbox.failure = failure
            throw failure
        }
    }
}
