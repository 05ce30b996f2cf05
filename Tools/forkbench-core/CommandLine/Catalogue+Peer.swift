extension Catalogue {
    static let peer = CommandDescription(
        "peer", "listen|connect|tracker|fork-server", argument: .word("PART", among: parts.map { $0.part }),
        summary: "speak a layer's wire protocol, for other implementations to talk to", parts: parts)

    private static let parts = [listen, connect, tracker, forkServer]

    private static let address = OptionDescription(
        "--address", .text("ADDRESS"), "unix:PATH, abstract:NAME or tcp:HOST:PORT; at port 0 the kernel chooses one")

    private static let keyFile = OptionDescription(
        "--key-file", .file,
        "both sides prove that they know the key: all bytes of the file, which only its owner may have access to")

    private static let policy = OptionDescription(
        "--policy", .word("NAME", among: ["modern", "compatible"]),
        "with a key: “modern” refuses MD5 (this is the default), “compatible” accepts it, which CPython up to 3.11 and "
            + "billiard need")

    private static let echoOptions = [
        address,
        OptionDescription(
            "--mode", .word("MODE", among: ["echo", "descriptors"]),
            "“echo” sends every message back (this is the default); “descriptors” sends descriptors back, each message as it "
                + "came, in the format of send_handle and sendfds in multiprocessing.reduction, over Unix sockets only"),
        keyFile, policy,
        OptionDescription(
            "--digest", .word("NAME", among: ["md5", "sha256", "sha384", "sha3_256", "sha3_384"]),
            "with a key: what its own challenge asks for, by default sha256"),
    ]

    private static let listen = CommandDescription(
        "peer listen", summary: "send back what clients send",
        paragraphs: [
            """
            For CPython's multiprocessing.connection, or another implementation. Prints “listening at ADDRESS” once it does, \
            and serves any number of clients at a time; what goes wrong with one is a line on standard error. Ends when its \
            standard input does (in a shell's background: sleep infinity | forkbench peer …). Exit code 0 when it has ended, \
            1 when it cannot listen.
            """
        ], options: echoOptions)

    private static let connect = CommandDescription(
        "peer connect", summary: "send back what a listener sends",
        paragraphs: [
            "Serves the listener until that closes the connection, or standard input ends. Exit code 0 when it has ended, 1 "
                + "when it cannot connect, or the listener failed it."
        ], options: echoOptions)

    private static let tracker = CommandDescription(
        "peer tracker", "-- COMMAND [ARGUMENT…]", summary: "run a command that uses our resource tracker",
        paragraphs: [
            """
            The command finds the tracker at the descriptor that FORKBENCH_TRACKER_FD names. In Python, before anything is \
            registered: multiprocessing.resource_tracker._resource_tracker._fd = int(os.environ["FORKBENCH_TRACKER_FD"])
            """,
            """
            What has leaked is printed as “leaked KIND NAME”. The exit code is the command's; if that is 0 the tracker's: 0 \
            no leaks, 1 leaks were removed, 2 a removal failed, 3 a line was not understood.
            """,
        ])

    private static let forkServer = CommandDescription(
        "peer fork-server", summary: "be a fork server for multiprocessing.forkserver.connect_to_new_process",
        paragraphs: [
            """
            Prints “listening at ADDRESS” and “fork server PID”, and serves until its standard input ends. Its children do \
            what the first line says that is one of these; others are passed over. “exit CODE”, “signal NUMBER” and “fail” \
            end so; “echo” sends back what comes over the first descriptor, to its end; “descriptors” writes into each \
            descriptor its position; “open” writes the inodes of all open descriptors into the first; “register NAME” tells \
            the client's resource tracker of a shared memory segment; “spin” says so to each descriptor, and computes until \
            the client has gone; “wait” waits until the client has gone, and says so to each descriptor.
            """
        ],
        options: [
            OptionDescription("--address", .text("unix:PATH|fresh"), "where it listens"), keyFile, policy,
            OptionDescription(
                "--alive", .number("NUMBER"),
                "an inherited descriptor, the reading end of a pipe: the server outlives this program until all writing ends "
                    + "are closed"),
            OptionDescription(
                "--timeout", .number("MS"), "how long a client may take to send its request, by default 10000"),
        ])
}

extension CommandDescription {
    /// The last word of its name.
    fileprivate var part: String { String(name.split(separator: " ").last!) }
}
