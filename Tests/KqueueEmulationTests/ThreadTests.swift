import KqueueEmulation
import ReactorConformance
import Syscalls
import TestSupport
import Testing

@Suite("A queue used by several threads")
struct ThreadTests {
    private let bench = Workbench()
    private let kqueue: TestedKqueue

    init() throws { kqueue = try TestedKqueue() }

    /// Work of another thread, in a form that arrays can hold.
    private final class Worker {
        private let background: Background<Int>

        init(_ body: @escaping @Sendable () throws -> Int) throws { background = try Background(body) }

        func get() throws -> Int { try background.get() }
    }

    @Test(
        "what is told once is told to one of those who wait",
        arguments: [.clear, .oneShot, .dispatch] as [KernelEvent.Flags])
    func once(flags: KernelEvent.Flags) throws {
        let (once, end): (UInt, UInt) = (1, 2)
        let rounds = 100
        let told = try bench.pipe()
        let reply = told.far.descriptor
        try kqueue.change(KernelEvent(end, .user, .add))
        let waiters = try (0..<4).map { _ in
            try Worker { [kqueue] in
                var count = 0
                while true {
                    for event in try kqueue.next(upTo: 1) {
                        if event.ident == end { return count }
                        count += 1
                        try reply.writeAll("x")
                    }
                }
            }
        }
        for _ in 1...rounds {
            try kqueue.change(KernelEvent(once, .user, [.add, flags, .clear], fflags: .trigger))
            #expect(try told.near.read() == "x")
        }
        try kqueue.change(KernelEvent(end, .user, fflags: .trigger))
        #expect(try waiters.map { try $0.get() }.reduce(0, +) == rounds)
    }

    @Test("threads change what they like while others wait and change too")
    func changes() throws {
        let pipes = try (0..<4).map { _ in try bench.pipe() }
        let ends = pipes.map { ($0.near.descriptor, $0.far.descriptor) }
        let workers = try ends.enumerated().map { number, ends in
            try Worker { [kqueue] in
                let (near, far) = ends
                let own = UInt(100 + number)
                for round in 0..<200 {
                    let flags: KernelEvent.Flags = [[], .clear, .dispatch, .oneShot][round % 4]
                    try kqueue.change(
                        KernelEvent(near, .read, flags.union(.add)), KernelEvent(far, .write, flags.union(.add)),
                        KernelEvent(own, .user, [.add, .clear], fflags: .trigger),
                        KernelEvent(own, .timer, .add, fflags: .nanoseconds, data: 1000))
                    try far.writeAll("x")
                    for event in try kqueue.next(upTo: 3) { #expect(event.error == nil) }
                    _ = try near.read(upTo: 1)
                    let answers = try kqueue.answer(
                        to: [
                            KernelEvent(near, .read, [.delete, .receipt]),
                            KernelEvent(far, .write, [.delete, .receipt]),
                            KernelEvent(own, .user, [.delete, .receipt]),
                            KernelEvent(own, .timer, [.delete, .receipt]),
                        ])
                    // One-shot events may have been fetched by another thread.
                    #expect(answers.allSatisfy { $0.error == nil || $0.error == .noSuchFileOrDirectory })
                    #expect(answers.suffix(2).allSatisfy { $0.error == nil })
                }
                return 0
            }
        }
        for worker in workers { _ = try worker.get() }
        #expect(try kqueue.look() == [])
    }
}
