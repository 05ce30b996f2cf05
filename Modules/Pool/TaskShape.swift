/// How tasks of one kind become messages.
struct TaskShape<T: Codable & Sendable>: Sendable {
    private let isSameBuild: Bool
    private let together: @Sendable (TaskArray<T>) throws(PoolError) -> EncodedValue

    private init(
        isSameBuild: Bool, _ together: @escaping @Sendable (TaskArray<T>) throws(PoolError) -> EncodedValue
    ) {
        self.isSameBuild = isSameBuild
        self.together = together
    }

    static func synchronous(isSameBuild: Bool) -> TaskShape where T: PoolTask {
        TaskShape(isSameBuild: isSameBuild) { tasks throws(PoolError) in
            try TaskCoder.encode(task: Chunk(tasks: tasks), isSameBuild: isSameBuild)
        }
    }

    static func async(isSameBuild: Bool) -> TaskShape where T: AsyncPoolTask {
        TaskShape(isSameBuild: isSameBuild) { tasks throws(PoolError) in
            try TaskCoder.encode(task: AsyncChunk(tasks: tasks), isSameBuild: isSameBuild)
        }
    }

    /// The messages that tasks become, one for all or one for each; or why there is none.
    func encode(_ tasks: [T], inOneMessage: Bool) -> [Result<EncodedValue, PoolError>] {
        guard inOneMessage, tasks.count > 1 else { return encodeSingly(tasks) }
        return [Result { () throws(PoolError) in try together(TaskArray(tasks, isSameBuild: isSameBuild)) }]
    }

    private func encodeSingly(_ tasks: [T]) -> [Result<EncodedValue, PoolError>] {
        let beginning: [UInt8]
        do throws(PoolError) { beginning = try TaskCoder.beginning(for: T.self) } catch {
            return Array(repeating: .failure(error), count: tasks.count)
        }
        let asMemory = isSameBuild && TaskMemory.isPossible(for: T.self)
        var messages: [Result<EncodedValue, PoolError>] = []
        messages.reserveCapacity(tasks.count)
        for task in tasks {
            do throws(PoolError) {
                messages.append(.success(try TaskCoder.encode(task: task, after: beginning, asMemory: asMemory)))
            } catch {
                messages.append(.failure(error))
            }
        }
        return messages
    }
}
