import Syscalls
import TestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

@Suite("Error numbers")
struct ErrnoTests {
    @Test("an error says the C library's message and its name, or its number where it has none")
    func description() {
        #expect(Errno.brokenPipe.description == "Broken pipe (EPIPE)")
        #expect(Errno.noSuchFileOrDirectory.description == "No such file or directory (ENOENT)")
        #expect(Errno(rawValue: EXDEV).description.hasSuffix(" (EXDEV)"))
        #expect(Errno(rawValue: 99999).description.hasSuffix(" (errno 99999)"))
    }

    @Test("an error is told apart by its number")
    func equality() {
        #expect(Errno.interrupted == Errno(rawValue: EINTR))
        #expect(Errno.interrupted != .invalidArgument)
    }

    @Test("an interrupted call is repeated and another failure is not")
    func retrying() throws {
        var calls = 0
        let result = try retryingOnInterrupt { () -> CInt in
            calls += 1
            errno = EINTR
            return calls < 4 ? -1 : 7
        }
        #expect(result == 7)
        #expect(calls == 4)
        calls = 0
        #expect(throws: Errno.badFileDescriptor) {
            try retryingOnInterrupt { () -> CInt in
                calls += 1
                errno = EBADF
                return -1
            }
        }
        #expect(calls == 1)
    }
}
