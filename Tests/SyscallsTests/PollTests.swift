import Syscalls
import TestSupport
import Testing

@Suite("Polling")
struct PollTests {
    @Test("a descriptor becomes readable when something comes, and not before")
    func readable() throws {
        let pipe = try Pipe()
        #expect(try pipe.readEnd.descriptor.wait(for: .readable, until: .now) == [])
        let writer = try Background { [end = pipe.writeEnd.descriptor] in try end.writeAll("x") }
        #expect(try pipe.readEnd.descriptor.wait(for: .readable, until: .generous) == .readable)
        try writer.get()
        #expect(try pipe.readEnd.descriptor.wait(for: .readable) == .readable)
    }

    @Test("a descriptor is writable until it is full, and again when there is room")
    func writable() throws {
        let pipe = try Pipe()
        #expect(try pipe.writeEnd.descriptor.wait(for: .writable, until: .now) == .writable)
        try pipe.writeEnd.descriptor.setBlocking(false)
        let full = try pattern(1 << 20).span.bytes.withUnsafeBytes { try pipe.writeEnd.descriptor.write($0) }
        #expect(try pipe.writeEnd.descriptor.wait(for: .writable, until: .now) == [])
        _ = try pipe.readEnd.descriptor.readExactly(full)
        #expect(try pipe.writeEnd.descriptor.wait(for: .writable, until: .generous) == .writable)
    }

    @Test("the other side's end is a hang-up for a reader and an error for a writer")
    func hangUp() throws {
        let pipe = try Pipe()
        let reader = pipe.readEnd
        try pipe.writeEnd.close()
        #expect(try reader.descriptor.wait(for: .readable, until: .generous) == .hangUp)
        let second = try Pipe()
        let writer = second.writeEnd
        try second.readEnd.close()
        // Not at once: another test's child may hold a copy of the end until its exec.
        #expect(try writer.descriptor.wait(for: [], until: .generous) == .error)
    }

    @Test("a deadline that has passed is a look, and one in the future is kept")
    func deadlines() throws {
        let pipe = try Pipe()
        for deadline in [Deadline.now, .after(.seconds(-5)), .after(.seconds(Int64.min)), .after(.milliseconds(20))] {
            #expect(try pipe.readEnd.descriptor.wait(for: .readable, until: deadline) == [])
            #expect(deadline.hasPassed)
        }
        var entries = [PollEntry(pipe.readEnd.descriptor, .readable)]
        #expect(try poll(&entries, until: .after(.milliseconds(20))) == 0)
        #expect(entries[0].readiness == [])
        var none: [PollEntry] = []
        #expect(try poll(&none, until: .after(.milliseconds(1))) == 0)
    }

    @Test("of several descriptors those that are ready are told, each with what it is ready for")
    func several() throws {
        let first = try Pipe()
        let second = try Pipe()
        try second.writeEnd.descriptor.writeAll("x")
        var entries = [
            PollEntry(first.readEnd.descriptor, .readable), PollEntry(second.readEnd.descriptor, .readable),
            PollEntry(first.writeEnd.descriptor, .writable),
        ]
        #expect(try poll(&entries, until: .generous) == 2)
        #expect(entries.map(\.readiness) == [[], .readable, .writable])
        #expect(entries.map(\.events) == [.readable, .readable, .writable])
        #expect(entries[1].descriptor == second.readEnd.descriptor)
    }

    @Test("a descriptor that is not open is an error to wait for, and invalid in a poll of several")
    func invalid() throws {
        // A number that no test gets: the limit is far below.
        let closed = FileDescriptor(rawValue: 1_000_000_000)
        #expect(throws: Errno.badFileDescriptor) { try closed.wait(for: .readable, until: .generous) }
        var entries = [PollEntry(closed, .readable)]
        #expect(try poll(&entries, until: .generous) == 1)
        #expect(entries[0].readiness == .invalid)
    }

    @Test("descriptor -1 is an error to wait for, though the kernel would pass it over")
    func negative() {
        #expect(throws: Errno.badFileDescriptor) {
            try FileDescriptor(rawValue: -1).wait(for: .readable, until: .after(.milliseconds(1)))
        }
    }
}
