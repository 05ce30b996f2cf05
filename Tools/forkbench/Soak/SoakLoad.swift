import FDPassing
import Pool
import Syscalls

/// Submits tasks of every kind, each after the one before it has ended, until it is stopped.
final class SoakLoad: Sendable {
    private let pool: Pool
    private let ledger: SoakLedger
    private let journal: PassedDescriptor
    private let stopped = Lock(false)

    init(_ pool: Pool, _ ledger: SoakLedger, journal: PassedDescriptor) {
        self.pool = pool
        self.ledger = ledger
        self.journal = journal
    }

    func stop() { stopped.withLock { $0 = true } }

    /// Runs with so many submitters at a time; returns when the last has ended.
    func run(submitters: Int) async {
        await withTaskGroup(of: Void.self) { group in
            for submitter in 0..<submitters {
                group.addTask { [self] in
                    var turn = submitter
                    while !stopped.withLock({ $0 }) {
                        await submit(SoakKind(rawValue: turn % SoakKind.allCases.count)!)
                        turn += 1
                    }
                }
            }
        }
    }

    private func submit(_ kind: SoakKind) async {
        let number = ledger.begin()
        do {
            try await run(kind, number)
            ledger.end(number, kind, result: true)
        } catch let error as SoakError where kind == .failing && error.number == number {
            ledger.end(number, kind, result: false, error: "its own, as it was to")
        } catch PoolError.workerDied(let death) {
            let isAllowed =
                death.status == .signaled(9, coreDumped: false) || (kind == .retried && death.status == .exited(3))
            if !isAllowed { ledger.breach("task \(number) (\(kind)): \(death)") }
            ledger.end(number, kind, result: false, error: "its worker died")
        } catch PoolError.timeLimitExceeded where kind == .endless {
            ledger.end(number, kind, result: false, error: "time limit, as it was to")
        } catch is CancellationError where kind == .cancelled {
            ledger.end(number, kind, result: false, error: "cancelled, as it was to")
        } catch let failure as MapFailure {
            guard case PoolError.workerDied = failure.error else {
                ledger.breach("task \(number) (\(kind)): \(failure)")
                return ledger.end(number, kind, result: false, error: "another")
            }
            ledger.end(number, kind, result: false, error: "its worker died")
        } catch {
            ledger.breach("task \(number) (\(kind)) ended in \(error)")
            ledger.end(number, kind, result: false, error: "another")
        }
    }

    private func run(_ kind: SoakKind, _ number: Int) async throws {
        let task = SoakTask(kind: kind, number: number, journal: journal)
        var options = TaskOptions()
        switch kind {
        case .plain, .failing: try expect(try await pool.run(task), number &* 3)
        case .blocking: try expect(try await onThread { try self.pool.run(task) }, number &* 3)
        case .asynchronous:
            try expect(try await pool.run(SoakAsyncTask(number: number, journal: journal)), number &* 3)
        case .descriptor:
            let pipe = try await pool.run(SoakPipe(number: number, journal: journal))
            let text = try pipe.descriptor.map { String(decoding: try $0.read(upTo: 100), as: UTF8.self) }
            try expect(text, "\(number)")
        case .payload:
            let bytes = [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: 200_000)
            let result = try await pool.run(SoakPayload(number: number, bytes: SharedBytes(bytes), journal: journal))
            try expect(result.bytes == bytes, true)
        case .endless:
            options.timeLimit = .milliseconds(5)
            try expect(try await pool.run(task, options: options), -1)
        case .retried:
            options.retries = 5
            try expect(try await pool.run(task, options: options), number &* 3)
        case .cancelled:
            let handle = try await pool.submit(task)
            handle.cancel()
            try expect(try await handle.value, number &* 3)
        case .many:
            let outputs = try await pool.map((0..<50).map { Increment(number: $0) })
            try expect(outputs, Array(1...50))
            // It leaves no note otherwise.
            try expect(try await pool.run(task), number &* 3)
        }
    }

    private func expect<Value: Equatable>(_ value: Value, _ expected: Value) throws {
        if value != expected { throw Unexpected(expected: "\(expected)", seen: "\(value)") }
    }

    private func onThread<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            do {
                try Thread(name: "submitter") { continuation.resume(with: Result { try body() }) }.detach()
            } catch {
                continuation.resume(throwing: error)
            }
        }
    }
}
