import BinaryCoding
import FDPassing
import ForkServer
import Framing
import Pool
import ResourceTracker
import Syscalls

/// All layers at once, in a program that is killed.
let togetherScenarios = [
    Scenario(layer: .pool, name: "a killed program leaves no process and no segment, also when its workers were busy") {
        for isBusy in [false, true] { try killVictim(busy: isBusy) }
    }
]

private func killVictim(busy: Bool) throws {
    let names = try ResourceNames()
    let pair = try SocketPair()
    let victim = try HelperRole.victim.start([], descriptors: [3: pair.second.descriptor])
    let channel = Connection(pair.first)
    try channel.send(BinaryEncoder().encode(Victim.Orders(names: names, isBusy: busy)))
    pair.second.discard()
    let report = try BinaryDecoder().decode(Victim.Report.self, from: channel.receive(until: .after(.seconds(30))))
    try expect("the victim makes a segment and a semaphore", names.exist, seen: "neither is there")
    try expect("the victim's processes", report.processes.count, is: 5)
    try victim.send(.kill)
    _ = try victim.wait()
    func left() -> String {
        "processes \(report.processes.filter(isAlive)), and \(names.exist ? "a segment or semaphore" : "no resources")"
    }
    try expectSoon("no process and no resource of a killed program is left", seen: left) {
        !report.processes.contains(where: isAlive) && !names.exist
    }
}

/// Whether a process is there and no zombie: its reaping is init's business by then.
private func isAlive(_ process: ProcessID) -> Bool {
    #if os(Linux)
        guard let file = try? OwnedFileDescriptor.open("/proc/\(process)/stat", .readOnly),
            let bytes = try? file.descriptor.readToEnd()
        else { return false }
        // The state is the field after the name, which is in parentheses and may hold anything.
        let text = String(decoding: bytes, as: UTF8.self)
        guard let end = text.lastIndex(of: ")") else { return false }
        return !["Z", "X"].contains(text[end...].split(separator: " ").dropFirst().first ?? "")
    #else
        return process.exists
    #endif
}

/// A program that holds a server, a pool, a segment and a semaphore, and waits to be killed.
enum Victim {
    struct Orders: Codable {
        let names: ResourceNames
        let isBusy: Bool
    }

    /// Every process that must not outlive it: server, tracker, three workers.
    struct Report: Codable {
        let processes: [ProcessID]
    }

    static func run() throws {
        let channel = Connection(OwnedFileDescriptor(owning: 3))
        let orders = try BinaryDecoder().decode(Orders.self, from: channel.receive())
        // Their removal is announced on standard error, which is of no interest here.
        try silenceStandardError()
        let tracker = ResourceTracker.shared
        let segment = try tracker.createSharedMemory(orders.names.segment, size: 1 << 20)
        let semaphore = try tracker.createSemaphore(orders.names.semaphore, value: 1)
        let server = ForkServer()
        try server.start()
        let pool = try Pool(workers: 3, server: server)
        while pool.workerProcessIDs.count < 3 { _ = try pool.run(SumTo(number: 1)) }
        let begun = try Pipe()
        if orders.isBusy {
            for _ in 0..<3 {
                let output = try PassedDescriptor(duplicating: begun.writeEnd.descriptor)
                _ = try JoinedThread { _ = try pool.run(ComputeForEver(begun: output)) }
            }
            _ = try begun.readEnd.descriptor.readExactly(3)
        }
        let processes = pool.workerProcessIDs + [server.processID, tracker.processID].compactMap(\.self)
        try channel.send(BinaryEncoder().encode(Report(processes: processes)))
        _ = try? channel.receive()
        withExtendedLifetime(pool) {}
        _ = (segment.descriptor, try semaphore.tryWait())
    }

    private static func silenceStandardError() throws {
        let null = try OwnedFileDescriptor.open("/dev/null", .writeOnly)
        try null.descriptor.duplicate(onto: .standardError)
    }
}

/// A task that says when it begins, and never ends.
struct ComputeForEver: PoolTask {
    let begun: PassedDescriptor

    func run(in context: WorkerContext) throws -> Int {
        try begun.descriptor?.writeAll([1])
        var digest: UInt64 = 1
        while digest != 0 { digest = digest &* 6_364_136_223_846_793_005 | 1 }
        return 0
    }
}
