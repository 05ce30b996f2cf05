import Syscalls

/// Descriptors that belong together, such as those that came with one message. See SCM_RIGHTS in unix(7).
///
/// Each is taken out at most once; those that nobody took are closed when the batch goes. (Arrays cannot hold
/// `OwnedFileDescriptor`s, which cannot be copied.)
public struct DescriptorBatch: ~Copyable, Sendable {
    /// The raw descriptors; -1 where one has been taken.
    private var descriptors: [CInt] = []

    /// An empty batch.
    public init() {}

    /// Takes over descriptors from C.
    package init(owning descriptors: [CInt]) {
        self.descriptors = descriptors
    }

    deinit {
        for descriptor in descriptors where descriptor >= 0 {
            _ = OwnedFileDescriptor(owning: descriptor)
        }
    }

    /// The number of places, taken ones included.
    public var count: Int { descriptors.count }

    /// Whether it has no places at all.
    public var isEmpty: Bool { descriptors.isEmpty }

    /// Takes out the first descriptor that is left; `nil` when all have been taken.
    public mutating func takeNext() -> OwnedFileDescriptor? {
        guard let index = descriptors.firstIndex(where: { $0 >= 0 }) else { return nil }
        return take(at: index)
    }

    /// Puts a descriptor at the end.
    public mutating func append(_ descriptor: consuming OwnedFileDescriptor) {
        descriptors.append(descriptor.take())
    }

    /// Takes out the descriptor at a place; `nil` when it was taken before or there is no such place.
    public mutating func take(at index: Int) -> OwnedFileDescriptor? {
        guard descriptors.indices.contains(index), descriptors[index] >= 0 else { return nil }
        defer { descriptors[index] = -1 }
        return OwnedFileDescriptor(owning: descriptors[index])
    }

    /// The descriptors that are still in it, borrowed.
    public var remaining: [FileDescriptor] {
        descriptors.filter { $0 >= 0 }.map { FileDescriptor(rawValue: $0) }
    }

    /// Moves all descriptors of another batch to the end of this one.
    package mutating func append(contentsOf other: consuming DescriptorBatch) {
        if descriptors.isEmpty {
            swap(&descriptors, &other.descriptors)
        } else {
            descriptors += other.descriptors
            other.descriptors = []
        }
    }

    /// Moves the first `count` descriptors into a batch of their own.
    package mutating func takeFirst(_ count: Int) -> DescriptorBatch {
        var first = DescriptorBatch()
        if count == descriptors.count {
            swap(&first.descriptors, &descriptors)
            return first
        }
        first.descriptors = Array(descriptors.prefix(count))
        descriptors.removeFirst(count)
        return first
    }
}
