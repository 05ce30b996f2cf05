import Syscalls

/// A pool's books: which tasks wait, and which of them each worker has. It knows nothing of processes and sockets.
struct PoolBooks {
    /// A worker's place in the pool, while there is a worker.
    struct Seat {
        let page: WorkerPage
        /// What it was sent and has not answered, in that order: the first is what it runs, or is about to.
        fileprivate(set) var deliveries: [Delivery] = []
        fileprivate var usedSlots: UInt32 = 0
        /// How many tasks it has answered.
        fileprivate(set) var done = 0
        /// How many more it may be sent.
        fileprivate(set) var quota: Int
        /// What its tasks take, in nanoseconds, on a sliding average; `nil` before the first.
        fileprivate var taskTime: Double?
        /// Since when the first of its deliveries is the first.
        fileprivate(set) var headSince = Deadline.now
        /// Whether its task is the affair of a thread that waits for it, and nobody else's.
        fileprivate(set) var isLeased = false
        /// Whether it gets no more tasks, and ends when it has none.
        fileprivate(set) var isRetiring = false
    }

    /// A task that a worker was sent.
    struct Delivery {
        let job: Job
        let slot: Int
    }

    /// By the workers' numbers; `nil` where there is no worker now.
    private(set) var seats: [Seat?] = []
    /// Workers without a task. The one that was used last is used next: its caches are warm.
    private(set) var idle: [Int] = []
    var queue = TaskQueue()

    /// How far ahead a worker is sent tasks, while others wait: not so far that what it was sent would be missed by another.
    private static let lookAhead = 1_000_000.0
    private static let mostInFlight = 16
    /// After so long a worker that has not even begun its first task is taken for one that is stuck.
    private static let stuckTime = Duration.milliseconds(5)

    // MARK: Workers

    /// Takes in a worker, which is idle.
    mutating func seat(_ worker: Int, _ page: WorkerPage, quota: Int) {
        if worker >= seats.count { seats += Array(repeating: nil, count: worker + 1 - seats.count) }
        precondition(seats[worker] == nil, "worker \(worker) is there already")
        seats[worker] = Seat(page: page, quota: quota)
        idle.append(worker)
    }

    /// Strikes out a worker that has ended. Returns what it had.
    mutating func unseat(_ worker: Int) -> [Delivery] {
        guard hasSeat(worker) else { return [] }
        removeIdle(worker)
        return seats[worker].take()!.deliveries
    }

    /// The worker gets no more tasks, and those that it has not begun wait for another. Returns whether it has none left.
    mutating func retire(_ worker: Int) -> Bool {
        guard hasSeat(worker) else { return false }
        seats[worker]!.isRetiring = true
        removeIdle(worker)
        for delivery in seats[worker]!.deliveries.reversed() where withdraw(delivery.job, from: worker) {
            putBack(delivery.job)
        }
        return seats[worker]!.deliveries.isEmpty
    }

    /// Has a task wait again, before those that came after it.
    mutating func putBack(_ job: Job) {
        job.place = .waiting
        queue.prepend(job)
    }

    /// Has a task wait.
    mutating func enqueue(_ job: Job) {
        job.place = .waiting
        queue.append(job)
    }

    private func hasSeat(_ worker: Int) -> Bool { worker < seats.count && seats[worker] != nil }

    /// Whether a worker has more tasks than the one that it runs.
    func hasSeveral(_ worker: Int) -> Bool { hasSeat(worker) && seats[worker]!.deliveries.count > 1 }

    /// A worker's seat; `nil` when there is no such worker.
    func seat(_ worker: Int) -> Seat? { worker < seats.count ? seats[worker] : nil }

    private mutating func removeIdle(_ worker: Int) {
        if let index = idle.lastIndex(of: worker) { idle.remove(at: index) }
    }

    var runningCount: Int { seats.reduce(0) { $0 + min(1, $1?.deliveries.count ?? 0) } }
    /// Tasks that no worker has begun: those that wait here, and those that wait at a worker.
    var waitingCount: Int { seats.reduce(queue.count) { $0 + max(0, ($1?.deliveries.count ?? 0) - 1) } }
    var hasNoTasks: Bool { queue.count == 0 && seats.allSatisfy { $0?.deliveries.isEmpty ?? true } }

    // MARK: Tasks

    /// Gives a task to an idle worker, if there is one.
    ///
    /// - Parameter isLeased: Whether the calling thread will wait for the worker itself, until `endLease`.
    mutating func deliverToIdle(_ job: Job, isLeased: Bool = false) -> (worker: Int, delivery: Delivery)? {
        guard let worker = idle.popLast() else { return nil }
        seats[worker]!.isLeased = isLeased
        return (worker, deliver(job, to: worker))
    }

    mutating func endLease(of worker: Int) {
        if hasSeat(worker) { seats[worker]!.isLeased = false }
    }

    private mutating func deliver(_ job: Job, to worker: Int) -> Delivery {
        let slot = (~seats[worker]!.usedSlots).trailingZeroBitCount
        seats[worker]!.usedSlots |= 1 << UInt32(slot)
        if seats[worker]!.deliveries.isEmpty { seats[worker]!.headSince = .now }
        seats[worker]!.page.offer(job.id, in: slot)
        let delivery = Delivery(job: job, slot: slot)
        seats[worker]!.deliveries.append(delivery)
        seats[worker]!.quota -= 1
        job.place = .worker(worker)
        job.deliveries += 1
        return delivery
    }

