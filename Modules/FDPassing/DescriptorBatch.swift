import Syscalls

/// Descriptors that belong together, such as those that came with one message. See SCM_RIGHTS in unix(7).
///
/// Each is taken out at most once; those that nobody took are closed when the batch goes. (Arrays cannot hold
/// `OwnedFileDescriptor`s, which cannot be copied.)
public struct DescriptorBatch: ~Copyable, Sendable {
    // A place has the raw descriptor; -1 where it has been taken. The first few are in the batch itself: most messages have no more, and a
    // process that was just forked pays for each page of memory that an array would be the first to touch.
    private var first: InlineArray<4, CInt> = .init(repeating: -1)
    private var firstCount = 0
    private var others: [CInt] = []

    /// An empty batch.
    public init() {}

    /// Takes over descriptors from C.
    package init(owning descriptors: UnsafeBufferPointer<CInt>) {
        for descriptor in descriptors { add(descriptor) }
    }

    deinit {
        for index in 0..<count where raw(index) >= 0 {
            _ = OwnedFileDescriptor(owning: raw(index))
        }
    }

    /// The number of places, taken ones included.
    public var count: Int { firstCount + others.count }

    /// Whether it has no places at all.
    public var isEmpty: Bool { firstCount == 0 }

    /// Takes out the first descriptor that is left; `nil` when all have been taken.
    public mutating func takeNext() -> OwnedFileDescriptor? {
        for index in 0..<count where raw(index) >= 0 { return take(at: index) }
        return nil
    }

    /// Puts a descriptor at the end.
    public mutating func append(_ descriptor: consuming OwnedFileDescriptor) {
        add(descriptor.take())
    }

    /// Takes out the descriptor at a place; `nil` when it was taken before or there is no such place.
    public mutating func take(at index: Int) -> OwnedFileDescriptor? {
        guard (0..<count).contains(index), raw(index) >= 0 else { return nil }
        return OwnedFileDescriptor(owning: removeRaw(index))
    }

    /// The descriptors that are still in it, borrowed.
    public var remaining: [FileDescriptor] {
        var descriptors: [FileDescriptor] = []
        for index in 0..<count where raw(index) >= 0 { descriptors.append(FileDescriptor(rawValue: raw(index))) }
        return descriptors
    }

    /// Moves all descriptors of another batch to the end of this one.
    package mutating func append(contentsOf other: consuming DescriptorBatch) {
        if isEmpty {
            swap(&self, &other)
        } else {
            for index in 0..<other.count { add(other.removeRaw(index)) }
        }
    }

    /// Moves the first `count` descriptors into a batch of their own. There are as many.
    package mutating func takeFirst(_ count: Int) -> DescriptorBatch {
        precondition((0...self.count).contains(count), "\(count) of \(self.count) descriptors")
        var taken = DescriptorBatch()
        if count == self.count {
            swap(&taken, &self)
            return taken
        }
        var rest = DescriptorBatch()
        for index in 0..<self.count {
            let descriptor = removeRaw(index)
            if index < count { taken.add(descriptor) } else { rest.add(descriptor) }
        }
        swap(&rest, &self)
        return taken
    }

    // MARK: Places

    private func raw(_ index: Int) -> CInt {
        index < first.count ? first[index] : others[index - first.count]
    }

    private mutating func removeRaw(_ index: Int) -> CInt {
        let descriptor = raw(index)
        if index < first.count { first[index] = -1 } else { others[index - first.count] = -1 }
        return descriptor
    }

    private mutating func add(_ descriptor: CInt) {
        if firstCount < first.count {
            first[firstCount] = descriptor
            firstCount += 1
        } else {
            others.append(descriptor)
        }
    }
}
