import Syscalls

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Runs a body while this process may open no further descriptor, or only so many. Only for helpers.
public func withoutRoomForDescriptors<Result: ~Copyable>(
    but room: Int = 0, _ body: () throws -> Result
) throws -> Result {
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    let highest = try FileDescriptor.allOpen().map(\.rawValue).max() ?? 0
    var none = limit
    none.rlim_cur = rlim_t(Int(highest) + 1 + room)
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
    for _ in 0..<room { OwnedFileDescriptor(owning: fillers.removeLast()).discard() }
    return try body()
}
