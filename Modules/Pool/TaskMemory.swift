/// Tasks that travel as they lie in memory: those of a trivial type, to workers that run the same build.
///
/// Results do not: what comes from a worker is not to be trusted with being a value.
enum TaskMemory {
    /// Whether values of the type can be copied as bytes.
    static func isPossible<T>(for type: T.Type) -> Bool {
        // Of the standard library.
        _isPOD(type)
    }

    /// The task whose memory these bytes are.
    ///
    /// - Throws: `TaskFailure.coding` when they cannot be that.
    static func task<T>(_ type: T.Type, from bytes: ArraySlice<UInt8>) throws(TaskFailure) -> T {
        guard isPossible(for: type), bytes.count == MemoryLayout<T>.size else {
            throw .coding("\(bytes.count) bytes are not the memory of a \(type)")
        }
        return withUnsafeTemporaryAllocation(byteCount: bytes.count, alignment: MemoryLayout<T>.alignment) { place in
            bytes.withUnsafeBytes { place.copyMemory(from: $0) }
            return place.baseAddress!.assumingMemoryBound(to: type).pointee
        }
    }
}
