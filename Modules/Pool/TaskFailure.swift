import BinaryCoding
import ProcessRoles
import Syscalls

/// Why a task has no result, as its worker tells it.
enum TaskFailure: Error, Codable {
    /// It threw: what that is and says of itself, and the error as it is, where it can travel.
    case threw(type: String, description: String, error: PackedError?)
    case typeUnknown
    case coding(String)

    /// An error under its type's name.
    struct PackedError: Codable, Sendable {
        let typeName: String
        let payload: [UInt8]
    }

    init(_ error: any Error) {
        self = .threw(type: String(reflecting: type(of: error)), description: "\(error)", error: PackedError(error))
    }

    /// What whoever waits for the task is to be told.
    func error(of task: String, in worker: ProcessID) -> any Error {
        switch self {
        case .threw(let type, let description, let packed):
            packed?.unpacked ?? RemoteError(type: type, description: description, task: task, processID: worker)
        case .typeUnknown: PoolError.typeUnknown(task)
        case .coding(let reason): PoolError.coding(reason)
        }
    }
}

extension TaskFailure.PackedError {
    /// `nil` for an error that is not `Codable`, or not to be found by its name.
    fileprivate init?(_ error: any Error) {
        guard let error = error as? any Error & Codable, let name = TypeName.resolvableName(of: type(of: error)),
            let payload = try? BinaryEncoder().encode(error)
        else { return nil }
        typeName = name
        self.payload = payload
    }

    fileprivate var unpacked: (any Error)? {
        guard let type = TypeName.type(named: typeName) as? any (Error & Codable).Type else { return nil }
        return decoded(type)
    }

    private func decoded<Failure: Error & Codable>(_ type: Failure.Type) -> (any Error)? {
        try? BinaryDecoder().decode(type, from: payload)
    }
}
