import CSyscalls

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// This process's environment. See environ(7). Changing it is for processes with one thread.
public enum Environment {
    /// The value of a variable. The corresponding C function is `getenv`.
    public static subscript(name: String) -> String? {
        getenv(name).map { String(cString: $0) }
    }

    /// Sets a variable, or removes it (`nil`). The corresponding C functions are `setenv` and `unsetenv`.
    public static func set(_ name: String, to value: String?) {
        if let value { setenv(name, value, 1) } else { unsetenv(name) }
    }

    /// All of it, as `NAME=value`. The corresponding C variable is `environ`.
    public static var all: [String] {
        var entries: [String] = []
        guard var next = csys_environ() else { return entries }
        while let entry = next.pointee {
            entries.append(String(cString: entry))
            next += 1
        }
        return entries
    }
}
