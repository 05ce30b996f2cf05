#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A limit on what this process may use. See getrlimit(2).
public struct ResourceLimit: Hashable, Sendable, Codable {
    /// What is limited. See getrlimit(2).
    public enum Resource: Sendable, CaseIterable, Codable {
        /// The number of open descriptors.
        case openFiles
        /// Bytes of address space.
        case addressSpace
        /// Bytes of a core dump.
        case coreSize
        /// Seconds of processor time.
        case cpuTime
        /// Bytes of the main thread's stack.
        case stackSize
        /// Bytes of a file that is written.
        case fileSize
        /// Processes of this user.
        case processes
        /// Bytes of memory that is locked.
        case lockedMemory

        #if canImport(Glibc)
            fileprivate var number: CInt {
                switch self {
                case .openFiles: CInt(RLIMIT_NOFILE.rawValue)
                case .addressSpace: CInt(RLIMIT_AS.rawValue)
                case .coreSize: CInt(RLIMIT_CORE.rawValue)
                case .cpuTime: CInt(RLIMIT_CPU.rawValue)
                case .stackSize: CInt(RLIMIT_STACK.rawValue)
                case .fileSize: CInt(RLIMIT_FSIZE.rawValue)
                case .processes: CInt(__RLIMIT_NPROC.rawValue)
                case .lockedMemory: CInt(__RLIMIT_MEMLOCK.rawValue)
                }
            }
        #else
            fileprivate var number: CInt {
                switch self {
                case .openFiles: RLIMIT_NOFILE
                case .addressSpace: RLIMIT_AS
                case .coreSize: RLIMIT_CORE
                case .cpuTime: RLIMIT_CPU
                case .stackSize: RLIMIT_STACK
                case .fileSize: RLIMIT_FSIZE
                case .processes: RLIMIT_NPROC
                case .lockedMemory: RLIMIT_MEMLOCK
                }
            }
        #endif
    }

    /// What is enforced; `nil` is no limit. The corresponding C field is `rlim_cur`.
    public var soft: UInt64?
    /// How far the soft one may be raised; `nil` is no limit. The corresponding C field is `rlim_max`.
    public var hard: UInt64?

    /// A limit to be applied. See getrlimit(2).
    public init(soft: UInt64?, hard: UInt64?) {
        self.soft = soft
        self.hard = hard
    }

    /// This process's limit on a resource. The corresponding C function is `getrlimit`.
    public static func current(_ resource: Resource) throws(Errno) -> ResourceLimit {
        var limit = rlimit()
        try checked(getrlimit(resource.number, &limit))
        return ResourceLimit(soft: bounded(limit.rlim_cur), hard: bounded(limit.rlim_max))
    }

    /// Makes this the process's limit on a resource. The corresponding C function is `setrlimit`.
    public func apply(to resource: Resource) throws(Errno) {
        var limit = rlimit(rlim_cur: rlim_t(soft ?? Self.infinity), rlim_max: rlim_t(hard ?? Self.infinity))
        try checked(setrlimit(resource.number, &limit))
    }

    /// Raises the soft limit on open descriptors to the hard one. The corresponding C function is `setrlimit`.
    public static func raiseOpenFiles() throws(Errno) {
        var limit = try current(.openFiles)
        limit.soft = limit.hard
        try limit.apply(to: .openFiles)
    }

    #if canImport(Glibc)
        // RLIM_INFINITY, a macro that Swift does not import.
        private static let infinity = UInt64.max
    #else
        private static let infinity = UInt64(Int64.max)
    #endif

    private static func bounded(_ value: rlim_t) -> UInt64? {
        UInt64(value) == infinity ? nil : UInt64(value)
    }
}