    /// A worker has answered a task. Returns `nil` when it never had that task.
    mutating func finish(
        _ id: UInt64, by worker: Int, after nanoseconds: Int64, at now: Deadline = .now
    ) -> Job? {
        guard hasSeat(worker), let index = seats[worker]!.deliveries.firstIndex(where: { $0.job.id == id }) else {
            return nil
        }
        let delivery = remove(at: index, from: worker, at: now)
        seats[worker]!.done += 1
        let time = Double(max(0, nanoseconds))
        seats[worker]!.taskTime = seats[worker]!.taskTime.map { $0 * 0.75 + time * 0.25 } ?? time
        return delivery.job
    }

    private mutating func remove(at index: Int, from worker: Int, at now: Deadline = .now) -> Delivery {
        let delivery = seats[worker]!.deliveries.remove(at: index)
        seats[worker]!.usedSlots &= ~(1 << UInt32(delivery.slot))
        delivery.job.place = .nowhere
        if index == 0 { seats[worker]!.headSince = now }
        return delivery
    }

    /// Takes a task back that its worker has not begun. Returns whether it is nobody's now.
    mutating func withdraw(_ job: Job, from worker: Int) -> Bool {
        guard let seat = seat(worker), !seat.isLeased,
            let index = seat.deliveries.firstIndex(where: { $0.job === job }),
            seat.page.revoke(job.id, in: seat.deliveries[index].slot)
        else { return false }
        _ = remove(at: index, from: worker)
        seats[worker]!.quota += 1
        return true
    }

    /// Strikes out a task of a worker that has ended, which another is to be given.
    mutating func forget(_ job: Job, of worker: Int) {
        guard hasSeat(worker), let index = seats[worker]!.deliveries.firstIndex(where: { $0.job === job }) else {
            return
        }
        _ = remove(at: index, from: worker)
    }

    /// A task that a worker has.
    func job(_ id: UInt64, of worker: Int) -> Job? {
        seat(worker)?.deliveries.first { $0.job.id == id }?.job
    }

    enum Next {
        /// To be sent to the worker, which may have others already.
        case send([Delivery])
        /// It has tasks, and needs no more for now.
        case busy
        /// It has nothing to do, and is idle now.
        case idle
        /// It has nothing to do, and is to end.
        case retired
    }

    /// What a worker is to do next, when it was just made or has just answered.
    ///
    /// - Parameter atMost: How many tasks it may be given of those that wait.
    mutating func next(for worker: Int, atMost: Int = .max) -> Next {
        guard hasSeat(worker) else { return .busy }
        // Of copies of a seat each would count references to what is in it.
        let isFree = seats[worker]!.deliveries.isEmpty
        if seats[worker]!.isRetiring || (seats[worker]!.quota <= 0 && isFree) {
            seats[worker]!.isRetiring = true
            removeIdle(worker)
            return isFree ? .retired : .busy
        }
        var deliveries: [Delivery] = []
        if queue.count > 0 {
            let room = min(depth(of: worker) - seats[worker]!.deliveries.count, seats[worker]!.quota, atMost)
            while deliveries.count < room, let job = queue.popFirst() { deliveries.append(deliver(job, to: worker)) }
        }
        if deliveries.isEmpty, isFree, seats.count > 1 { deliveries = steal(for: worker) }
        if !deliveries.isEmpty {
            removeIdle(worker)
            return .send(deliveries)
        }
        guard isFree else { return .busy }
        if !idle.contains(worker) { idle.append(worker) }
        return .idle
    }

    /// How many tasks a worker may have at once: so many as it does in the time that a message takes to come and go, and one of those
    /// that take longer.
    private func depth(of worker: Int) -> Int {
        guard let time = seats[worker]!.taskTime else { return 1 }
        return max(1, min(Self.mostInFlight, Int(Self.lookAhead / max(1, time))))
    }

    /// Takes tasks that wait at the worker that has most of them, half of its, and gives them to one that has none.
    private mutating func steal(for thief: Int) -> [Delivery] {
        let room = min(depth(of: thief), seats[thief]!.quota)
        guard room > 0 else { return [] }
        var victim: Int?
        var most = 0
        for (worker, seat) in seats.enumerated() {
            guard let seat, worker != thief, !seat.isLeased, !seat.deliveries.isEmpty else { continue }
            let head = seat.deliveries[0]
            // One that has not even begun is about to; unless it is a new one that is not up yet, or was stopped.
            let isStuck = !seat.page.hasClaimed(head.job.id, in: head.slot) && .now - seat.headSince > Self.stuckTime
            let waiting = seat.deliveries.count - (isStuck ? 0 : 1)
            if waiting > most { (victim, most) = (worker, waiting) }
        }
        guard let victim else { return [] }
        var stolen: [Job] = []
        // From behind: those before them are the ones that it begins next.
        for delivery in seats[victim]!.deliveries.suffix(min(room, (most + 1) / 2)).reversed()
        where withdraw(delivery.job, from: victim) { stolen.append(delivery.job) }
        // It will not answer what it no longer has. Others are asked before it.
        if seats[victim]!.deliveries.isEmpty { idle.insert(victim, at: 0) }
        return stolen.reversed().map { deliver($0, to: thief) }
    }
}
