import FDPassing
import ForkServer
import Framing
import ProcessRoles
import Syscalls

/// A worker's side of a pool: reads tasks, runs them one after the other, and answers each.
///
/// It ends when its program closes the socket, or dies.
struct PoolWorker: ChildProgram {
    let number: Int
    let name: String
    let page: PassedDescriptor
    let memoryLimitKiB: Int?
    let initializer: AnyInitializer?

    func run(in child: ChildContext) throws {
        // An interrupt from the terminal reaches the whole group; the program decides what it means.
        try Signal.interrupt.ignore()
        setThreadName("\(name) \(number)")
        guard let memory = page.take() else { throw Errno.badFileDescriptor }
        let page = try WorkerPage(memory.descriptor)
        let loop = WorkerLoop(
            child.connection, number: number, page: page,
            memory: memoryLimitKiB.map { MemoryLimit(kibibytes: $0) })
        memory.discard()
        try initializer?.initializer.run(in: WorkerContext(workerNumber: number, taskNumber: 0))
        page.becomeReady()
        guard let first = try loop.serveUntilAsync() else { return }

        // The first async task: from here on the main thread belongs to the main queue, which Swift's runtime expects there,
        // and this loop goes on on a thread of its own.
        try Thread(name: "\(name) \(number)") {
            do {
                try loop.serve(startingWith: first)
            } catch {
                standardErrorLine("pool worker: \(error)")
                child.exit(1)
            }
            child.exit(0)
        }.detach()
        drainMainQueue()
    }
}

@_silgen_name("swift_task_asyncMainDrainQueue")
private func drainMainQueue() -> Never

/// An initializer of any type, which travels under that type's name.
struct AnyInitializer: Codable, Sendable {
    let initializer: any WorkerInitializer

    init(_ initializer: any WorkerInitializer) {
        self.initializer = initializer
    }

    init(from decoder: any Decoder) throws {
        var container = try decoder.unkeyedContainer()
        let name = try container.decode(String.self)
        guard let type = TypeName.type(named: name) as? any WorkerInitializer.Type else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "the workers' executable does not have the initializer \(name)")
        }
        initializer = try container.decode(type)
    }

    func encode(to encoder: any Encoder) throws {
        guard let name = TypeName.resolvableName(of: type(of: initializer)) else {
            throw PoolError.typeNotNameable(String(reflecting: type(of: initializer)))
        }
        var container = encoder.unkeyedContainer()
        try container.encode(name)
        try container.encode(initializer)
    }
}

/// How much memory a worker may have of its own.
struct MemoryLimit: Sendable {
    let kibibytes: Int

    /// Whether this process has more. Cheap where it has much less.
    var isExceeded: Bool {
        #if os(Linux)
            guard let text = try? OwnedFileDescriptor.open("/proc/self/statm", .readOnly).read(upTo: 256) else {
                return false
            }
            // Size, resident, and shared with files, in pages; what it still shares with its server is not told apart.
            let fields = String(decoding: text, as: UTF8.self).split(separator: " ").compactMap { Int($0) }
            guard fields.count > 2, (fields[1] - fields[2]) * 4 > kibibytes else { return false }
            return (try? ProcessID.current.privateMemoryKiB()).map { $0 > kibibytes } ?? false
        #else
            return false
        #endif
    }
}

extension OwnedFileDescriptor {
    fileprivate consuming func read(upTo count: Int) throws(Errno) -> [UInt8] { try descriptor.read(upTo: count) }
}
