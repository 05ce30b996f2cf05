/// Tasks that wait for a worker, first come first served.
struct TaskQueue {
    /// Those before `head` have been taken; the space is given back now and then.
    private var tasks: [Submission?] = []
    private var head = 0

    var count: Int { tasks.count - head }

    mutating func append(_ task: Submission) {
        tasks.append(task)
    }

    /// Puts back a task that no worker has seen.
    mutating func prepend(_ task: Submission) {
        if head > 0 {
            head -= 1
            tasks[head] = task
        } else {
            tasks.insert(task, at: 0)
        }
    }

    mutating func popFirst() -> Submission? {
        guard head < tasks.count else { return nil }
        let task = tasks[head].take()
        head += 1
        if head > 64, head * 2 > tasks.count {
            tasks.removeFirst(head)
            head = 0
        }
        return task
    }

    mutating func remove(_ task: Submission) {
        if let index = tasks[head...].firstIndex(where: { $0 === task }) { tasks.remove(at: index) }
    }

    mutating func removeAll() -> [Submission] {
        defer { self = TaskQueue() }
        return tasks[head...].compactMap(\.self)
    }
}
