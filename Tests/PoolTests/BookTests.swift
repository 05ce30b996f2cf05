import Synchronization
import Syscalls
import TestSupport
import Testing

@testable import Pool

/// The parts of a pool that need no processes.
@Suite("Books, page and records") struct BookTests {
    private func job(_ id: UInt64, priority: Int = 0) -> Job {
        var options = TaskOptions()
        options.priority = priority
        return Job(id: id, EncodedValue(bytes: []), type: Int.self, options: options)
    }

    @Test("of a task that worker and pool want at once exactly one has it")
    func claims() throws {
        let (theirs, ours) = try WorkerPage.pair()
        let current = Counter()
        let worker = try Background {
            var claimed = 0
            while current.value <= 20_000 {
                let task = UInt64(current.value)
                if theirs.claim(task, in: Int(task % 32)) { claimed += 1 }
            }
            return claimed
        }
        var revoked = 0
        for task in UInt64(1)...20_000 {
            let slot = Int(task % 32)
            ours.offer(task, in: slot)
            current.value = Int(task)
            // Both at once, or one long before the other.
            for _ in 0..<(task % 7) * 20 { _ = ours.claimTime }
            if ours.revoke(task, in: slot) {
                revoked += 1
                #expect(!ours.hasClaimed(task, in: slot))
            } else {
                #expect(ours.hasClaimed(task, in: slot))
            }
        }
        current.value = .max
        #expect(try worker.get() + revoked == 20_000)
    }

    @Test("of a task that a worker has just begun nobody thinks that it is as far as the one before")
    func elements() throws {
        let (theirs, ours) = try WorkerPage.pair()
        let current = Counter()
        let worker = try Background {
            for task in UInt64(1)...20_000 {
                while current.value != Int(task) {}
                _ = theirs.claim(task, in: 0)
            }
        }
        for task in UInt64(1)...20_000 {
            ours.beginElement(9, at: nil)
            ours.offer(task, in: 0)
            current.value = Int(task)
            while !ours.hasClaimed(task, in: 0) {}
            let element = ours.element
            #expect(element == 0)
        }
        try worker.get()
    }

    @Test("a task goes to who is idle, else it waits, and a worker that is known to be quick gets several")
    func delivery() throws {
        var books = PoolBooks()
        books.seat(0, try WorkerPage.pair().pool, quota: .max)
        books.seat(1, try WorkerPage.pair().pool, quota: .max)
        #expect(books.deliverToIdle(job(1))?.worker == 1)
        #expect(books.deliverToIdle(job(2))?.worker == 0)
        #expect(books.deliverToIdle(job(3)) == nil)
        for id in 3...70 { books.enqueue(job(UInt64(id))) }
        #expect(books.finish(99, by: 0, after: 0) == nil)
        #expect(books.finish(2, by: 1, after: 0) == nil, "another's")
        #expect(books.finish(2, by: 0, after: 10_000)?.id == 2)
        guard case .send(let sent) = books.next(for: 0) else {
            Issue.record("nothing is sent")
            return
        }
        #expect(sent.map(\.job.id) == (3...66).map { UInt64($0) })
        // One that took long gets one at a time.
        #expect(books.finish(1, by: 1, after: 10_000_000)?.id == 1)
        guard case .send(let slow) = books.next(for: 1) else {
            Issue.record("nothing is sent")
            return
        }
        #expect(slow.map(\.job.id) == [67])
        #expect(books.queue.count == 3)
        #expect(books.runningCount == 2)
        #expect(books.waitingCount == 66)
    }

