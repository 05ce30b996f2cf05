/// Tasks that travel as they lie in memory: those of a trivial type, to workers that run the same build.
///
/// Results do not: what comes from a worker is not to be trusted with being a value.
enum TaskMemory {
    /// Whether values of the type can be copied as bytes.
    static func isPossible<T>(for type: T.Type) -> Bool {
        // Of the standard library.
        _isPOD(type)
    }

    /// The task whose memory these bytes are; `nil` when they cannot be that.
    static func task<T>(_ type: T.Type, from bytes: ArraySlice<UInt8>) -> T? {
        guard isPossible(for: type), bytes.count == MemoryLayout<T>.size else { return nil }
        return withUnsafeTemporaryAllocation(of: type, capacity: 1) { place in
            bytes.withUnsafeBytes { UnsafeMutableRawBufferPointer(place).copyMemory(from: $0) }
            return place[0]
        }
    }
}
