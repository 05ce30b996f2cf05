import Syscalls

/// The last of the descriptors that the server may open: they are nobody's for long, so that there is room to take in a request,
/// if only to refuse it.
struct DescriptorReserve {
    private let first: CInt

    /// - Parameters:
    ///   - count: How many there are.
    ///   - share: Which part of all they are at the most, where the limit of open files is a low one: a half, a third …
    init(_ count: CInt, share: CInt) throws(Errno) {
        let limit = CInt(clamping: try ResourceLimit.current(.openFiles).soft ?? .max)
        first = limit - min(count, limit / share)
    }

    /// Whether a descriptor that has just been made is one of them. The kernel gives the lowest number that is free.
    func contains(_ descriptor: FileDescriptor) -> Bool { descriptor.rawValue >= first }
}
