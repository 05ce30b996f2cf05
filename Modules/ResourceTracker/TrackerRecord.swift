import Syscalls

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A command as our own processes send it, each on a pipe of its own, and as the tracker keeps it in its journal.
///
/// Private to a build: in the machine's own byte order. A name may hold any bytes. The time is what puts the commands of
/// several pipes in order: a process that learns from another of what that one has done sends later.
enum TrackerRecord {
    enum Operation: UInt8 {
        case register = 1
        /// Forgets the resource, whatever its count.
        case unregister
        /// Drops one reference, and removes the resource with the last.
        case dropReference
        /// Drops one reference of its own, and removes nothing: what was to be made was somebody else's already.
        case withdraw
        /// In the journal only: the owner is gone.
        case ownerEnded
    }

    /// Length 0, operation 4, kind 5, length of the kind's type name 6, time 8, count 16.
    static let headerSize = 20
    static let longestName = 4096
    static let longestTypeName = 4096
    static let longest = headerSize + longestTypeName + longestName

    static func size(_ kind: ResourceKind, nameCount: Int) -> Int {
        headerSize + (kind.builtin == .custom ? kind.typeName.utf8.count : 0) + nameCount
    }

    /// Writes a record of `size` bytes.
    static func encode(
        _ operation: Operation, _ kind: ResourceKind, _ name: UnsafeRawBufferPointer, count: UInt32 = 1, time: UInt64,
        into bytes: UnsafeMutableRawBufferPointer
    ) {
        bytes.storeBytes(of: UInt32(truncatingIfNeeded: bytes.count), toByteOffset: 0, as: UInt32.self)
        bytes.storeBytes(of: operation.rawValue, toByteOffset: 4, as: UInt8.self)
        bytes.storeBytes(of: kind.builtin.rawValue, toByteOffset: 5, as: UInt8.self)
        bytes.storeBytes(of: time, toByteOffset: 8, as: UInt64.self)
        bytes.storeBytes(of: count, toByteOffset: 16, as: UInt32.self)
        var offset = headerSize
        if kind.builtin == .custom {
            let typeName = Array(kind.typeName.utf8)
            UnsafeMutableRawBufferPointer(rebasing: bytes[offset...]).copyBytes(from: typeName)
            offset += typeName.count
        }
        bytes.storeBytes(of: UInt16(truncatingIfNeeded: offset - headerSize), toByteOffset: 6, as: UInt16.self)
        UnsafeMutableRawBufferPointer(rebasing: bytes[offset...]).copyMemory(from: name)
    }

    /// Nanoseconds on a clock that all processes share.
    static var now: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
    }

    // MARK: Reading

    enum Length {
        case whole(Int)
        /// More has to come.
        case partial
        case invalid
    }

    /// How long the record is that starts here.
    static func length(at bytes: UnsafeRawBufferPointer) -> Length {
        guard bytes.count >= 4 else { return .partial }
        let length = Int(bytes.loadUnaligned(fromByteOffset: 0, as: UInt32.self))
        guard length >= headerSize, length <= longest else { return .invalid }
        return length <= bytes.count ? .whole(length) : .partial
    }

    static func time(of record: UnsafeRawBufferPointer) -> UInt64 {
        record.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
    }

    static func count(of record: UnsafeRawBufferPointer) -> UInt32 {
        record.loadUnaligned(fromByteOffset: 16, as: UInt32.self)
    }

    /// What a whole record says; `nil` when it makes no sense.
    static func decode(
        _ record: UnsafeRawBufferPointer
    ) -> (operation: Operation, kind: ResourceKind, name: UnsafeRawBufferPointer)? {
        guard let operation = Operation(rawValue: record[4]) else { return nil }
        let typeNameCount = Int(record.loadUnaligned(fromByteOffset: 6, as: UInt16.self))
        guard headerSize + typeNameCount <= record.count else { return nil }
        let kind: ResourceKind
        if record[5] == ResourceKind.Builtin.custom.rawValue {
            let bytes = record[headerSize..<headerSize + typeNameCount]
            kind = ResourceKind(customNamed: String(decoding: bytes, as: UTF8.self))
        } else {
            guard typeNameCount == 0, let known = ResourceKind(code: record[5]) else { return nil }
            kind = known
        }
        return (operation, kind, UnsafeRawBufferPointer(rebasing: record[(headerSize + typeNameCount)...]))
    }
}
