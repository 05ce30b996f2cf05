import ForkbenchCore

/// A subcommand, as people call it.
enum Command: String, CaseIterable {
    case all, check, bench, hash, peer, list

    /// Runs what the arguments say. Returns the exit code.
    static func run(_ arguments: [String]) async throws -> Int32 {
        guard let first = arguments.first else { return try await Command.all.run([]) }
        if ["--help", "-h", "help"].contains(first) {
            print(overview)
            return 0
        }
        if let command = Command(rawValue: first) { return try await command.run(Array(arguments.dropFirst())) }
        // Options without a command are those of `all`.
        if first.hasPrefix("-") { return try await Command.all.run(arguments) }
        let names = allCases.map(\.rawValue).joined(separator: ", ")
        throw UsageError("“\(first)” is no command; expected one of: \(names) (see forkbench --help)")
    }

    private func run(_ arguments: [String]) async throws -> Int32 {
        if arguments.contains("--help") || arguments.contains("-h") {
            print(help)
            return 0
        }
        switch self {
        case .all: return try runAll(arguments)
        case .check: return try runCheck(arguments)
        case .bench: return try runBench(arguments)
        case .hash: return try await runHash(arguments)
        case .peer: return try runPeer(arguments)
        case .list: return try runList(arguments)
        }
    }

    static let overview = """
        forkbench exercises and measures the layers of swift-forkserver, on real processes.

          forkbench [all]                    check every layer, then measure every layer
          forkbench check [LAYER…]           run scenarios: pass or fail, one line each
          forkbench bench [LAYER…] [OPTION…] measure, each benchmark beside its floor in C
          forkbench hash PATH…               SHA-256 of files and trees, by a pool of workers
          forkbench peer listen|connect …    an echo peer, for other implementations to talk to
          forkbench peer tracker -- COMMAND  our resource tracker, for a program of another implementation
          forkbench list                     the benchmarks and scenarios

        LAYER is one of: \(Layer.names)
        Each command has a --help of its own.
        """

    var help: String {
        switch self {
        case .all:
            """
            forkbench all: runs every scenario, then every benchmark, and prints a line for each.

            Takes less than two minutes. Exit code 0 when every scenario passed, else 1.
            """
        case .check:
            """
            forkbench check [LAYER…]: runs scenarios that exercise the layers, alone and together.

            Without a LAYER all of them: \(Layer.names)
            One line each, “ok” or “FAILED” with what went wrong. Exit code 0 when all passed, else 1.
            """
        case .bench:
            """
            forkbench bench [LAYER…] [OPTION…]: measures each benchmark and, in turn with it, its floor: the same kernel
            work in a bare C loop. The ratio says how many times slower than the floor ours is (1.00 is the floor itself).

            Without a LAYER all of them: \(Layer.names)
              --quick         few samples: shows that it runs; the figures are rough
              --emulated      also backends that are emulated here, for tests and not for speed: kqueue
              --filter TEXT   only benchmarks whose name contains TEXT
              --json FILE     also write the results as JSON; “-” is standard output, and the table goes to standard error
              --html FILE     also write them as a page; of the reactor with a plot of the cost against the number of idle
                              descriptors, for which each backend is measured beside 10 to 10,000
            Exit code 0 when all ran, 1 when one failed.
            """
        case .hash:
            """
            forkbench hash PATH…: the SHA-256 of files, and of all files in directories and below.

            The output is that of sha256sum, in the order of the sorted paths. Each file is opened here, and its descriptor
            passed to a worker that hashes it. “-” is standard input. A file that cannot be read is one line on standard
            error, and exit code 1; the others are hashed all the same.
              --workers N     how many workers, by default one for each processor
            """
        case .peer:
            """
            forkbench peer listen|connect --address ADDRESS [OPTION…]: a peer that sends everything back, to try another
            implementation against, such as CPython's multiprocessing.connection.

            ADDRESS is unix:PATH, abstract:NAME or tcp:HOST:PORT; at port 0 the kernel chooses one.
            “listen” prints “listening at ADDRESS” once it does, and serves any number of clients at a time; what goes wrong
            with one is a line on standard error. “connect” serves the listener until that closes the connection.
            Both end when their standard input does (in a shell's background: sleep infinity | forkbench peer …).
              --mode echo          sends every message back (this is the default)
              --mode descriptors   sends descriptors back, each message as it came; the format is that of send_handle and
                                   sendfds in multiprocessing.reduction; over Unix sockets only
              --key-file FILE      both sides prove that they know the key: all bytes of the file, which only its owner
                                   may have access to
              --policy NAME        with a key: “modern” refuses MD5 (this is the default), “compatible” accepts it, which
                                   CPython up to 3.11 and billiard need
              --digest NAME        with a key: what its own challenge asks for, by default sha256; one of
                                   \(PeerOptions.digestNames)

            forkbench peer tracker -- COMMAND [ARGUMENT…]: runs a command that uses our resource tracker, which finds it at the
            descriptor that FORKBENCH_TRACKER_FD names. In Python, before anything is registered:
              multiprocessing.resource_tracker._resource_tracker._fd = int(os.environ["FORKBENCH_TRACKER_FD"])
            What has leaked is printed as “leaked KIND NAME”. The exit code is the command's; if that is 0 the tracker's: 0 no
            leaks, 1 leaks were removed, 2 a removal failed, 3 a line was not understood.

            forkbench peer fork-server --address unix:PATH|fresh [OPTION…]: a fork server that CPython's
            multiprocessing.forkserver.connect_to_new_process can use. It prints “listening at ADDRESS” and
            “fork server PID”. Its children do what the first line says that is one of these; others are passed over:
              exit CODE, signal NUMBER, fail   end so
              echo                             sends back what comes over the first descriptor, to its end
              descriptors                      writes into each descriptor its position
              open                             writes the inodes of all open descriptors into the first
              register NAME                    tells the client's resource tracker of a shared memory segment
              spin                             says so to each descriptor, and computes until the client has gone
              wait                             waits until the client has gone, and says so to each descriptor
            Its options are --key-file and --policy, as above, and
              --alive NUMBER       an inherited descriptor, the reading end of a pipe: the server outlives this program until
                                   all writing ends are closed
              --timeout MS         how long a client may take to send its request, by default 10000
            Exit code, but for the tracker: 0 when it has ended, 1 when it cannot listen or connect, or the listener failed it.
            """
        case .list:
            """
            forkbench list: the benchmarks and scenarios, with one line each.
            """
        }
    }
}
