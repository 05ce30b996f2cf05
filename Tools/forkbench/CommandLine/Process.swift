import Syscalls

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Writes a line to standard error with one call.
func standardErrorLine(_ text: String) {
    try? FileDescriptor.standardError.writeAll(text + "\n")
}

/// Ends the program in the usual way, with what was printed written out.
func exitProcess(_ code: Int32) -> Never {
    exit(code)
}

/// What forkbench starts copies of itself for.
enum HelperRole: String {
    /// Takes samples of one benchmark: `measure NAME CPU PEER-CPU`.
    case measure = "helper:measure"
    /// The other end of a benchmark or scenario: `counterpart NAME CPU`, with its channel as descriptor 3.
    case counterpart = "helper:counterpart"
    /// A program that is going to be killed: `victim`, with a channel as descriptor 3.
    case victim = "helper:victim"

    func run(_ arguments: [String]) -> Never {
        do {
            switch self {
            case .measure: try SampleServer.run(arguments)
            case .counterpart: try Counterpart.run(arguments)
            case .victim: try Victim.run()
            }
            exitProcess(0)
        } catch {
            standardErrorLine("forkbench: \(rawValue) \(arguments.joined(separator: " ")): \(error)")
            exitProcess(1)
        }
    }

    /// Starts a copy of this program in the role.
    ///
    /// - Parameter descriptors: Which descriptors of the copy are which of ours; standard error is added.
    func start(_ arguments: [String], descriptors: [CInt: FileDescriptor]) throws(Errno) -> ProcessID {
        let null = try OwnedFileDescriptor.open("/dev/null", .readWrite)
        var options = SpawnOptions(arguments: ["forkbench", rawValue] + arguments)
        options.descriptors = [0: null.descriptor, 1: null.descriptor, 2: .standardError]
            .merging(descriptors) { $1 }
        return try ProcessID.spawn(currentExecutable, options)
    }
}

#if os(Linux)
    let currentExecutable = "/proc/self/exe"
#else
    let currentExecutable = CommandLine.arguments[0]
#endif

/// A file beside this program's executable.
func executableBesideThis(_ name: String) -> String {
    var path = [CChar](repeating: 0, count: 4096)
    let count = readlink(currentExecutable, &path, path.count)
    let full =
        count > 0 ? String(decoding: path[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self) : currentExecutable
    return full.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/") + "/" + name
}
