import Reactor
import Syscalls

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A toy backend over select(2), which `Docs/Reactor.md` builds step by step.
public final class SelectBackend: ReactorBackend {
    public static var name: String { "select" }

    private struct Registration {
        var interest: Interest
        var token: UInt64
    }

    private var registrations: [FileDescriptor: Registration] = [:]

    public init() {}

    public func register(_ descriptor: FileDescriptor, interest: Interest, token: UInt64) throws(Errno) {
        try check(descriptor, interest)
        guard registrations[descriptor] == nil else { throw .fileExists }
        registrations[descriptor] = Registration(interest: interest, token: token)
    }

    public func modify(_ descriptor: FileDescriptor, interest: Interest, token: UInt64) throws(Errno) {
        guard registrations[descriptor] != nil else { throw .noSuchFileOrDirectory }
        try check(descriptor, interest)
        registrations[descriptor] = Registration(interest: interest, token: token)
    }

    public func deregister(_ descriptor: FileDescriptor) {
        registrations[descriptor] = nil
    }

    public func wait(timeout: Duration?, into events: inout [ReadinessEvent]) throws(Errno) {
        var readable = DescriptorSet(registrations.filter { $0.value.interest.contains(.readable) }.keys)
        var writable = DescriptorSet(registrations.filter { $0.value.interest.contains(.writable) }.keys)
        switch DescriptorSet.select(&readable, &writable, timeout: timeout) {
        case nil:
            break
        case .badFileDescriptor:
            // One of them was closed, and select(2) does not say which.
            for (descriptor, registration) in registrations where !descriptor.isOpen {
                events.append(ReadinessEvent(token: registration.token, readiness: .invalid))
            }
            return
        case let error?:
            throw error
        }
        for (descriptor, registration) in registrations {
            var readiness: Readiness = []
            if readable.contains(descriptor) { readiness.insert(.readable) }
            if writable.contains(descriptor) { readiness.insert(.writable) }
            if readiness.isEmpty { continue }
            events.append(ReadinessEvent(token: registration.token, readiness: readiness))
            if registration.interest.contains(.oneShot) { registrations[descriptor]?.interest = [] }
        }
    }

    public func recreate() {
        registrations = [:]
    }

    private func check(_ descriptor: FileDescriptor, _ interest: Interest) throws(Errno) {
        guard descriptor.isOpen else { throw .badFileDescriptor }
        guard !interest.contains(.edgeTriggered) else { throw .notSupported }
    }
}

/// The bits of select(2), one for each descriptor. The kernel takes as many as there are; `fd_set` stops at 1024.
private struct DescriptorSet {
    private var words: [UInt]

    init(_ descriptors: some Sequence<FileDescriptor>) {
        words = []
        for descriptor in descriptors {
            let number = Int(descriptor.rawValue)
            while words.count <= number / UInt.bitWidth { words.append(0) }
            words[number / UInt.bitWidth] |= 1 << UInt(number % UInt.bitWidth)
        }
    }

    func contains(_ descriptor: FileDescriptor) -> Bool {
        let number = Int(descriptor.rawValue)
        return number / UInt.bitWidth < words.count
            && words[number / UInt.bitWidth] & 1 << UInt(number % UInt.bitWidth) != 0
    }

    /// Leaves what is ready in the sets, and returns what went wrong.
    static func select(_ readable: inout DescriptorSet, _ writable: inout DescriptorSet, timeout: Duration?) -> Errno? {
        let count = max(readable.words.count, writable.words.count, 1)
        readable.words += Array(repeating: 0, count: count - readable.words.count)
        writable.words += Array(repeating: 0, count: count - writable.words.count)
        let limit = CInt(count * UInt.bitWidth)
        let result = readable.words.withUnsafeMutableBytes { readable in
            writable.words.withUnsafeMutableBytes { writable in
                // Sound: as many bits as the call is told that there are.
                let readable = readable.baseAddress!.assumingMemoryBound(to: fd_set.self)
                let writable = writable.baseAddress!.assumingMemoryBound(to: fd_set.self)
                guard let timeout else { return pselect(limit, readable, writable, nil, nil, nil) }
                let (seconds, attoseconds) = timeout.components
                var time = timespec(tv_sec: Int(seconds), tv_nsec: Int(attoseconds / 1_000_000_000))
                return pselect(limit, readable, writable, nil, &time, nil)
            }
        }
        return result == -1 ? Errno(rawValue: errno) : nil
    }
}
