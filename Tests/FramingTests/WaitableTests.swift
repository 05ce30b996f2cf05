import Framing
import Synchronization
import Syscalls
import TestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

@Suite("Things of one's own to wait for")
struct WaitableTests {
    /// Waits for a descriptor, its own duplicate of it, or cannot begin.
    private final class Counted: Waitable {
        enum Kind { case borrowed, duplicate, refused }

        let descriptor: FileDescriptor
        let kind: Kind
        let hasBufferedInput: Bool
        let begun = Atomic(0)
        let ended = Atomic(0)

        init(_ descriptor: FileDescriptor, _ kind: Kind, hasBufferedInput: Bool = false) {
            self.descriptor = descriptor
            self.kind = kind
            self.hasBufferedInput = hasBufferedInput
        }

        func beginWaiting() throws(FramingError) -> WaitedDescriptor {
            if kind == .refused { throw .notReadable }
            let waited: WaitedDescriptor
            do throws(Errno) {
                waited =
                    try kind == .borrowed
                    ? WaitedDescriptor(descriptor) : WaitedDescriptor(owning: descriptor.duplicate())
            } catch {
                throw .system(error)
            }
            begun.wrappingAdd(1, ordering: .relaxed)
            return waited
        }

        func endWaiting() { ended.wrappingAdd(1, ordering: .relaxed) }

        var counts: [Int] { [begun.load(ordering: .relaxed), ended.load(ordering: .relaxed)] }
    }

    @Test("each wait is begun and ended once, whether it succeeds, times out or cannot begin")
    func balance() throws {
        let pipe = try Pipe()
        let end = pipe.readEnd.descriptor
        let counted = [Counted(end, .borrowed), Counted(end, .duplicate)]
        #expect(try wait(for: counted, until: .now) == [])
        #expect(counted.map(\.counts) == [[1, 1], [1, 1]])
        try pipe.writeEnd.descriptor.writeAll("x")
        #expect(try wait(for: counted, until: .generous) == [0, 1])
        #expect(counted.map(\.counts) == [[2, 2], [2, 2]])
        let refused = Counted(end, .refused)
        #expect(throws: FramingError.notReadable) { try wait(for: [counted[0], refused, counted[1]]) }
        #expect(refused.counts == [0, 0])
        #expect(counted.map(\.counts) == [[3, 3], [2, 2]])
        #expect(throws: FramingError.invalidDescriptor(position: 1, number: -7)) {
            try wait(for: [counted[0], FileDescriptor(rawValue: -7), counted[1]])
        }
        #expect(counted.map(\.counts) == [[4, 4], [3, 3]])
    }

    @Test("what it has read ahead counts for any of them")
    func buffered() throws {
        let pipe = try Pipe()
        let end = pipe.readEnd.descriptor
        let things = [Counted(end, .borrowed), Counted(end, .borrowed, hasBufferedInput: true)]
        #expect(try wait(for: things) == [1])
    }

    @Test("a descriptor that belongs to the wait is closed when the wait has ended")
    func owned() throws {
        let pipe = try Pipe()
        let counted = Counted(pipe.readEnd.descriptor, .duplicate)
        #expect(try wait(for: [counted, counted], until: .now) == [])
        #expect(throws: FramingError.notReadable) {
            try wait(for: [counted, Counted(pipe.readEnd.descriptor, .refused)])
        }
        let writeEnd = pipe.writeEnd
        pipe.readEnd.discard()
        // Nobody is left to read, once other tests' children have come to their exec.
        #expect(try writeEnd.descriptor.wait(for: [], until: .generous).contains(.error))
    }

    @Test("a connection is not kept in use by a wait that could not begin, or found another not open")
    func released() throws {
        let (connection, peer) = try Connection.pipe()
        let (closed, _) = try Connection.pipe()
        closed.close()
        #expect(throws: FramingError.closed) { try wait(for: [connection, closed]) }
        #expect(throws: FramingError.invalidDescriptor(position: 1, number: -1)) {
            try wait(for: [connection, FileDescriptor(rawValue: -1)])
        }
        // In use, it could not be given up.
        let descriptor = try connection.takeDescriptor()
        try peer.send([1])
        #expect(try Connection(descriptor).receive(until: .generous) == [1])
    }

    @Test("of several that are not open the first is named, by its place and number")
    func named() throws {
        let (connection, peer) = try Connection.pipe()
        let unused = [2_000_000_000, 2_000_000_001].map { FileDescriptor(rawValue: $0) }
        try peer.send([1])
        #expect(throws: FramingError.invalidDescriptor(position: 2, number: 2_000_000_000)) {
            try wait(for: [connection, connection, unused[0], unused[1]])
        }
        let error = FramingError.invalidDescriptor(position: 2, number: 2_000_000_000)
        #expect("\(error)" == "descriptor 2000000000, at place 2 of what is waited for, is not open")
    }

    @Test("thousands of things are waited for on a thread with a small stack")
    func smallStack() throws {
        #expect(try runHelper("FramingHelper", ["wait-on-small-stack"]) == .success)
    }

    @Test("no wait leaves a descriptor open")
    func descriptors() throws {
        #expect(try runHelper("FramingHelper", ["wait-keeps-descriptors"]) == .success)
    }
}
