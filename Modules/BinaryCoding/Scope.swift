/// A container of the message that is being read, or the message itself, and how it was reached.
///
/// Scopes link to the one around them, and a value is known by its scope, its offset and its index or key there: an error finds its coding
/// path in them, and decoding that succeeds never builds one.
///
/// `@exclusivity(unchecked)` for the reason given at ``MessageWriter``.
final class Scope {
    enum Content {
        case message
        case keyed
        case unkeyed
        case block(BlockKind)
    }

    let reader: MessageReader
    let content: Content
    let start: Int
    let end: Int
    let depth: Int
    private let parent: Scope?
    /// The index in the parent, or the key's index in the table.
    private let component: Int

    // For keyed containers (see Scope+Keys.swift): the entry found last, and where the one behind it begins.
    @exclusivity(unchecked) var entryCount = 0
    @exclusivity(unchecked) var foundKey = -1
    @exclusivity(unchecked) var foundValue = 0
    @exclusivity(unchecked) var nextEntry: Int
    @exclusivity(unchecked) var offsets: [Int: Int]?

    @exclusivity(unchecked) private var knownCount: Int?

    /// The scope of a whole message.
    init(reader: MessageReader) {
        self.reader = reader
        content = .message
        start = 0
        end = reader.wire.count
        depth = 0
        parent = nil
        component = 0
        nextEntry = 0
    }

    init(_ content: Content, of value: WireValue, in parent: Scope, component: Int) throws {
        reader = parent.reader
        self.content = content
        start = value.body
        end = value.end
        depth = parent.depth + 1
        self.parent = parent
        self.component = component
        nextEntry = start
        guard depth <= reader.limits.depth else { throw reader.tooDeep(parent.path(component)) }
    }

    // MARK: Values

    /// The value at an offset, which is not decoded yet.
    @inline(__always)
    func value(at offset: Int, component: Int) throws -> WireValue {
        if case .block(let kind) = content {
            return WireValue(tag: Tag.element + kind.rawValue, body: offset, end: offset + kind.stride)
        }
        do throws(WireError) {
            return try reader.wire.value(at: offset, limit: end)
        } catch {
            throw corrupted(error, component)
        }
    }

    func isNil(at offset: Int) -> Bool {
        if case .block = content { return false }
        return offset < end && reader.wire.byte(at: offset) == Tag.null
    }

    /// Opens the value at an offset as a keyed container.
    func openKeyed(at offset: Int, component: Int) throws -> Scope {
        let value = try value(at: offset, component: component)
        guard value.tag == Tag.keyed || value.tag == Tag.empty else {
            throw mismatch([String: Any].self, value, at: offset, component, "a keyed container")
        }
        let scope = try Scope(.keyed, of: value, in: self, component: component)
        do throws(WireError) {
            try scope.readEntries()
        } catch {
            throw corrupted(error, component)
        }
        return scope
    }

    /// Opens the value at an offset as an unkeyed container.
    func openUnkeyed(at offset: Int, component: Int) throws -> Scope {
        let value = try value(at: offset, component: component)
        switch value.tag {
        case Tag.unkeyed, Tag.empty:
            return try Scope(.unkeyed, of: value, in: self, component: component)
        case Tag.block..<Tag.element:
            guard let kind = BlockKind(tag: value.tag) else { fallthrough }
            return try Scope(.block(kind), of: value, in: self, component: component)
        default:
            throw mismatch([Any].self, value, at: offset, component, "an unkeyed container")
        }
    }

    /// The elements of an unkeyed container, counted; nil if its bytes are no values.
    ///
    /// Whoever reserves memory by it does so for elements that are there.
    var count: Int? {
        if let knownCount { return knownCount }
        if case .block(let kind) = content {
            knownCount = (end - start) / kind.stride
            return knownCount
        }
        var offset = start
        var count = 0
        while offset < end {
            guard let value = try? reader.wire.value(at: offset, limit: end) else { return nil }
            offset = value.end
            count += 1
        }
        knownCount = count
        return count
    }

    // MARK: Errors

    /// The coding path of a value in this scope.
    func path(_ component: Int) -> [any CodingKey] {
        let key: PathKey
        switch content {
        case .message: return []
        case .keyed: key = PathKey(stringValue: reader.keyString(component))
        case .unkeyed, .block: key = PathKey(intValue: component)
        }
        return containerPath + [key]
    }

    /// The coding path of this scope.
    var containerPath: [any CodingKey] { parent?.path(component) ?? [] }

    func corrupted(_ error: WireError, _ component: Int) -> DecodingError {
        .dataCorrupted(.init(codingPath: path(component), debugDescription: error.description))
    }

    func corrupted(_ description: String, _ component: Int) -> DecodingError {
        .dataCorrupted(.init(codingPath: path(component), debugDescription: description))
    }

    /// The error for a value that is of another type than was asked for.
    @inline(never)
    func mismatch(
        _ type: Any.Type, _ value: WireValue, at offset: Int, _ component: Int, _ name: String? = nil
    ) -> DecodingError {
        let description = "Expected \(name ?? "\(type)"), found \(Tag.name(value.tag)) at byte \(offset)."
        let context = DecodingError.Context(codingPath: path(component), debugDescription: description)
        return value.tag == Tag.null ? .valueNotFound(type, context) : .typeMismatch(type, context)
    }
}
