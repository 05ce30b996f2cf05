import FDPassing
import ForkServer
import ForkbenchCore
import Pool
import ResourceTracker
import Syscalls

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Sustained load on a pool, with everything that can die dying meanwhile if that is asked for, and what must be true in the end.
struct Soak {
    let duration: Duration
    let hasChaos: Bool
    let workers: Int

    private static let submitters = 16
    private static let longestTask = Duration.seconds(60)
    /// Memory that comes and goes with what the allocator keeps.
    private static let allowedGrowthKiB = 48 << 10

    /// What a program has that could leak.
    private struct Holdings {
        /// What each of them is.
        let descriptors: [String]
        let children: Int
        let memoryKiB: Int

        static func now() throws -> Holdings {
            #if os(Linux)
                let children = try directoryEntries("/proc").compactMap { Int32($0) }.count { isChild($0) }
                return Holdings(
                    descriptors: try FileDescriptor.allOpen().map { name(of: $0) }, children: children,
                    memoryKiB: try ProcessID.current.privateMemoryKiB())
            #else
                return Holdings(descriptors: [], children: 0, memoryKiB: 0)
            #endif
        }

        /// What is left once threads and connections that are ending have ended.
        static func settled() async throws -> Holdings {
            var last = try now()
            var unchanged = 0
            while unchanged < 5 {
                try await Task.sleep(for: .milliseconds(200))
                let next = try now()
                let isSame = next.descriptors.count == last.descriptors.count && next.children == last.children
                unchanged = isSame ? unchanged + 1 : 0
                last = next
            }
            return last
        }

        private static func name(of descriptor: FileDescriptor) -> String {
            var name = [CChar](repeating: 0, count: 256)
            let count = readlink("/proc/self/fd/\(descriptor.rawValue)", &name, name.count)
            return String(decoding: name.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }

        private static func isChild(_ process: Int32) -> Bool {
            guard let file = try? OwnedFileDescriptor.open("/proc/\(process)/stat", .readOnly),
                let bytes = try? file.descriptor.readToEnd()
            else { return false }
            let text = String(decoding: bytes, as: UTF8.self)
            guard let end = text.lastIndex(of: ")") else { return false }
            return text[end...].split(separator: " ").dropFirst(2).first == "\(ProcessID.current)"
        }
    }

    /// Returns the broken invariants.
    func run() async throws -> [String] {
        // Once for a moment and without chaos: what is made once and kept, such as threads, is there before anything is counted.
        _ = try await load(for: .seconds(1), chaos: false, report: { _ in })
        let before = try await Holdings.settled()
        let (ledger, kills) = try await load(for: duration, chaos: hasChaos) { print($0) }
        let after = try await Holdings.settled()
        var broken = ledger.breaches
        if ledger.open > 0 { broken.append("\(ledger.open) tasks have not ended") }
        if after.descriptors.count != before.descriptors.count {
            let new = Set(after.descriptors).subtracting(before.descriptors).sorted()
            broken.append(
                "descriptors: \(before.descriptors.count) before, \(after.descriptors.count) after, such as \(new)")
        }
        if after.children != before.children {
            broken.append("child processes: \(before.children) before, \(after.children) after")
        }
        if after.memoryKiB > before.memoryKiB + Self.allowedGrowthKiB {
            broken.append("private memory: \(before.memoryKiB) KiB before, \(after.memoryKiB) KiB after")
        }
        if hasChaos, duration >= .seconds(10), kills["worker"] ?? 0 == 0 { broken.append("nothing was killed") }
        print("ended        \(ledger.ended): \(ledger.results) with a result")
        for (error, count) in ledger.errors.sorted(by: { $0.value > $1.value }) {
            print("             \(count) \(error)")
        }
        print(
            "killed       "
                + (kills.isEmpty
                    ? "nothing"
                    : kills.sorted { $0.key < $1.key }.map { "\($0.value) × \($0.key)" }.joined(separator: ", ")))
        print("descriptors  \(before.descriptors.count) before, \(after.descriptors.count) after")
        print("children     \(before.children) before, \(after.children) after")
        print("memory       \(before.memoryKiB) KiB before, \(after.memoryKiB) KiB after")
        return broken
    }

