import FDPassing
import Pool
import Syscalls

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// What a soak has workers do: each kind goes another way through the pool.
enum SoakKind: Int, CaseIterable, Codable {
    case plain, blocking, asynchronous, descriptor, payload, failing, endless, retried, cancelled, many
}

/// Notes in a file that it ran, once a run, and gives back what was asked for.
struct SoakTask: PoolTask {
    let kind: SoakKind
    let number: Int
    /// Each run appends the number: who counts them knows how often it ran.
    let journal: PassedDescriptor

    func run(in context: WorkerContext) throws -> Int {
        try note(number, in: journal)
        switch kind {
        case .failing: throw SoakError(number: number)
        case .endless:
            while true { try context.check() }
        case .retried where context.attempt == 1 && number.isMultiple(of: 7): exit(3)
        default: return number &* 3
        }
    }
}

struct SoakAsyncTask: AsyncPoolTask {
    let number: Int
    let journal: PassedDescriptor

    func run(in context: WorkerContext) async throws -> Int {
        try note(number, in: journal)
        await Task.yield()
        return number &* 3
    }
}

struct SoakPayload: PoolTask {
    let number: Int
    let bytes: SharedBytes
    let journal: PassedDescriptor

    func run(in context: WorkerContext) throws -> SharedBytes {
        try note(number, in: journal)
        return bytes
    }
}

/// Gives a pipe with its number in it.
struct SoakPipe: PoolTask {
    let number: Int
    let journal: PassedDescriptor

    func run(in context: WorkerContext) throws -> PassedDescriptor {
        try note(number, in: journal)
        let pipe = try Pipe()
        try pipe.writeEnd.descriptor.writeAll("\(number)")
        return PassedDescriptor(pipe.readEnd)
    }
}

struct SoakError: Error, Codable, Hashable {
    let number: Int
}

/// One write, which is whole or not at all: the file is open for appending.
private func note(_ number: Int, in journal: PassedDescriptor) throws {
    var number = Int64(number)
    try withUnsafeBytes(of: &number) { bytes in
        guard let descriptor = journal.descriptor else { throw Errno.badFileDescriptor }
        try descriptor.writeAll(bytes)
    }
}
