import Syscalls

/// A resource that nobody removed before the last of its owners was gone, so that the tracker did.
public struct LeakedResource: Hashable, Sendable {
    public let kind: ResourceKind
    /// The bytes that it was registered under.
    public let nameBytes: [UInt8]
    /// The last process that had it; `nil` for one without a channel of its own, such as a Python process.
    public let owner: ProcessID?

    /// The name as text, in which bytes that are no UTF-8 are repaired.
    public var name: String { String(decoding: nameBytes, as: UTF8.self) }
}
