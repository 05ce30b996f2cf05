import ProcessRoles
import Syscalls

/// The types of the programs that children of a server run, in the order in which they were met.
///
/// They are looked up in the server and not in its children: that is slow the first time, and what the runtime learns from it every
/// child forked later has in memory.
struct ProgramTypes {
    private(set) var all: [any ChildProgram.Type] = []
    private var numbers: [String: Int] = [:]

    /// The place of a type in `all`; `nil` when there is no such program.
    mutating func number(of name: String) -> Int? {
        if let known = numbers[name] { return known }
        guard let type = TypeName.type(named: name) as? any ChildProgram.Type else { return nil }
        type.prepareDecoding()
        #if os(Linux)
            // Of those that doing so may have installed.
            try? keepExitHandlersFromChildren()
        #endif
        all.append(type)
        numbers[name] = all.count - 1
        return all.count - 1
    }
}
