import Syscalls

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Runs a body while this process may open no further descriptor. Only for helpers.
public func withoutRoomForDescriptors<Result: ~Copyable>(_ body: () throws -> Result) throws -> Result {
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    let open = try FileDescriptor.allOpen().map(\.rawValue)
    // A gap would be room.
    checkEqual(open, Array(0..<CInt(open.count)))
    var none = limit
    none.rlim_cur = rlim_t(open.count)
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &none)
    defer { setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) }
    return try body()
}
