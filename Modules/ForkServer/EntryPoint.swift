import Syscalls

/// Runs one of the functions that were given to `bootstrap`.
struct EntryPoint: ChildProgram {
    typealias Function = @Sendable (ChildContext, [String]) throws -> Void

    let name: String
    let arguments: [String]

    private static let functions = Lock<[String: Function]>([:])

    static func register(_ functions: [String: Function]) {
        Self.functions.withLock { $0.merge(functions) { _, new in new } }
    }

    func run(in child: ChildContext) throws {
        let functions = Self.functions.withLock { $0 }
        guard let function = functions[name] else {
            throw UnknownEntryPoint(name: name, known: functions.keys.sorted())
        }
        try function(child, arguments)
    }
}

private struct UnknownEntryPoint: Error, CustomStringConvertible {
    let name: String
    let known: [String]

    var description: String {
        "there is no entry point “\(name)”: bootstrap(entryPoints:) was given \(known.joined(separator: ", "))"
    }
}
