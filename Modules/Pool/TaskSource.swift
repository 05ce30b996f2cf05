/// Where the tasks of a map come from, whatever sequence that is.
///
/// Made by inlinable code: the loop over the sequence is specialized where the caller's types are known, and runs for many tasks at
/// once.
@usableFromInline
struct TaskSource<T> {
    /// Appends so many tasks, or fewer when there are no more.
    let take: (_ count: Int, _ tasks: inout [T]) -> Void
    /// How many there are at least.
    let underestimatedCount: Int

    @usableFromInline
    init(underestimatedCount: Int, _ take: @escaping (_ count: Int, _ tasks: inout [T]) -> Void) {
        self.underestimatedCount = underestimatedCount
        self.take = take
    }

    @inlinable
    init(_ sequence: some Sequence<T>) {
        var iterator = sequence.makeIterator()
        self.init(underestimatedCount: sequence.underestimatedCount) { count, tasks in
            tasks.reserveCapacity(count)
            var left = count
            while left > 0, let task = iterator.next() {
                tasks.append(task)
                left -= 1
            }
        }
    }
}
