import ProcessRoles

/// A kind of named resource that stays when its owner dies, and how it is removed.
public struct ResourceKind: Hashable, Sendable {
    enum Builtin: UInt8, CaseIterable, Sendable {
        // In the order in which leaks are removed: those who might still use the rest first, and directories last, since
        // other resources may lie in them.
        case processGroup, semaphore, sharedMemory, unixSocket, file, custom, directory
    }

    let builtin: Builtin
    /// Of a custom one: the type, by the name under which another process finds it.
    let typeName: String

    private init(_ builtin: Builtin) {
        self.builtin = builtin
        typeName = ""
    }

    init(customNamed typeName: String) {
        builtin = .custom
        self.typeName = typeName
    }

    init?(code: UInt8) {
        guard let builtin = Builtin(rawValue: code), builtin != .custom else { return nil }
        self.init(builtin)
    }

    /// A named semaphore. See sem_overview(7).
    public static let semaphore = ResourceKind(.semaphore)
    /// A named shared memory segment. See shm_overview(7).
    public static let sharedMemory = ResourceKind(.sharedMemory)
    /// A file, by its path. A symbolic link is removed itself, never what it points to. See unlink(2).
    public static let file = ResourceKind(.file)
    /// A directory with everything in it, by its path. Links in it are removed, never followed. See unlinkat(2).
    public static let directory = ResourceKind(.directory)
    /// A socket in the file system, by its path; anything else that stands there is left alone. See unix(7).
    public static let unixSocket = ResourceKind(.unixSocket)
    /// A process group, by its number: killed. See `ResourceTracker.register(processGroup:)`, setpgid(2).
    public static let processGroup = ResourceKind(.processGroup)

    /// A kind of one's own. The tracker, which runs the same executable, finds the type by its name.
    ///
    /// - Throws: `ResourceTrackerError.typeNotNameable` for private and local types.
    public static func custom(_ type: any CustomResource.Type) throws(ResourceTrackerError) -> ResourceKind {
        guard let name = TypeName.resolvableName(of: type) else {
            throw .typeNotNameable(String(reflecting: type))
        }
        return ResourceKind(customNamed: name)
    }

    /// Whether its names are paths, which mean the same everywhere only from the root on.
    var isPath: Bool {
        switch builtin {
        case .file, .directory, .unixSocket: true
        case .semaphore, .sharedMemory, .processGroup, .custom: false
        }
    }
}

extension ResourceKind: CustomStringConvertible {
    /// The name that CPython or loky gives it, where they have it; of a custom one, its type's.
    public var description: String {
        switch builtin {
        case .semaphore: "semaphore"
        case .sharedMemory: "shared_memory"
        case .file: "file"
        case .directory: "folder"
        case .unixSocket: "socket"
        case .processGroup: "process_group"
        case .custom: TypeName.type(named: typeName).map { "\($0)" } ?? typeName
        }
    }
}

/// A kind of resource with a clean-up of one's own, which runs in the tracker.
///
/// It is found by its type's name, so the type must not be private or local to a function. The tracker forks a process
/// for each clean-up, which may crash or hang without harm to others: it is killed after a minute.
public protocol CustomResource {
    /// Removes a resource. That it is gone already should be no error.
    ///
    /// Runs in a process with one thread, whose memory is that of a freshly started tracker.
    /// - Parameter name: The bytes that it was registered under.
    static func remove(_ name: [UInt8]) throws
}
