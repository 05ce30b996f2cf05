import Syscalls

/// How one process tells another which type it means: by the type's mangled name, which every build of it knows.
package enum TypeName {
    /// The name under which another process running the same code finds a type; `nil` for private and local types, whose
    /// names do not resolve.
    package static func resolvableName(of type: Any.Type) -> String? {
        if let known = names.withLock({ $0[ObjectIdentifier(type)] }) { return known }
        guard let name = _mangledTypeName(type), isHarmless(name), _typeByName(name) == type else { return nil }
        names.withLock { $0[ObjectIdentifier(type)] = name }
        return name
    }

    /// The type of a name that came from another process; `nil` when there is none of that name here.
    package static func type(named name: String) -> Any.Type? {
        // The runtime's own parser crashes on some names that no compiler makes, all of which hold a `$`.
        isHarmless(name) ? _typeByName(name) : nil
    }

    private static let names = Lock<[ObjectIdentifier: String]>([:])

    private static func isHarmless(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.count <= 4096
            && name.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
                    true
                default: false
                }
            }
    }
}
