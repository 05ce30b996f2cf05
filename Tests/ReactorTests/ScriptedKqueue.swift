import Syscalls

/// A kernel interface that does what a test says, and remembers what it was asked.
final class ScriptedKqueue: KqueueKernel {
    /// What one call brings.
    enum Answer {
        case events([KernelEvent])
        case error(Errno)
        /// To each change with `EV_RECEIPT`, an error or `nil`.
        case receipts([Errno?])
    }

    struct Call: Equatable {
        var changes: [KernelEvent]
        var count: Int
        var timeout: Duration?
    }

    private let state = Lock<(answers: [Answer], calls: [Call])>(([], []))

    init() {}

    /// What the next calls bring, in their order. Without it changes succeed, and nothing happens.
    func script(_ answers: Answer...) {
        state.withLock { $0.answers += answers }
    }

    /// The calls since it was asked last.
    func takeCalls() -> [Call] {
        state.withLock { state in
            defer { state.calls = [] }
            return state.calls
        }
    }

    var descriptor: FileDescriptor { FileDescriptor(rawValue: -1) }

    func kevent(
        _ changes: [KernelEvent], into events: inout [KernelEvent], upTo count: Int, timeout: Duration?
    ) throws(Errno) {
        let answer: Answer = state.withLock { state in
            state.calls.append(Call(changes: changes, count: count, timeout: timeout))
            return state.answers.isEmpty ? .receipts(changes.map { _ in nil }) : state.answers.removeFirst()
        }
        switch answer {
        case .events(let happened): events = happened
        case .error(let error): throw error
        case .receipts(let errors):
            events = zip(changes, errors).map { change, error in
                var receipt = change
                receipt.flags = .error
                receipt.data = error.map { Int($0.rawValue) } ?? 0
                return receipt
            }
        }
    }
}