    @Test("a worker without work takes half of what waits at another, but nothing that was begun")
    func stealing() throws {
        var books = PoolBooks()
        let page = try WorkerPage.pair().pool
        books.seat(0, page, quota: .max)
        _ = books.deliverToIdle(job(1))
        for id in 2...9 { books.enqueue(job(UInt64(id))) }
        _ = books.finish(1, by: 0, after: 1000)
        guard case .send(let sent) = books.next(for: 0) else {
            Issue.record("nothing is sent")
            return
        }
        #expect(sent.count == 8)
        // It has begun the first, and, oddly, the last.
        #expect(page.claim(2, in: sent[0].slot) && page.claim(9, in: sent[7].slot))
        books.seat(1, try WorkerPage.pair().pool, quota: .max)
        // Nobody knows how quick it is: one.
        guard case .idle = books.next(for: 1) else {
            Issue.record("what was begun was taken")
            return
        }
        books.enqueue(job(10))
        guard case .send(let first) = books.next(for: 1) else { return }
        #expect(first.map(\.job.id) == [10])
        _ = books.finish(10, by: 1, after: 1000)
        guard case .send(let stolen) = books.next(for: 1) else {
            Issue.record("nothing is taken")
            return
        }
        #expect(stolen.map(\.job.id) == [6, 7, 8])
        #expect(stolen.allSatisfy { $0.job.place == .worker(1) })
        #expect(!page.claim(8, in: sent[6].slot), "it is another's now")
        #expect(page.claim(3, in: sent[1].slot))
        #expect(books.unseat(0).map(\.job.id) == [2, 3, 4, 5, 9])
        #expect(books.unseat(0).count == 0)
    }

    @Test("a worker that does not begin its tasks loses them to another, and is idle then")
    func stuckWorker() throws {
        var books = PoolBooks()
        books.seat(0, try WorkerPage.pair().pool, quota: .max)
        _ = books.deliverToIdle(job(1))
        Deadline.after(.milliseconds(6)).sleep()
        books.seat(1, try WorkerPage.pair().pool, quota: .max)
        guard case .send(let stolen) = books.next(for: 1) else {
            Issue.record("nothing is taken")
            return
        }
        #expect(stolen.map(\.job.id) == [1])
        #expect(books.idle == [0])
        #expect(books.deliverToIdle(job(2))?.worker == 0)
    }

    @Test("a task that a thread waits for itself stays where it is")
    func leasedTask() throws {
        var books = PoolBooks()
        books.seat(0, try WorkerPage.pair().pool, quota: .max)
        _ = books.deliverToIdle(job(1), isLeased: true)
        Deadline.after(.milliseconds(6)).sleep()
        books.seat(1, try WorkerPage.pair().pool, quota: .max)
        guard case .idle = books.next(for: 1) else {
            Issue.record("it was taken")
            return
        }
        #expect(books.retire(0) == false)
        #expect(books.unseat(0).map(\.job.id) == [1])
    }

    @Test("one that retires keeps what it has begun, and the rest waits again, in order")
    func retiring() throws {
        var books = PoolBooks()
        let page = try WorkerPage.pair().pool
        books.seat(0, page, quota: 5)
        _ = books.deliverToIdle(job(1))
        for id in 2...8 { books.enqueue(job(UInt64(id))) }
        _ = books.finish(1, by: 0, after: 1000)
        guard case .send(let sent) = books.next(for: 0) else { return }
        #expect(sent.count == 4, "its quota")
        #expect(page.claim(2, in: sent[0].slot))
        #expect(books.retire(0) == false)
        let waiting = (0..<6).compactMap { _ in books.queue.popFirst()?.id }
        #expect(waiting == [3, 4, 5, 6, 7, 8])
        _ = books.finish(2, by: 0, after: 1000)
        guard case .retired = books.next(for: 0) else {
            Issue.record("it goes on")
            return
        }
    }

    @Test("waiting tasks come by priority, then in order, and can be put back and taken out")
    func queue() {
        var queue = TaskQueue()
        for (id, priority) in [(1, 0), (2, 5), (3, -1), (4, 5), (5, 0)] {
            queue.append(job(UInt64(id), priority: priority))
        }
        let first = queue.popFirst()!
        #expect(first.id == 2)
        queue.prepend(first)
        let gone = job(6, priority: 5)
        queue.append(gone)
        queue.remove(gone)
        queue.remove(gone)
        #expect(queue.count == 5)
        let order = (0..<6).map { _ in queue.popFirst()?.id }
        #expect(order == [2, 4, 1, 5, 3, nil])
        for id in 0..<10_000 { queue.append(job(UInt64(id))) }
        let isInOrder = (0..<9_000).allSatisfy { queue.popFirst()?.id == UInt64($0) }
        #expect(isInOrder)
        #expect(queue.removeAll().map(\.id) == (9_000..<10_000).map { UInt64($0) })
        #expect(queue.count == 0)
    }

