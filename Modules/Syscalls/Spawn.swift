import CSyscalls

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Starting a program in a process of its own. See posix_spawn(3).
///
/// The program gets the descriptors of the map and no other, whatever their close-on-exec flags say.
public struct SpawnOptions: Sendable {
    /// The program's arguments, its name first. See execve(2).
    public var arguments: [String]
    /// `NAME=value` strings; `nil` is this process's own environment. See environ(7).
    public var environment: [String]?
    /// Which descriptor of the program is which of ours. Numbers not named are closed in it. The corresponding C
    /// function is `posix_spawn_file_actions_adddup2`.
    public var descriptors: [CInt: FileDescriptor]
    /// Signals that have their default effect in it, whatever they have here. The corresponding C function is
    /// `posix_spawnattr_setsigdefault`.
    public var defaultSignals: SignalSet
    /// Signals that are blocked in it. The corresponding C function is `posix_spawnattr_setsigmask`.
    public var signalMask: SignalSet
    /// The directory that it starts in; `nil` is ours. The corresponding C function is
    /// `posix_spawn_file_actions_addchdir_np`.
    public var workingDirectory: String?
    /// Whether it leads a process group of its own. The corresponding C function is `posix_spawnattr_setpgroup`.
    public var ownProcessGroup: Bool
    /// Whether it leads a session of its own. The corresponding C flag is `POSIX_SPAWN_SETSID`.
    public var ownSession: Bool

    /// A program that has our standard streams, and default signals. See posix_spawn(3).
    public init(arguments: [String]) {
        self.arguments = arguments
        environment = nil
        descriptors = [0: .standardInput, 1: .standardOutput, 2: .standardError]
        defaultSignals = .all
        signalMask = []
        workingDirectory = nil
        ownProcessGroup = false
        ownSession = false
    }
}

extension ProcessID {
    /// Starts a program.
    ///
    /// - Parameter path: The executable's path; the search path is not asked.
    /// - Returns: The child, which the caller has to `wait` for.
    /// - Throws: What kept it from starting, such as `Errno.noSuchFileOrDirectory`.
    ///
    /// The corresponding C function is `posix_spawn`.
    public static func spawn(_ path: String, _ options: SpawnOptions) throws(Errno) -> ProcessID {
        // A target may be the number of another entry's source. So each source first moves out of the targets' way.
        let firstFree = (options.descriptors.keys.max() ?? -1) + 1
        let targets = options.descriptors.keys.sorted()
        var sources = MovedDescriptors()
        for target in targets { try sources.append(options.descriptors[target]!, atLeast: firstFree) }

        let actions = try SpawnActions()
        for (index, target) in targets.enumerated() {
            try actions.check(posix_spawn_file_actions_adddup2(actions.actions, sources.descriptors[index], target))
        }
        for number in 0..<firstFree where options.descriptors[number] == nil {
            // An open one is closed; glibc takes no offence at one that is not open.
            try actions.check(posix_spawn_file_actions_addclose(actions.actions, number))
        }
        try actions.check(csys_spawn_add_close_from(actions.actions, firstFree))
        if let directory = options.workingDirectory {
            try actions.check(csys_spawn_add_chdir(actions.actions, directory))
        }
        try actions.setAttributes(of: options)

        return try withCStrings(options.arguments) { arguments throws(Errno) in
            let environment = options.environment
            var child: pid_t = 0
            let result =
                if let environment {
                    withCStrings(environment) {
                        posix_spawn(&child, path, actions.actions, actions.attributes, arguments, $0)
                    }
                } else {
                    posix_spawn(&child, path, actions.actions, actions.attributes, arguments, csys_environ())
                }
            try actions.check(result)
            return ProcessID(rawValue: child)
        }
    }
}

/// Duplicates of descriptors, out of the way of low numbers, closed together.
private struct MovedDescriptors: ~Copyable {
    private(set) var descriptors: [CInt] = []

    mutating func append(_ descriptor: FileDescriptor, atLeast minimum: CInt) throws(Errno) {
        descriptors.append(try descriptor.duplicate(atLeast: minimum).take())
    }

    deinit {
        for descriptor in descriptors { close(descriptor) }
    }
}

/// The C library's description of a spawn, freed at the end.
private struct SpawnActions: ~Copyable {
    let actions: UnsafeMutablePointer<posix_spawn_file_actions_t>
    let attributes: UnsafeMutablePointer<posix_spawnattr_t>

    init() throws(Errno) {
        actions = .allocate(capacity: 1)
        attributes = .allocate(capacity: 1)
        posix_spawn_file_actions_init(actions)
        posix_spawnattr_init(attributes)
    }

    /// These functions return their error instead of setting `errno`.
    func check(_ result: CInt) throws(Errno) {
        if result != 0 { throw Errno(rawValue: result) }
    }

    func setAttributes(of options: SpawnOptions) throws(Errno) {
        var flags = CInt(POSIX_SPAWN_SETSIGDEF) | CInt(POSIX_SPAWN_SETSIGMASK)
        var defaults = options.defaultSignals.set
        // Their effect cannot be set, and Darwin refuses the attempt.
        sigdelset(&defaults, SIGKILL)
        sigdelset(&defaults, SIGSTOP)
        try check(posix_spawnattr_setsigdefault(attributes, &defaults))
        var mask = options.signalMask.set
        try check(posix_spawnattr_setsigmask(attributes, &mask))
        // The leader of a session leads its group by that, and the kernel lets it have no other.
        if options.ownProcessGroup, !options.ownSession {
            flags |= CInt(POSIX_SPAWN_SETPGROUP)
            try check(posix_spawnattr_setpgroup(attributes, 0))
        }
        if options.ownSession { flags |= CInt(csys_spawn_setsid_flag()) }
        #if canImport(Darwin)
            flags |= CInt(POSIX_SPAWN_CLOEXEC_DEFAULT)
        #endif
        try check(posix_spawnattr_setflags(attributes, Int16(flags)))
    }

    deinit {
        posix_spawn_file_actions_destroy(actions)
        posix_spawnattr_destroy(attributes)
        actions.deallocate()
        attributes.deallocate()
    }
}

/// Runs `body` with a null-terminated array of C strings.
package func withCStrings<Result, Failure: Error>(
    _ strings: [String],
    _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) throws(Failure) -> Result
) throws(Failure) -> Result {
    let pointers = strings.map { strdup($0) } + [nil]
    defer { for pointer in pointers { free(pointer) } }
    return try pointers.withUnsafeBufferPointer { buffer throws(Failure) in try body(buffer.baseAddress!) }
}
