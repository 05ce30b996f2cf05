import Syscalls
import TestSupport
import Testing

@testable import ResourceTracker

@Suite("The tracker's journal")
struct JournalTests {
    /// What outlives trackers.
    private final class Files {
        let one: SharedMemory
        let other: SharedMemory

        init() throws {
            one = try SharedMemory(growable: "one", size: TrackerJournal.initialSize)
            other = try SharedMemory(growable: "other", size: TrackerJournal.initialSize)
        }

        func open() throws -> TrackerJournal {
            try TrackerJournal(
                SharedMemory(owning: try one.descriptor.duplicate()),
                SharedMemory(owning: try other.descriptor.duplicate()))
        }
    }

    @Test("what was kept is there after a tracker was killed while it made the other file anew", arguments: [0, 63])
    func cutOff(size: Int64) throws {
        let files = try Files()
        let text = Array("kept".utf8)
        // It is in the second file then.
        try files.open().compact([(owner: 3, bytes: text)], room: 0)
        for _ in 0..<2 {
            try files.one.descriptor.truncate(to: size)
            let journal = try files.open()
            let chunks = try journal.recover()
            #expect(chunks.map(\.owner) == [3])
            #expect(chunks.map(\.bytes) == [text])
            #expect(try files.one.size() == TrackerJournal.initialSize)
        }
        // And goes on to the first.
        try files.open().compact([(owner: 4, bytes: text)], room: 0)
        let chunks = try files.open().recover()
        #expect(chunks.map(\.owner) == [4])
    }
}
