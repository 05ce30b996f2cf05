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
    let highest = try FileDescriptor.allOpen().map(\.rawValue).max() ?? 0
    var none = limit
    none.rlim_cur = rlim_t(highest + 1)
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &none)
    // The gaps below are room.
    var fillers: [CInt] = []
    defer {
        for filler in fillers { OwnedFileDescriptor(owning: filler).discard() }
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
    do throws(Errno) {
        while true { fillers.append(try FileDescriptor.standardError.duplicate().take()) }
    } catch {
        checkEqual(error, .tooManyOpenFiles)
    }
    return try body()
}
