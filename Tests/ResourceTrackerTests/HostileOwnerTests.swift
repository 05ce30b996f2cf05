import ProcessTestSupport
import Syscalls
import TestSupport
import Testing

@testable import ResourceTracker

/// A process that came to a tracker as ours do, and says there what it likes.
private struct HostileOwner: ~Copyable {
    private let pipe: OwnedFileDescriptor

    init(of tracker: ResourceTracker) throws {
        let door = try tracker.commandDescriptor()
        let channel = try Pipe()
        try door.descriptor.send(
            PeerLine.attachment(of: ProcessID.current.rawValue), passing: [channel.readEnd.descriptor])
        pipe = channel.writeEnd
    }

    func say(_ bytes: [UInt8]) throws { try pipe.descriptor.writeAll(bytes) }

    /// Writes for as long as somebody reads, so many bytes at most.
    func flood(_ bytes: [UInt8], times: Int) throws { for _ in 0..<times { try say(bytes) } }

    consuming func leave() {}
}

/// A command as our processes send it.
private func record(
    _ operation: TrackerRecord.Operation, _ kind: ResourceKind, _ name: String, time: UInt64 = TrackerRecord.now
) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: TrackerRecord.size(kind, nameCount: name.utf8.count))
    var name = name
    name.withUTF8 { name in
        bytes.withUnsafeMutableBytes {
            TrackerRecord.encode(operation, kind, UnsafeRawBufferPointer(name), time: time, into: $0)
        }
    }
    return bytes
}

/// A record whose parts say what they like.
private func record(length: UInt32, operation: UInt8, kind: UInt8, typeName: UInt16, rest: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0x41, count: TrackerRecord.headerSize + rest)
    bytes.withUnsafeMutableBytes {
        $0.storeBytes(of: length, toByteOffset: 0, as: UInt32.self)
        $0.storeBytes(of: operation, toByteOffset: 4, as: UInt8.self)
        $0.storeBytes(of: kind, toByteOffset: 5, as: UInt8.self)
        $0.storeBytes(of: typeName, toByteOffset: 6, as: UInt16.self)
        $0.storeBytes(of: TrackerRecord.now, toByteOffset: 8, as: UInt64.self)
    }
    return bytes
}

