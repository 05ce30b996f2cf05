/// A message being encoded: its bytes, its keys, and the containers that are open.
///
/// `Codable` has no call that ends a container. One ends when the value that asked for it has been encoded, or when its parent is
/// used again, whichever comes first; the open ones are a stack. Containers and encoders are handles to a place in that stack.
///
/// `@exclusivity(unchecked)`: the checks at run time are a quarter of a small message's cost. They would find nothing, since no access
/// to a property lasts while code of the values that are encoded runs.
final class MessageWriter {
    @exclusivity(unchecked) var bytes: [UInt8] = []
    @exclusivity(unchecked) private(set) var keys = KeyTable()
    @exclusivity(unchecked) private var frames = Stack<Frame>()
    @exclusivity(unchecked) private var lastSerial = 0
    /// How many `encode(to:)` are running inside each other.
    @exclusivity(unchecked) private var depth = 0
    private let limits: BinaryDecoder.Limits
    private let sendableUserInfo: [CodingUserInfoKey: any Sendable]
    private(set) lazy var userInfo: [CodingUserInfoKey: Any] = sendableUserInfo
    private var repeatedKeys = RepeatedKeys()
    /// What went wrong in a call that cannot throw. The message is not given out.
    @exclusivity(unchecked) private var failure: (any Error)?

    /// A place for one value, and what has become of it.
    private struct Frame {
        /// Where the value's entry in the parent begins: its key, or itself.
        var entryStart: Int
        var valueStart: Int
        /// The value's index in the parent, or its key's in the table.
        var component: Int
        var serial: Int
        var content = Content.none
        /// Whether the length is spelled in nine bytes already.
        var hasWideLength = false
        var count = 0
        /// For keyed containers: the key last written, and whether each was short and higher than the one before. If so, none is there
        /// twice.
        var lastKey = -1
        var keysRise = true
    }

    enum Content { case none, single, keyed, unkeyed }

    /// A frame, as long as it is open.
    struct Handle {
        fileprivate let depth: Int
        fileprivate let serial: Int
    }

    init(limits: BinaryDecoder.Limits, userInfo: [CodingUserInfoKey: any Sendable]) {
        self.limits = limits
        sendableUserInfo = userInfo
    }

    deinit { frames.free() }

    /// Writes the message that consists of `value`.
    func writeMessage<T: Encodable>(_ value: T) throws {
        try write(value, entryStart: bytes.count, component: 0)
        try requireSuccess()
        keys.append(to: &bytes)
    }

    // MARK: Values

    /// Writes a value into the container that is open, behind the key if there is one.
    func write<T: Encodable>(_ value: T, entryStart: Int, component: Int) throws {
        if writeDirectly(value) { return }
        let place = push(entryStart: entryStart, component: component)
        do {
            try encode(value, at: place)
        } catch {
            rollBack(place)
            throw error
        }
        requireOpen(place)
        closeFrames(from: place.depth)
    }

    /// Writes a value in the place of another that consists of nothing else.
    func writeInPlace<T: Encodable>(_ value: T, at place: Handle) throws {
        try claim(place)
        if writeDirectly(value) {
            frames[place.depth].content = .single
            return
        }
        do {
            try encode(value, at: place)
        } catch {
            requireOpen(place)
            closeFrames(from: place.depth + 1)
            bytes.removeLast(bytes.count - frames[place.depth].valueStart)
            frames[place.depth].content = .none
            throw error
        }
    }

    private func encode<T: Encodable>(_ value: T, at place: Handle) throws {
        guard depth < limits.depth else {
            throw EncodingError.invalidValue(value, tooDeep(codingPath(of: place)))
        }
        depth += 1
        defer { depth -= 1 }
        try value.encode(to: ValueEncoder(writer: self, place: place))
    }

    private func tooDeep(_ path: [any CodingKey]) -> EncodingError.Context {
        .init(
            codingPath: path,
            debugDescription: "Values are nested more than \(limits.depth) deep, which is the limit.")
    }

    /// Makes a large block that follows cheap: containers reserve one byte for their length, and one that turns out to be longer
    /// moves its content. Called before the block is there, this moves only what precedes it.
    func expect(_ count: Int) {
        guard count >= 4096 else { return }
        bytes.makeRoom(for: count + 9 * frames.count + 16)
        for depth in frames.indices where !frames[depth].hasWideLength {
            guard frames[depth].content == .keyed || frames[depth].content == .unkeyed else { continue }
            frames[depth].hasWideLength = true
            bytes.insertGap(of: 8, at: frames[depth].valueStart + 2)
            bytes[frames[depth].valueStart + 1] = 255
            for inner in frames.indices where inner > depth {
                frames[inner].entryStart += 8
                frames[inner].valueStart += 8
            }
        }
    }

    // MARK: Places

    /// Throws what went wrong earlier, so that a recursion that is too deep ends.
    @inline(__always)
    func requireSuccess() throws {
        if let failure { throw failure }
    }

    /// Begins an entry of a keyed container and returns where it begins and its key's index.
    @inline(__always)
    func beginEntry(_ key: String, in container: Handle) -> (start: Int, component: Int) {
        resume(container)
        let start = bytes.count
        let index = keys.index(of: key)
        bytes.appendVarint(index)
        if index <= frames[container.depth].lastKey || keys.isLong(index) { frames[container.depth].keysRise = false }
        frames[container.depth].lastKey = index
        frames[container.depth].count &+= 1
        return (start, index)
    }

