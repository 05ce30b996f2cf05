/// Descriptors that travel together inside a value, found by position or by name.
///
/// What CPython's `get_inherited_fds` gives a child by position; `Codable` as a `PassedDescriptor` is.
public struct PassedDescriptors: Codable, Sendable {
    private struct Entry: Codable, Sendable {
        let name: String?
        let descriptor: PassedDescriptor
    }

    private var entries: [Entry] = []

    /// None yet.
    public init() {}

    /// Without names, in order.
    public init(_ descriptors: [PassedDescriptor]) {
        entries = descriptors.map { Entry(name: nil, descriptor: $0) }
    }

    /// How many there are.
    public var count: Int { entries.count }

    /// Adds one at the end.
    ///
    /// - Parameter name: By which it is found; a second one of a name is found by its position only.
    public mutating func append(_ descriptor: PassedDescriptor, name: String? = nil) {
        entries.append(Entry(name: name, descriptor: descriptor))
    }

    /// The one at a position; `nil` when there are not so many.
    public subscript(position: Int) -> PassedDescriptor? {
        entries.indices.contains(position) ? entries[position].descriptor : nil
    }

    /// The first of a name; `nil` when there is none.
    public subscript(name: String) -> PassedDescriptor? {
        entries.first { $0.name == name }?.descriptor
    }
}
