import FDPassing
import Syscalls

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// `ChildOptions` as they travel to the child, which applies them to itself.
struct ChildSetup: Codable, Sendable {
    private let environment: [String: String?]
    private let workingDirectory: String?
    /// For the standard streams in their order; those without one are inherited.
    private let streams: [PassedDescriptor?]
    private let group: ChildOptions.ProcessGroup
    private let niceness: Int?
    private let affinity: [Int]?
    private let limits: [LimitChange]
    private let serverDeathSignal: Signal?

    /// - Parameter streams: The child's ends of those that are not inherited.
    init(_ options: ChildOptions, streams: [PassedDescriptor?]) {
        environment = options.environment
        workingDirectory = options.workingDirectory
        self.streams = streams
        group = options.group
        niceness = options.niceness
        affinity = options.affinity
        limits = options.resourceLimits.map { LimitChange(resource: $0.key, limit: $0.value) }
        serverDeathSignal = options.serverDeathSignal
    }

    /// Applies it all to this process.
    func apply() throws(ChildSetupError) {
        #if os(Linux)
            if let serverDeathSignal {
                try change("the signal at the server's end") { () throws(Errno) in
                    try setParentDeathSignal(serverDeathSignal)
                }
            }
        #endif
        for (number, stream) in streams.enumerated() {
            guard let descriptor = stream?.take() else { continue }
            try change("standard stream \(number)") { () throws(Errno) in
                try descriptor.descriptor.duplicate(onto: FileDescriptor(rawValue: CInt(number)))
            }
        }
        switch group {
        case .inherited: break
        case .own: try change("the process group") { () throws(Errno) in try check(setpgid(0, 0)) }
        case .ownSession: try change("the session") { () throws(Errno) in try check(setsid()) }
        }
        if let niceness {
            try change("niceness \(niceness)") { () throws(Errno) in try ProcessID.current.setNiceness(niceness) }
        }
        #if os(Linux)
            if let affinity {
                try change("processors \(affinity)") { () throws(Errno) in
                    try ProcessID.current.setAffinity(affinity)
                }
            }
        #endif
        for limit in limits { try limit.apply() }
        for (name, value) in environment { Environment.set(name, to: value) }
        if let workingDirectory {
            try change("directory \(workingDirectory)") { () throws(Errno) in try check(chdir(workingDirectory)) }
        }
    }

    private func check(_ result: CInt) throws(Errno) {
        if result == -1 { throw Errno.current }
    }
}

/// A limit of a server or a child that is not the one of who asked for it.
struct LimitChange: Codable, Sendable {
    let resource: ResourceLimit.Resource
    let limit: ResourceLimit

    func apply() throws(ChildSetupError) {
        try change("the limit \(resource)") { () throws(Errno) in try limit.apply(to: resource) }
    }
}

private func change(_ what: String, _ change: () throws(Errno) -> Void) throws(ChildSetupError) {
    do throws(Errno) { try change() } catch { throw ChildSetupError(what: what, error: error) }
}

/// An option of a server or a child that could not be had.
struct ChildSetupError: Error, CustomStringConvertible {
    let what: String
    let error: Errno

    var description: String { "\(what) cannot be set: \(error)" }
}

extension ChildOptions {
    /// What of them travels to the child; `nil` is nothing.
    ///
    /// - Parameter streams: The child's ends of the standard streams.
    func setup(streams: [PassedDescriptor?]) -> ChildSetup? {
        let isPlain =
            environment.isEmpty && workingDirectory == nil && streams.allSatisfy { $0 == nil } && group == .inherited
            && niceness == nil && affinity == nil && resourceLimits.isEmpty && serverDeathSignal == nil
        return isPlain ? nil : ChildSetup(self, streams: streams)
    }
}
