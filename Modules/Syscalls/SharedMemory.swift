import CSyscalls

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Memory that several processes can map, by name or by a descriptor that they are given. See shm_overview(7), memfd_create(2).
public struct SharedMemory: ~Copyable, Sendable {
    /// What is mapped; it can be passed to another process. See mmap(2).
    public let owned: OwnedFileDescriptor

    /// The borrowed descriptor of what is mapped. See mmap(2).
    public var descriptor: FileDescriptor { owned.descriptor }

    /// Takes over the descriptor of shared memory, such as one that was received.
    ///
    /// Memory from a peer is safe to map only when it can no longer shrink: see `isSealedAgainstResizing`. See mmap(2).
    public init(owning descriptor: consuming OwnedFileDescriptor) {
        owned = descriptor
    }

    /// Creates a named segment. It stays until `unlink`, whoever dies: see the ResourceTracker module.
    ///
    /// - Parameters:
    ///   - name: `/` and up to 254 further bytes without a `/`.
    ///   - size: Bytes.
    /// - Throws: `Errno.fileExists` when there is one of that name.
    ///
    /// The corresponding C functions are `shm_open` and `ftruncate`.
    public init(creating name: String, size: Int, permissions: mode_t = 0o600) throws(Errno) {
        let descriptor = OwnedFileDescriptor(
            owning: try retryingOnInterrupt { csys_shm_open(name, O_CREAT | O_EXCL | O_RDWR, permissions) })
        do throws(Errno) {
            try descriptor.descriptor.truncate(to: Int64(size))
        } catch {
            try? SharedMemory.unlink(name)
            throw error
        }
        owned = descriptor
    }

    /// Opens an existing named segment. The corresponding C function is `shm_open`.
    public init(opening name: String, readOnly: Bool = false) throws(Errno) {
        owned = OwnedFileDescriptor(
            owning: try retryingOnInterrupt { csys_shm_open(name, readOnly ? O_RDONLY : O_RDWR, 0) })
    }

    #if os(Linux)
        /// Memory without a name, gone with its last descriptor and mapping. Linux only.
        ///
        /// It can neither shrink nor grow, and says so to whoever gets it (`isSealedAgainstResizing`).
        /// The corresponding C function is `memfd_create`.
        public init(anonymous label: String, size: Int) throws(Errno) {
            let memory = OwnedFileDescriptor(owning: try retryingOnInterrupt { csys_memfd_create(label) })
            try memory.descriptor.truncate(to: Int64(size))
            let seals = csys_seal_shrink | csys_seal_grow | csys_seal_seal
            try checked(csys_add_seals(memory.descriptor.rawValue, seals))
            owned = memory
        }

        /// Whether the size is fixed for good: a mapping of it can never be cut, which would be SIGBUS. Linux only. The
        /// corresponding C function is `fcntl` with `F_GET_SEALS`.
        public var isSealedAgainstResizing: Bool {
            let seals = csys_get_seals(descriptor.rawValue)
            return seals != -1 && seals & csys_seal_shrink != 0
        }
    #endif

    /// Memory without a name, whose size whoever has it may change: not to be mapped when it came from a stranger.
    ///
    /// The corresponding C functions are `memfd_create` and `ftruncate`; where there is no such, `shm_open`.
    package init(growable label: String, size: Int) throws(Errno) {
        #if os(Linux)
            let memory = OwnedFileDescriptor(owning: try retryingOnInterrupt { csys_memfd_create(label) })
            try memory.descriptor.truncate(to: Int64(size))
            owned = memory
        #else
            // Without a number Darwin's names are too short to say more.
            let name = "/\(label.prefix(8))-\(ProcessID.current)"
            let memory = try SharedMemory(creating: name, size: size)
            try SharedMemory.unlink(name)
            owned = try memory.owned.duplicate()
        #endif
    }

    /// Bytes. The corresponding C function is `fstat`.
    public func size() throws(Errno) -> Int {
        Int(try descriptor.status().size)
    }

    /// Maps all of it into this process. The corresponding C function is `mmap`.
    public func map(writable: Bool = true) throws(Errno) -> MemoryMapping {
        try MemoryMapping(descriptor, count: try size(), writable: writable)
    }

    /// Removes a segment's name. Those who have it open keep it. The corresponding C function is `shm_unlink`.
    public static func unlink(_ name: String) throws(Errno) {
        try checked(shm_unlink(name))
    }
}

/// A mapping of shared memory into this process, undone when it goes. See mmap(2).
public struct MemoryMapping: ~Copyable, @unchecked Sendable {
    // Sound: the address never changes, and what other processes do to the memory is outside Swift's model anyway.
    private let base: UnsafeMutableRawPointer
    /// Bytes. See mmap(2).
    public let count: Int

    /// Maps `count` bytes from the start of a file. The corresponding C function is `mmap` with `MAP_SHARED`.
    public init(_ descriptor: FileDescriptor, count: Int, writable: Bool) throws(Errno) {
        guard
            let base = mmap(
                nil, count, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, descriptor.rawValue, 0),
            base != MAP_FAILED
        else { throw Errno.current }
        self.base = base
        self.count = count
    }

    /// Maps zeroed memory that this process and those it forks from now on share, and nobody else. The corresponding C function
    /// is `mmap` with `MAP_ANONYMOUS` and `MAP_SHARED`.
    public init(sharedWithChildren count: Int) throws(Errno) {
        guard
            let base = mmap(nil, count, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0),
            base != MAP_FAILED
        else { throw Errno.current }
        self.base = base
        self.count = count
    }

    deinit {
        munmap(base, count)
    }

    /// Runs `body` with the bytes, to read. See mmap(2).
    public borrowing func withSpan<Result, Failure: Error>(
        _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(UnsafeRawBufferPointer(start: base, count: count).bytes)
    }

    /// Runs `body` with the bytes, to read and write. On a mapping that is not writable a write is SIGSEGV. See mmap(2).
    ///
    /// The span keeps others of this process out no more than other processes: who writes when is for them to agree.
    public borrowing func withMutableSpan<Result, Failure: Error>(
        _ body: (inout MutableRawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        var span = UnsafeMutableRawBufferPointer(start: base, count: count).mutableBytes
        return try body(&span)
    }

    /// Runs `body` with the bytes, to read and write. On a mapping that is not writable a write is SIGSEGV. See
    /// mmap(2).
    public borrowing func withBytes<Result, Failure: Error>(
        _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(UnsafeMutableRawBufferPointer(start: base, count: count))
    }
}
