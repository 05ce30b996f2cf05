import Synchronization
import Syscalls

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// What a copy of this program is started for, instead of its own `main`: a fork server, a resource tracker.
///
/// There is no helper binary: the same executable is started again with a variable that names the role, and the
/// `bootstrap()` at the start of its `main` takes over there. A role's descriptors are 3, 4, … in the order given.
package struct ProcessRole: Sendable {
    /// As it stands in the variable, and as `ps` shows it.
    package let name: String
    private let run: @Sendable () -> Never

    package init(name: String, run: @escaping @Sendable () -> Never) {
        self.name = name
        self.run = run
    }

    /// The variable that names the role of a process that was started for one.
    package static let variable = "SWIFT_FORKSERVER_ROLE"
    /// Before the name of a variable that was changed for the role: its former value.
    private static let savedPrefix = "SWIFT_FORKSERVER_SAVED_"
    private static let hasBootstrapped = Atomic<Bool>(false)

    /// The first of a role's descriptors.
    package static let firstDescriptor: CInt = 3

    /// Takes over when this process was started for one of the roles, and returns at once when it was not.
    package static func bootstrap(_ roles: [ProcessRole]) {
        guard !hasBootstrapped.exchange(true, ordering: .acquiringAndReleasing) else { return }
        guard let name = Environment[variable] else { return }
        // First of all, so that nothing started from here takes itself for another of the same role.
        restoreEnvironment()
        guard let role = roles.first(where: { $0.name == name }) else {
            standardErrorLine(
                "this program was started as “\(name)”, which is none of the roles of the bootstrap() called")
            exitImmediately(70)
        }
        keepDescriptorsFromExec()
        setThreadName(name)
        role.run()
    }

    /// Whether `bootstrap` was called, so that this executable can be started again in a role.
    package static var isBootstrapped: Bool { hasBootstrapped.load(ordering: .acquiring) }

    /// Starts an executable in the role.
    ///
    /// It reads standard input from `/dev/null` and shares our other standard streams.
    /// - Parameters:
    ///   - executable: `nil` is the one that runs here, even if its file was replaced meanwhile.
    ///   - descriptors: Become 3, 4, … in it.
    ///   - settings: Variables that only the exec sees; the role's process puts them back.
    ///   - surroundings: How it differs from this process otherwise.
    ///   - blockedSignals: Blocked in it until it says otherwise.
    package func start(
        executable: String? = nil, descriptors: [FileDescriptor], settings: [String: String] = [:],
        surroundings: RoleSurroundings = RoleSurroundings(), blockedSignals: SignalSet = []
    ) throws(Errno) -> ProcessID {
        let null = try OwnedFileDescriptor.open("/dev/null", .readWrite)
        var options = SpawnOptions(
            arguments: ["\(CommandLine.arguments.first ?? "") (\(name))"] + surroundings.arguments)
        options.signalMask = blockedSignals
        options.environment = environment(with: settings, changed: surroundings.environment)
        options.workingDirectory = surroundings.workingDirectory
        options.descriptors = [0: null.descriptor]
        for stream in [surroundings.standardOutput, surroundings.standardError].enumerated() {
            let source = stream.element ?? FileDescriptor(rawValue: CInt(stream.offset + 1))
            options.descriptors[CInt(stream.offset + 1)] = source.isOpen ? source : null.descriptor
        }
        for (index, descriptor) in descriptors.enumerated() {
            options.descriptors[Self.firstDescriptor + CInt(index)] = descriptor
        }
        return try ProcessID.spawn(executable ?? Self.currentExecutable, options)
    }

    private func environment(with settings: [String: String], changed: [String: String?]) -> [String] {
        let replaced = Set(settings.keys).union(changed.keys)
        var entries = Environment.all.filter { entry in
            !replaced.contains(String(entry.prefix { $0 != "=" })) && !entry.hasPrefix(Self.savedPrefix)
                && !entry.hasPrefix(Self.variable + "=")
        }
        entries.append("\(Self.variable)=\(name)")
        for (name, value) in changed where settings[name] == nil {
            if let value { entries.append("\(name)=\(value)") }
        }
        for (name, value) in settings {
            entries.append("\(name)=\(value)")
            let former = changed[name] ?? Environment[name]
            // An empty former value and none are told apart by the mark before it.
            entries.append("\(Self.savedPrefix)\(name)=\(former.map { "=" + $0 } ?? "")")
        }
        return entries
    }

    /// The exec that started the role left its descriptors open for any further one.
    private static func keepDescriptorsFromExec() {
        var descriptor = FileDescriptor(rawValue: firstDescriptor)
        while (try? descriptor.setCloseOnExec(true)) != nil {
            descriptor = FileDescriptor(rawValue: descriptor.rawValue + 1)
        }
    }

    private static func restoreEnvironment() {
        Environment.set(variable, to: nil)
        for entry in Environment.all where entry.hasPrefix(savedPrefix) {
            let name = String(entry.prefix { $0 != "=" })
            let value = entry.dropFirst(name.count + 1)
            Environment.set(
                String(name.dropFirst(savedPrefix.count)), to: value.isEmpty ? nil : String(value.dropFirst()))
            Environment.set(name, to: nil)
        }
    }

    #if os(Linux)
        private static let currentExecutable = "/proc/self/exe"
    #else
        private static var currentExecutable: String {
            withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(PATH_MAX)) { path in
                var size = UInt32(path.count)
                return _NSGetExecutablePath(path.baseAddress!, &size) == 0 ? String(cString: path.baseAddress!) : ""
            }
        }
    #endif
}