    @Test("records come out as they went in, and nonsense is no record")
    func records() throws {
        var message: [UInt8] = []
        message.appendRecord(.returned, [1, .max])
        var header = RecordHeader(.output, task: 7)
        header.nanoseconds = 12
        header.slot = 31
        header.flags = .isOverMemoryLimit
        let value = EncodedValue(bytes: RecordHeader.room + [1, 2, 3, 4], nameLength: 1)
        #expect(value.append(header, to: &message, SegmentLink()).isEmpty)
        let records = Array(try #require(Records(in: message)))
        #expect(records.map(\.header.kind) == [.returned, .output])
        #expect(records[0].numbers == [1, .max])
        #expect(Array(records[1].typeName) == [1] && Array(records[1].payload) == [2, 3, 4])
        #expect((records[1].header.task, records[1].header.nanoseconds, records[1].header.slot) == (7, 12, 31))
        #expect(Records(in: Array(message.dropLast())) == nil)
        var generator = SeededGenerator(seed: 3)
        for _ in 0..<20_000 {
            var broken = message
            for _ in 0..<3 {
                broken[Int.random(in: 0..<broken.count, using: &generator)] = .random(in: 0...255, using: &generator)
            }
            guard let records = Records(in: broken) else { continue }
            for record in records { _ = (record.payload, record.typeName, record.numbers, record.segments) }
        }
    }

    @Test("workers that do not come up are tried ever more slowly, then not for a while, then again")
    func restarts() {
        var policy = RestartPolicy(Pool.RestartLimit(3, within: .seconds(10)))
        let start = Deadline.now
        #expect(policy.noteFailure(at: start) == false)
        #expect(policy.pause == .zero)
        #expect(policy.noteFailure(at: start + .seconds(11)) == false)
        #expect(policy.noteFailure(at: start + .seconds(12)) == false, "the first is too long ago")
        #expect(policy.pause == .milliseconds(8))
        policy.noteIdleDeath()
        #expect(policy.hasGivenUp(at: start + .seconds(13)) == false)
        #expect(policy.noteFailure(at: start + .seconds(14)) == true)
        #expect(policy.hasGivenUp(at: start + .seconds(20)) == true)
        #expect(policy.hasGivenUp(at: start + .seconds(25)) == false)
        #expect(policy.pause == .zero)
        for _ in 0..<50 { policy.noteIdleDeath() }
        #expect(policy.pause == .seconds(1))
        policy.noteSuccess()
        #expect(policy.pause == .zero)
    }

    @Test("percentiles are right to within an eighth")
    func percentiles() {
        var histogram = LatencyHistogram()
        #expect(histogram.percentile(0.5) == .zero)
        for microseconds in 1...1000 { histogram.add(nanoseconds: UInt64(microseconds) * 1000) }
        for (share, expected) in [(0.5, 500.0), (0.9, 900), (0.99, 990), (0.001, 1)] {
            let found = Double(histogram.percentile(share).components.attoseconds) / 1e12
            #expect(found >= expected * 0.99 && found <= expected * 1.14)
        }
        histogram.add(nanoseconds: 0)
        histogram.add(nanoseconds: .max)
    }

    @Test("chunks grow with the speed of tasks, and leave some for every worker")
    func chunkSizes() {
        var sizing = ChunkSizing(.automatic)
        #expect(sizing.next(left: 0, workers: 2) == 1)
        sizing.note(1, .microseconds(1))
        #expect(sizing.next(left: 0, workers: 2) == 8)
        sizing.note(8, .microseconds(8))
        #expect(sizing.next(left: 0, workers: 2) == 64)
        #expect(sizing.next(left: 100, workers: 2) == 25)
        // Not so few that a message costs more than they do.
        #expect(sizing.next(left: 8, workers: 2) == 4)
        sizing.note(64, .milliseconds(640))
        #expect(sizing.next(left: 0, workers: 2) == 1)
        #expect(ChunkSizing(.fixed(9)).next(left: 1, workers: 8) == 9)
    }
}

/// A number that two threads share.
private final class Counter: Sendable {
    private let number = Atomic(0)

    var value: Int {
        get { number.load(ordering: .acquiring) }
        set { number.store(newValue, ordering: .releasing) }
    }
}