@Suite("A process that is hostile to its tracker", .timeLimit(.minutes(10))) struct HostileOwnerTests {
    /// Others are served before and after, and what the hostile one had registered goes with it.
    private func withHostileOwner(
        endsWith status: Syscalls.ExitStatus, _ body: (borrowing HostileOwner) throws -> Void
    ) throws {
        let directory = try TemporaryDirectory()
        let theirs = try directory.makeFile("theirs")
        try withTracker(endsWith: status) { tracker, names in
            _ = try tracker.createSharedMemory(names.segment, size: 1)
            let owner = try HostileOwner(of: tracker)
            try owner.say(record(.register, .file, theirs))
            try body(owner)
            // Behind what it has said, by time.
            _ = try tracker.createSemaphore(names.semaphore, value: 0)
            try tracker.dropReference(names.semaphore, .semaphore)
            #expect(becomesTrue { !names.hasSemaphore })
            #expect(names.hasSegment && exists(theirs))
            owner.leave()
            #expect(becomesTrue { !exists(theirs) })
            #expect(names.hasSegment)
            try tracker.unlink(names.segment, .sharedMemory)
        }
    }

    @Test(
        "garbage is told and read no further: its sender's resources stay until it has ended, and others' are not touched",
        arguments: [
            [0, 0, 0, 0], [0xff, 0xff, 0xff, 0xff], Array("REGISTER:/x:shared_memory\n".utf8),
            record(length: 19, operation: 1, kind: 1, typeName: 0, rest: 0),
            record(length: UInt32(TrackerRecord.longest + 1), operation: 1, kind: 1, typeName: 0, rest: 100),
        ] as [[UInt8]])
    func garbage(bytes: [UInt8]) throws {
        try withHostileOwner(endsWith: .exited(3)) { owner in try owner.say(bytes) }
    }

    @Test(
        "a whole command that makes no sense is told and passed over",
        arguments: [
            record(length: 30, operation: 0, kind: 1, typeName: 0, rest: 10),
            record(length: 30, operation: 77, kind: 1, typeName: 0, rest: 10),
            record(length: 30, operation: 1, kind: 99, typeName: 0, rest: 10),
            record(length: 30, operation: 1, kind: 1, typeName: 11, rest: 10),
            record(length: 30, operation: 1, kind: 1, typeName: 0xffff, rest: 10),
            record(.ownerEnded, .file, ""),
        ])
    func senseless(bytes: [UInt8]) throws {
        try withHostileOwner(endsWith: .exited(3)) { owner in
            try owner.say(bytes)
            // What comes behind it counts.
            let directory = try TemporaryDirectory()
            let file = try directory.makeFile("file")
            try owner.say(record(.register, .file, file) + record(.dropReference, .file, file))
            #expect(becomesTrue { !exists(file) })
        }
    }

    @Test("garbage without end holds up nobody, and fills nothing")
    func endless() throws {
        try withHostileOwner(endsWith: .exited(3)) { owner in
            try owner.flood([UInt8](repeating: 0x58, count: 65536), times: 300)
        }
    }

    @Test("a command that is later than any time to come is carried out now")
    func future() throws {
        try withHostileOwner(endsWith: .exited(1)) { owner in
            let directory = try TemporaryDirectory()
            let file = try directory.makeFile("file")
            try owner.say(record(.register, .file, file, time: .max) + record(.dropReference, .file, file, time: .max))
            #expect(becomesTrue { !exists(file) })
        }
    }

    @Test("an end in the middle of a command is an end, whichever byte was the last")
    func torn() throws {
        let directory = try TemporaryDirectory()
        let whole = record(.register, .file, directory.file("never"))
        let kept = try directory.makeFile("kept")
        try withTracker(endsWith: .exited(3)) { tracker, _ in
            try tracker.register(kept, .file)
            for count in 1..<whole.count {
                let file = try directory.makeFile("file")
                let owner = try HostileOwner(of: tracker)
                try owner.say(record(.register, .file, file) + whole[..<count])
                owner.leave()
                #expect(becomesTrue { !exists(file) })
            }
            #expect(exists(kept))
            try tracker.unregister(kept, .file)
        }
    }

    @Test("a command that comes a byte at a time is carried out when it is whole")
    func byteByByte() throws {
        let directory = try TemporaryDirectory()
        let file = try directory.makeFile("file")
        try withTracker { tracker, _ in
            let owner = try HostileOwner(of: tracker)
            for byte in record(.register, .file, file) + record(.dropReference, .file, file) { try owner.say([byte]) }
            #expect(becomesTrue { !exists(file) })
            owner.leave()
        }
    }

    @Test("who comes with something else than a pipe to read from is turned away, and the door stays open")
    func noPipe() throws {
        try withTracker(endsWith: .exited(3)) { tracker, names in
            let door = try tracker.commandDescriptor()
            let line = PeerLine.attachment(of: ProcessID.current.rawValue)
            let pipe = try Pipe()
            let pair = try SocketPair()
            let null = try OwnedFileDescriptor.open("/dev/null", .readWrite)
            try door.descriptor.send(line, passing: [])
            for descriptor in [pipe.writeEnd.descriptor, pair.first.descriptor, null.descriptor] {
                try door.descriptor.send(line, passing: [descriptor])
            }
            try door.descriptor.send(line, passing: [pipe.readEnd.descriptor, pair.second.descriptor])
            door.discard()
            _ = try tracker.createSharedMemory(names.segment, size: 1)
            try tracker.dropReference(names.segment, .sharedMemory)
            #expect(becomesTrue { !names.hasSegment })
        }
    }
}
