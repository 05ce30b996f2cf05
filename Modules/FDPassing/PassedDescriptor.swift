import CSyscalls
import Syscalls

/// A descriptor inside a value that travels to another process: the `Codable` stand-in for an `OwnedFileDescriptor`.
///
/// The layer that carries the value sends the descriptor beside its bytes; what the receiver decodes owns a descriptor
/// of its own for the same open file. Encoding and decoding it by any other way is an error. Safe to use from any thread.
public final class PassedDescriptor: Codable, Sendable {
    private let state: Lock<State>

    private struct State: ~Copyable {
        var owned: OwnedFileDescriptor?
        var isTaken = false
        /// Values under way that have its number: it must not become another file's.
        var uses = 0
    }

    /// Takes over a descriptor. It is closed with the last reference to this object, unless `take()` gives it up.
    public init(_ descriptor: consuming OwnedFileDescriptor) {
        state = Lock(State(owned: descriptor))
    }

    /// Duplicates a descriptor that somebody else goes on owning. The corresponding C function is `fcntl` with
    /// `F_DUPFD_CLOEXEC`.
    public convenience init(duplicating descriptor: FileDescriptor) throws(Errno) {
        self.init(try descriptor.duplicate())
    }

    /// The borrowed descriptor, valid for as long as this object lives and nobody has taken it; `nil` afterwards.
    public var descriptor: FileDescriptor? {
        state.withLock { $0.isTaken ? nil : $0.owned?.descriptor }
    }

    /// Gives the descriptor up: the caller owns it. `nil` when it was given up before.
    ///
    /// While a value that holds it is on its way, the caller gets a duplicate, or `nil` where there is no room for one.
    public func take() -> OwnedFileDescriptor? {
        state.withLock { state in
            guard !state.isTaken else { return nil }
            if state.uses == 0 {
                state.isTaken = true
                return state.owned.take()
            }
            guard let duplicate = try? state.owned?.duplicate() else { return nil }
            state.isTaken = true
            return duplicate
        }
    }

    /// Keeps the number from becoming another file's until `endUse`; `nil` when it was given up already.
    fileprivate func beginUse() -> FileDescriptor? {
        state.withLock { state in
            guard !state.isTaken, let number = state.owned?.descriptor else { return nil }
            state.uses += 1
            return number
        }
    }

    fileprivate func endUse() {
        state.withLock { state in
            state.uses -= 1
            if state.uses == 0, state.isTaken { state.owned = nil }
        }
    }

    /// Takes the descriptor that came beside the value, from the layer that received both and decodes.
    public convenience init(from decoder: any Decoder) throws {
        let index = try decoder.singleValueContainer().decode(Int.self)
        guard let incoming = IncomingDescriptors.current else {
            throw DecodingError.dataCorrupted(
                .init(
                    codingPath: decoder.codingPath,
                    debugDescription: "a PassedDescriptor can only be decoded from a message that carried descriptors"))
        }
        guard let descriptor = incoming.take(at: index) else {
            throw DecodingError.dataCorrupted(
                .init(
                    codingPath: decoder.codingPath,
                    debugDescription: "descriptor \(index) did not come with the message, or is in it twice"))
        }
        self.init(descriptor)
    }

    /// Leaves the descriptor to the layer that sends the value, and a number in its place.
    public func encode(to encoder: any Encoder) throws {
        guard let outgoing = OutgoingDescriptors.current else {
            throw EncodingError.invalidValue(
                self,
                .init(
                    codingPath: encoder.codingPath,
                    debugDescription:
                        "a PassedDescriptor travels only inside a message, a task, its result or a child's program"))
        }
        guard let descriptor = beginUse() else {
            throw EncodingError.invalidValue(
                self,
                .init(codingPath: encoder.codingPath, debugDescription: "the descriptor has been taken out already"))
        }
        var container = encoder.singleValueContainer()
        try container.encode(outgoing.append(self, descriptor))
    }
}

/// What values reach through the thread that codes them: any coder will do, and nothing is to be looked up.
private enum Coding: CInt {
    case outgoing, incoming

    func whileCurrent<Result>(_ descriptors: AnyObject, _ body: () throws -> Result) rethrows -> Result {
        let outer = csys_coded_descriptors(rawValue)
        csys_set_coded_descriptors(rawValue, Unmanaged.passUnretained(descriptors).toOpaque())
        defer { csys_set_coded_descriptors(rawValue, outer) }
        return try withExtendedLifetime(descriptors) { try body() }
    }
}

/// The descriptors met while a value is encoded, to be sent beside it. They stay open as long as this object lives.
package final class OutgoingDescriptors: Sendable {
    private let passed = Lock<(objects: [PassedDescriptor], descriptors: [FileDescriptor])>(([], []))

    package init() {}

    deinit {
        removeAll()
    }

    /// Runs what encodes values on this thread; their descriptors are collected here.
    package func whileEncoding<Result>(_ body: () throws -> Result) rethrows -> Result {
        try Coding.outgoing.whileCurrent(self, body)
    }

    fileprivate static var current: OutgoingDescriptors? {
        guard let current = csys_coded_descriptors(Coding.outgoing.rawValue) else { return nil }
        return Unmanaged.fromOpaque(current).takeUnretainedValue()
    }

    fileprivate func append(_ object: PassedDescriptor, _ descriptor: FileDescriptor) -> Int {
        passed.withLock { passed in
            passed.objects.append(object)
            passed.descriptors.append(descriptor)
            return passed.descriptors.count - 1
        }
    }

    package var descriptors: [FileDescriptor] { passed.withLock { $0.descriptors } }

    /// Makes ready for the next value.
    package func removeAll() {
        let objects = passed.withLock { passed in
            defer { if !passed.objects.isEmpty { passed = ([], []) } }
            return passed.objects
        }
        for object in objects { object.endUse() }
    }
}

/// The descriptors that came with a value, from which decoding takes; the rest are closed with it.
package final class IncomingDescriptors: Sendable {
    private let batch: Lock<DescriptorBatch>

    package init(_ batch: consuming DescriptorBatch = DescriptorBatch()) {
        self.batch = Lock(batch)
    }

    /// Takes the descriptors of another message over; those that are left of the last one are closed.
    package func replace(with batch: consuming DescriptorBatch) {
        var next = batch
        self.batch.withLock { swap(&$0, &next) }
    }

    /// Runs what decodes values on this thread; they take their descriptors from here.
    package func whileDecoding<Result>(_ body: () throws -> Result) rethrows -> Result {
        try Coding.incoming.whileCurrent(self, body)
    }

    fileprivate static var current: IncomingDescriptors? {
        guard let current = csys_coded_descriptors(Coding.incoming.rawValue) else { return nil }
        return Unmanaged.fromOpaque(current).takeUnretainedValue()
    }

    fileprivate func take(at index: Int) -> OwnedFileDescriptor? {
        batch.withLock { $0.take(at: index) }
    }
}