    /// Begins an element of an unkeyed container and returns where it begins and its index.
    @inline(__always)
    func beginElement(in container: Handle) -> (start: Int, component: Int) {
        resume(container)
        let index = frames[container.depth].count
        frames[container.depth].count = index &+ 1
        return (bytes.count, index)
    }

    /// Takes the place of a value for a single one.
    @inline(__always)
    func claim(_ place: Handle) throws {
        try requireSuccess()
        resume(place)
        guard frames[place.depth].content == .none else {
            preconditionFailure(
                "A value was encoded into a single value container, or an encoder, that already has one.")
        }
    }

    @inline(__always)
    func claimForSingle(_ place: Handle) throws {
        try claim(place)
        frames[place.depth].content = .single
    }

    /// Opens a container in the place of a value, or the same again: a subclass shares its superclass's.
    func open(_ content: Content, at place: Handle) -> Handle {
        resume(place)
        if frames[place.depth].content == .none {
            frames[place.depth].content = content
            bytes.append(content == .keyed ? Tag.keyed : Tag.unkeyed)
            bytes.append(0)
            if place.depth >= limits.depth, failure == nil {
                failure = EncodingError.invalidValue("a \(content) container", tooDeep(codingPath(of: place)))
            }
        }
        guard frames[place.depth].content == content else {
            preconditionFailure("A \(content) container was asked of an encoder that already has something else.")
        }
        return place
    }

    /// Opens a place inside a container whose entry has begun. It ends when the container is used again.
    func push(entryStart: Int, component: Int) -> Handle {
        lastSerial &+= 1
        let place = Handle(depth: frames.count, serial: lastSerial)
        frames.append(
            Frame(entryStart: entryStart, valueStart: bytes.count, component: component, serial: lastSerial))
        return place
    }

    func count(of container: Handle) -> Int {
        isOpen(container) ? frames[container.depth].count : 0
    }

    func codingPath(of place: Handle) -> [any CodingKey] {
        isOpen(place) ? path(to: place.depth, endingWith: frames[place.depth].component) : []
    }

    private func path(to depth: Int, endingWith last: Int) -> [any CodingKey] {
        (0..<depth).map { parent in
            let component = parent + 1 == depth ? last : frames[parent + 1].component
            return frames[parent].content == .keyed
                ? PathKey(stringValue: keys.string(component)) : PathKey(intValue: component)
        }
    }

    // MARK: The stack

    @inline(__always)
    private func isOpen(_ place: Handle) -> Bool {
        place.depth < frames.count && frames[place.depth].serial == place.serial
    }

    @inline(__always)
    private func requireOpen(_ place: Handle) {
        guard isOpen(place) else {
            preconditionFailure(
                """
                An encoder or encoding container was used after it had ended. It ends when its value has been encoded, \
                and when its parent is used again.
                """)
        }
    }

    /// Makes a container the innermost that is open.
    @inline(__always)
    private func resume(_ place: Handle) {
        requireOpen(place)
        if frames.count > place.depth &+ 1 { closeFrames(from: place.depth + 1) }
    }

    @inline(__always)
    private func closeFrames(from depth: Int) {
        while frames.count > depth { closeLast() }
    }

    @inline(__always)
    private func closeLast() {
        let frame = frames.removeLast()
        switch frame.content {
        case .none: bytes.append(Tag.empty)
        case .single: break
        case .keyed, .unkeyed:
            let length = bytes.count &- frame.valueStart &- 2
            if length <= 247, !frame.hasWideLength {
                bytes[frame.valueStart &+ 1] = UInt8(truncatingIfNeeded: length)
            } else {
                spellLength(of: frame)
            }
            if !frame.keysRise { checkKeys(of: frame) }
        }
    }

    private func spellLength(of frame: Frame) {
        let start = frame.valueStart + 1
        var length = UInt64(bytes.count - start - (frame.hasWideLength ? 9 : 1))
        let width = frame.hasWideLength ? 8 : length.byteWidth
        if !frame.hasWideLength { bytes.insertGap(of: width, at: start + 1) }
        bytes[start] = 247 + UInt8(width)
        for index in 0..<width {
            bytes[start + 1 + index] = UInt8(truncatingIfNeeded: length)
            length >>= 8
        }
    }

    private func checkKeys(of frame: Frame) {
        bytes.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress, failure == nil else { return }
            let wire = Wire(base: base, count: bytes.count)
            do throws(WireError) {
                let value = try wire.value(at: frame.valueStart, limit: wire.count)
                try repeatedKeys.check(
                    wire, from: value.body, to: value.end, known: keys.count, canonical: keys.canonical)
            } catch {
                guard case .repeatedKey(let index, _) = error else { preconditionFailure(error.description) }
                let key = keys.string(index)
                let path = path(to: frames.count, endingWith: frame.component)
                failure = EncodingError.invalidValue(
                    key, .init(codingPath: path, debugDescription: "The key \"\(key)\" was encoded twice."))
            }
        }
    }

    /// Takes back an entry whose value could not be encoded, so that whoever catches the error can go on.
    private func rollBack(_ place: Handle) {
        requireOpen(place)
        bytes.removeLast(bytes.count - frames[place.depth].entryStart)
        while frames.count > place.depth { _ = frames.removeLast() }
        if place.depth > 0 { frames[place.depth - 1].count -= 1 }
    }
}
