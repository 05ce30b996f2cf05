import Reactor
import ReactorConformance
import Syscalls
import Testing

/// The kit is worth what it finds: backends with one fault each, and a part of the name of a check that finds it.
@Suite("Backends that do not conform")
struct BrokenBackendTests {
    private static let faults: [(backend: any ReactorBackend.Type, check: String)] = [
        (ForgetsRemovals.self, "a descriptor is registered once"),
        (KeepsOldToken.self, "the token of the last registration"),
        (KeepsWhenRecreated.self, "created anew"),
        (EndsEarly.self, "a wait for nothing ends when its time has passed"),
        (TellsOnce.self, "what is ready and not dealt with is told again"),
        (DropsHangUps.self, "a hang-up without data is told to the reader (pipe)"),
        (IgnoresOneShots.self, "a backend reports a one-shot once"),
        (AcceptsAnyNumber.self, "a closed descriptor is neither registered nor changed"),
        (MixesDirections.self, "a writer is called while its peer takes more"),
        (Unavailable.self, "a reader is called when there is something to read"),
    ]

    @Test("each fault is found", arguments: faults.indices)
    func found(index: Int) throws {
        let (backend, part) = Self.faults[index]
        let checks = ConformanceCheck.all.filter { $0.name.contains(part) }
        #expect(checks.count == 1, "\(part)")
        for check in checks {
            // A wait that is too short looks long enough where others have had the processor meanwhile.
            var found: ConformanceFailure?
            for _ in 1...50 where found == nil { found = failure(of: check, backend) }
            let text = found.map { "\($0)" } ?? "nothing"
            #expect(text.contains(check.name) && text.contains(backend.name))
        }
    }

    private func failure(of check: ConformanceCheck, _ backend: any ReactorBackend.Type) -> ConformanceFailure? {
        do throws(ConformanceFailure) {
            try check.run(backend)
            return nil
        } catch {
            return error
        }
    }

    @Test("without a fault the same wrapper conforms", arguments: ConformanceCheck.all)
    func sound(check: ConformanceCheck) throws {
        try check.run(Wrapper.self)
    }
}

/// A backend over another one, for faults to be put in.
private class Wrapper: ReactorBackend {
    class var name: String { "wrapper" }
    let inner = PollBackend()

    required init() throws(Errno) {}

    func register(_ descriptor: FileDescriptor, interest: Interest, token: UInt64) throws(Errno) {
        try inner.register(descriptor, interest: interest, token: token)
    }
    func modify(_ descriptor: FileDescriptor, interest: Interest, token: UInt64) throws(Errno) {
        try inner.modify(descriptor, interest: interest, token: token)
    }
    func deregister(_ descriptor: FileDescriptor) { inner.deregister(descriptor) }
    func wait(timeout: Duration?, into events: inout [ReadinessEvent]) throws(Errno) {
        try inner.wait(timeout: timeout, into: &events)
    }
    func recreate() throws(Errno) { inner.recreate() }
}

private final class ForgetsRemovals: Wrapper {
    override func deregister(_ descriptor: FileDescriptor) {}
}

private final class KeepsOldToken: Wrapper {
    private var tokens: [FileDescriptor: UInt64] = [:]

    override func register(_ descriptor: FileDescriptor, interest: Interest, token: UInt64) throws(Errno) {
        try super.register(descriptor, interest: interest, token: token)
        tokens[descriptor] = token
    }
    override func modify(_ descriptor: FileDescriptor, interest: Interest, token: UInt64) throws(Errno) {
        try super.modify(descriptor, interest: interest, token: tokens[descriptor] ?? token)
    }
}

private final class KeepsWhenRecreated: Wrapper {
    override func recreate() {}
}

private final class EndsEarly: Wrapper {
    override func wait(timeout: Duration?, into events: inout [ReadinessEvent]) throws(Errno) {
        try super.wait(timeout: timeout.map { _ in .zero }, into: &events)
    }
}

private final class TellsOnce: Wrapper {
    private var told: Set<UInt64> = []

    override func wait(timeout: Duration?, into events: inout [ReadinessEvent]) throws(Errno) {
        try super.wait(timeout: timeout, into: &events)
        let new = Set(events.map(\.token))
        events.removeAll { told.contains($0.token) }
        told = new
    }
}

private final class DropsHangUps: Wrapper {
    override func wait(timeout: Duration?, into events: inout [ReadinessEvent]) throws(Errno) {
        try super.wait(timeout: timeout, into: &events)
        events.removeAll { $0.readiness == .hangUp }
    }
}

private final class IgnoresOneShots: Wrapper {
    override func register(_ descriptor: FileDescriptor, interest: Interest, token: UInt64) throws(Errno) {
        try super.register(descriptor, interest: interest.subtracting(.oneShot), token: token)
    }
    override func modify(_ descriptor: FileDescriptor, interest: Interest, token: UInt64) throws(Errno) {
        try super.modify(descriptor, interest: interest.subtracting(.oneShot), token: token)
    }
}

private final class AcceptsAnyNumber: Wrapper {
    override func register(_ descriptor: FileDescriptor, interest: Interest, token: UInt64) throws(Errno) {
        guard descriptor.isOpen else { return }
        try super.register(descriptor, interest: interest, token: token)
    }
}

private final class MixesDirections: Wrapper {
    override func wait(timeout: Duration?, into events: inout [ReadinessEvent]) throws(Errno) {
        try super.wait(timeout: timeout, into: &events)
        events = events.map { ReadinessEvent(token: $0.token, readiness: [.readable, .writable]) }
    }
}

private final class Unavailable: Wrapper {
    override class var name: String { "unavailable here" }
    required init() throws(Errno) { throw .notImplemented }
}
