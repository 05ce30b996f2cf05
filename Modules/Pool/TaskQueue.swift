/// Tasks that wait for a worker: those of the highest priority first, and of one priority first come first served.
struct TaskQueue {
    /// One for each priority that was used, the highest first.
    private var lanes: [Lane] = []
    private(set) var count = 0

    private struct Lane {
        let priority: Int
        /// Those before `head` have been taken; the space is given back now and then.
        var tasks: [Job?] = []
        var head = 0
    }

    mutating func append(_ task: Job) {
        lanes[lane(task.options.priority)].tasks.append(task)
        count += 1
    }

    /// Puts back a task that no worker has begun, before the others of its priority.
    mutating func prepend(_ task: Job) {
        let lane = lane(task.options.priority)
        if lanes[lane].head > 0 {
            lanes[lane].head -= 1
            lanes[lane].tasks[lanes[lane].head] = task
        } else {
            lanes[lane].tasks.insert(task, at: 0)
        }
        count += 1
    }

    mutating func popFirst() -> Job? {
        guard count > 0 else { return nil }
        for lane in lanes.indices where lanes[lane].head < lanes[lane].tasks.count {
            count -= 1
            let head = lanes[lane].head
            let task = lanes[lane].tasks[head].take()
            lanes[lane].head = head + 1
            if lanes[lane].head == lanes[lane].tasks.count {
                lanes[lane].tasks.removeAll(keepingCapacity: head < 4096)
                lanes[lane].head = 0
            } else if head > 1024, head * 2 > lanes[lane].tasks.count {
                lanes[lane].tasks.removeFirst(head + 1)
                lanes[lane].head = 0
            }
            return task
        }
        return nil
    }

    mutating func remove(_ task: Job) {
        guard let lane = lanes.firstIndex(where: { $0.priority == task.options.priority }),
            let index = lanes[lane].tasks[lanes[lane].head...].firstIndex(where: { $0 === task })
        else { return }
        lanes[lane].tasks.remove(at: index)
        count -= 1
    }

    mutating func removeAll() -> [Job] {
        defer { self = TaskQueue() }
        return lanes.flatMap { $0.tasks[$0.head...].compactMap(\.self) }
    }

    /// The place of a priority's lane, which is made when there is none.
    private mutating func lane(_ priority: Int) -> Int {
        if let last = lanes.last, last.priority == priority { return lanes.count - 1 }
        let place = lanes.firstIndex { $0.priority <= priority } ?? lanes.count
        if place == lanes.count || lanes[place].priority != priority {
            lanes.insert(Lane(priority: priority), at: place)
        }
        return place
    }
}
