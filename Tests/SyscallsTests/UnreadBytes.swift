import Syscalls

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// How many bytes have come on a descriptor that nobody has read.
func unreadByteCount(_ descriptor: FileDescriptor) throws -> Int {
    var count: CInt = 0
    guard ioctl(descriptor.rawValue, UInt(FIONREAD), &count) == 0 else { throw Errno(rawValue: errno) }
    return Int(count)
}