    private func load(
        for duration: Duration, chaos: Bool, report: @escaping @Sendable (String) -> Void
    ) async throws -> (SoakLedger.Figures, [String: Int]) {
        let journal = PassedDescriptor(try Self.makeJournal())
        let tracker = ResourceTracker()
        var options = ForkServer.Options()
        options.resourceTracker = tracker
        options.gracePeriod = .milliseconds(200)
        let server = ForkServer(options)
        var poolOptions = Pool.Options()
        poolOptions.name = "soak"
        let pool = try Pool(workers: workers, server: server, options: poolOptions)
        let ledger = SoakLedger()
        let load = SoakLoad(pool, ledger, journal: journal)
        let killer = SoakChaos(pool, server, tracker)
        let killing = chaos ? try JoinedThread { killer.run() } : nil
        let watching = Task.detached { [workers] in
            let end = Deadline.after(duration)
            var last = 0
            while !end.hasPassed, !Interruption.hasCome {
                try? await Task.sleep(for: min(.seconds(5), end.remaining ?? .zero))
                ledger.checkForHangs(longerThan: Self.longestTask)
                let (now, pooled) = (ledger.figures, pool.statistics)
                ledger.forgetTimes()
                let (median, p99, most) = now.percentiles
                let held = (try? Holdings.now()).map { "; \($0.descriptors.count) descriptors, \($0.memoryKiB) KiB" }
                report(
                    "\(decimal(Double(now.ended - last) / 5, 0)) tasks/s, median \(decimal(median, 2)) ms, 99 % \(decimal(p99, 1)) ms, "
                        + "longest \(decimal(most, 1)) ms; \(pooled.workers) of \(workers) workers, \(pooled.restarts) restarts, "
                        + "\(pooled.retried) retries, \(now.breaches.count) breaches" + (held ?? ""))
                last = now.ended
            }
            load.stop()
            // What hangs now is told, and the soak ends all the same.
            try? await Task.sleep(for: Self.longestTask)
            if !Task.isCancelled {
                ledger.checkForHangs(longerThan: .zero)
                await pool.terminate()
            }
        }
        await load.run(submitters: Self.submitters)
        watching.cancel()
        killer.stop()
        try killing?.join()
        await pool.shutDown(until: .after(.seconds(30)))
        await server.shutDown()
        _ = try? tracker.close()
        ledger.compare(try Self.contents(of: journal))
        return (ledger.figures, killer.kills)
    }

    /// A file without a name.
    private static func makeJournal() throws -> OwnedFileDescriptor {
        let path = "/tmp/forkbench-soak-\(ProcessID.current)"
        let file = try OwnedFileDescriptor.open(path, [.readWrite, .create, .exclusive, .append], permissions: 0o600)
        unlink(path)
        return file
    }

    private static func contents(of journal: PassedDescriptor) throws -> [UInt8] {
        guard let number = journal.descriptor else { return [] }
        return try OwnedFileDescriptor.open("/proc/self/fd/\(number.rawValue)", .readOnly).readAll()
    }
}

extension OwnedFileDescriptor {
    fileprivate consuming func readAll() throws(Errno) -> [UInt8] { try descriptor.readToEnd() }
}

extension Command {
    func runSoak(_ arguments: [String]) async throws -> Int32 {
        let parsed = try parse(arguments)
        let text = parsed.values["--duration"] ?? "60s"
        guard let duration = Duration(soak: text) else {
            throw UsageError("soak: “\(text)” is no duration such as 60s, 10m or 1h")
        }
        try Interruption.watch()
        let soak = Soak(
            duration: duration, hasChaos: parsed.flags.contains("--chaos"),
            workers: try parsed.positiveNumber("--workers") ?? 4)
        let broken = try await soak.run()
        for invariant in broken.prefix(20) { print("BROKEN       \(invariant)") }
        print(broken.isEmpty ? "every invariant held" : "\(broken.count) invariants broken")
        return broken.isEmpty ? 0 : 1
    }
}

extension Duration {
    /// Such as `90s`, `10m`, `1h`.
    fileprivate init?(soak text: String) {
        guard let unit = text.last, let number = Int(text.dropLast()), number > 0 else { return nil }
        switch unit {
        case "s": self = .seconds(number)
        case "m": self = .seconds(number * 60)
        case "h": self = .seconds(number * 3600)
        default: return nil
        }
    }
}
