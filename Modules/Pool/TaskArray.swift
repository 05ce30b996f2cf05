/// Tasks as they travel together: see `TaskMemory`.
struct TaskArray<T: Codable & Sendable>: Codable, Sendable {
    let elements: [T]
    private let travelsAsMemory: Bool

    /// - Parameter isSameBuild: Whether the workers are this executable.
    init(_ elements: [T], isSameBuild: Bool) {
        self.elements = elements
        travelsAsMemory = isSameBuild && TaskMemory.isPossible(for: T.self)
    }

    init(from decoder: any Decoder) throws {
        var container = try decoder.unkeyedContainer()
        travelsAsMemory = try container.decode(Bool.self)
        guard travelsAsMemory else {
            elements = try container.decode([T].self)
            return
        }
        let bytes = try container.decode([UInt8].self)
        let count = bytes.count / MemoryLayout<T>.stride
        guard TaskMemory.isPossible(for: T.self), bytes.count % MemoryLayout<T>.stride == 0 else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "\(bytes.count) bytes are no tasks of type \(T.self)")
        }
        elements = Array(unsafeUninitializedCapacity: count) { elements, initialized in
            bytes.withUnsafeBytes { bytes in
                UnsafeMutableRawBufferPointer(elements).copyMemory(
                    from: UnsafeRawBufferPointer(rebasing: bytes[..<(count * MemoryLayout<T>.stride)]))
            }
            initialized = count
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.unkeyedContainer()
        try container.encode(travelsAsMemory)
        if travelsAsMemory {
            try container.encode(elements.withUnsafeBytes { Array($0) })
        } else {
            try container.encode(elements)
        }
    }
}
