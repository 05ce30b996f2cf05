import FDPassing
import Pool
import Syscalls
import TestSupport

// What a worker may do that has been taken over, or has gone mad.

/// Writes anything into the memory that the worker shares with its pool.
public struct ScribbleOnPage: PoolTask {
    let seed: UInt64
    /// Which bytes of it.
    let range: Range<Int>

    public init(_ seed: UInt64, _ range: Range<Int>) {
        self.seed = seed
        self.range = range
    }

    public func run(in context: WorkerContext) throws -> Int {
        var generator = SeededGenerator(seed: seed)
        let file = try OwnedFileDescriptor.open("/proc/self/maps", .readOnly)
        let maps = try file.descriptor.readToEnd()
        for line in String(decoding: maps, as: UTF8.self).split(separator: "\n")
        where line.contains("memfd:pool-worker") {
            let bounds = line.prefix { $0 != " " }.split(separator: "-").compactMap { UInt($0, radix: 16) }
            let page = UnsafeMutableRawBufferPointer(
                start: UnsafeMutableRawPointer(bitPattern: bounds[0]), count: Int(bounds[1] - bounds[0]))
            for index in range.clamped(to: page.indices) { page[index] = .random(in: 0...255, using: &generator) }
        }
        return 0
    }
}

/// Answers itself with a value that is said to lie in shared memory, which is not as it has to be.
public struct ForgeSegment: PoolTask {
    public enum Way: Codable, CaseIterable, Sendable {
        /// Memory that can be cut, and is.
        case cut
        case tooSmall
        case farTooSmall
        case unknown
        case withoutDescriptor
        case tooMany
        case notMemory
        case missingDescriptors
    }

    let way: Way

    public init(_ way: Way) {
        self.way = way
    }

    public func run(in context: WorkerContext) throws -> Int {
        #if os(Linux)
            let memory =
                try way == .cut
                ? SharedMemory(growable: "cut", size: 1 << 20) : SharedMemory(anonymous: "sealed", size: 4096)
            let pipe = try Pipe()
            let passed =
                switch way {
                case .unknown, .withoutDescriptor, .missingDescriptors: [FileDescriptor]()
                case .notMemory: [pipe.readEnd.descriptor]
                default: [memory.descriptor]
                }
            let message = forgery(context.taskID)
            for descriptor in try FileDescriptor.allOpen()
            where descriptor.rawValue > 4 && (try? descriptor.status().kind) == .socket {
                try? descriptor.send(message, passing: passed)
            }
            if way == .cut { try memory.descriptor.truncate(to: 0) }
        #endif
        return 0
    }

    /// A frame with one record; its form is in Modules/Pool/Record.swift.
    private func forgery(_ task: UInt64) -> [UInt8] {
        var record: [UInt8] = []
        func append(_ number: some FixedWidthInteger) {
            withUnsafeBytes(of: number.littleEndian) { record.append(contentsOf: $0) }
        }
        append(task)
        append(Int64(1))
        append(UInt8(2))
        append(UInt8(1))
        append(UInt16(0))
        append(UInt16(1))
        append(UInt16(way == .missingDescriptors ? 9 : 0))
        append(UInt32(0))
        append(way == .tooMany ? UInt32.max : 1)
        append(UInt32(0))
        append(UInt32(0))
        // The segment: its number, its loan, its bytes, and whether a descriptor comes for it.
        append(UInt64(77))
        append(UInt64(1))
        append(way == .tooSmall ? UInt64(4097) : way == .farTooSmall ? .max : 4096)
        append(UInt64(way == .unknown ? 0 : 1))
        return withUnsafeBytes(of: UInt32(record.count).bigEndian) { Array($0) } + record
    }
}
