import ProcessTestSupport
import Syscalls
import TestSupport
import Testing

/// CPython's and loky's own clients, on the descriptor of our tracker.
@Suite("Interop: the resource tracker", .timeLimit(.minutes(10))) struct TrackerTests {
    private static let pythons = ["3.8", "3.11", "3.12", "3.13"].compactMap(Python.init(version:))

    /// loky in the directory that `INTEROP_LOKY` names, and a CPython that it runs on.
    private static let lokyPeers: [(Python, String)] = {
        guard let directory = Environment["INTEROP_LOKY"], let python = pythons.last else {
            try? FileDescriptor.standardError.writeAll(
                "InteropTests: loky is not tested, because not in INTEROP_LOKY\n")
            return []
        }
        return [(python, directory)]
    }()

    private static let prelude = """
        import os, sys, signal, subprocess
        from multiprocessing import resource_tracker
        tracker = resource_tracker._resource_tracker
        tracker._fd = int(os.environ["FORKBENCH_TRACKER_FD"])
        os.set_inheritable(tracker._fd, True)
        name, semaphore = sys.argv[1:3]

        """

    private func run(
        _ python: Python, prelude: String = prelude, _ script: String, _ arguments: [String]
    ) throws -> HelperOutcome {
        var peer = try HelperProcess(
            "forkbench", ["peer", "tracker", "--", python.path, "-I", "-c", prelude + script] + arguments)
        return try peer.waitForOutcome()
    }

    @Test(
        "a segment that Python's SharedMemory made and its process left is removed, and told by name",
        .enabled(if: !pythons.isEmpty), arguments: pythons)
    func leak(python: Python) throws {
        let names = try ResourceNames()
        let outcome = try run(
            python,
            """
            from multiprocessing.shared_memory import SharedMemory
            memory = SharedMemory(name[1:], create=True, size=1000)
            memory.buf[0] = 42
            assert os.path.exists("/dev/shm" + name)
            os._exit(0)
            """, [names.segment, names.semaphore])
        #expect(outcome.status == .exited(1))
        #expect(outcome.output == "leaked shared_memory \(names.segment)\n")
        #expect(outcome.errors.contains("removing 1 leaked shared_memory object(s): \(names.segment)"))
        #expect(!names.hasSegment)
    }

    @Test(
        "what Python unlinks is no leak, and of two only the other one is removed",
        .enabled(if: !pythons.isEmpty), arguments: pythons)
    func unlink(python: Python) throws {
        let names = try ResourceNames()
        let outcome = try run(
            python,
            """
            from multiprocessing.shared_memory import SharedMemory
            import _multiprocessing
            memory = SharedMemory(name[1:], create=True, size=1000)
            memory.close()
            memory.unlink()
            tracker.register(semaphore, "semaphore")
            _multiprocessing.SemLock(1, 1, 1, semaphore, False)
            tracker.unregister(semaphore, "semaphore")
            os._exit(0)
            """, [names.segment, names.semaphore])
        #expect(outcome == .success)
        #expect(!names.hasSegment && names.hasSemaphore)
    }

    @Test(
        "killed processes of Python's leak nothing: semaphores and segments of a whole tree are removed",
        .enabled(if: !pythons.isEmpty), arguments: pythons)
    func killed(python: Python) throws {
        let names = try ResourceNames()
        let outcome = try run(
            python,
            """
            import _multiprocessing
            tracker.register(semaphore, "semaphore")
            _multiprocessing.SemLock(1, 1, 1, semaphore, False)
            child = '''if 1:
                import os, signal, sys
                from multiprocessing import resource_tracker
                from multiprocessing.shared_memory import SharedMemory
                resource_tracker._resource_tracker._fd = int(os.environ["FORKBENCH_TRACKER_FD"])
                SharedMemory(sys.argv[1][1:], create=True, size=1000)
                os.kill(os.getpid(), signal.SIGKILL)
            '''
            done = subprocess.run([sys.executable, "-c", child, name], close_fds=False)
            assert done.returncode == -signal.SIGKILL
            assert os.path.exists("/dev/shm" + name)
            assert tracker._check_alive()
            os._exit(0)
            """, [names.segment, names.semaphore])
        #expect(outcome.status == .exited(1))
        #expect(!names.hasSegment && !names.hasSemaphore)
        #expect(outcome.errors.contains("1 leaked semaphore") && outcome.errors.contains("1 leaked shared_memory"))
    }

    @Test(
        "Python's registering twice and forgetting twice is no traceback, and no failure",
        .enabled(if: !pythons.isEmpty), arguments: pythons)
    func twice(python: Python) throws {
        let names = try ResourceNames()
        let outcome = try run(
            python,
            """
            tracker.register(name, "shared_memory")
            tracker.register(name, "shared_memory")
            tracker.unregister(name, "shared_memory")
            tracker.unregister(name, "shared_memory")
            tracker.register("somename", "dummy")
            os._exit(0)
            """, [names.segment, names.semaphore])
        #expect(outcome.status == .exited(0))
        #expect(
            outcome.errors
                == "resource tracker: a peer named a shared_memory to be forgotten that is not registered: "
                + "\(names.segment)\n")
    }

    @Test(
        "the JSON lines of later CPythons are understood, with names that no other line can hold",
        .enabled(if: !pythons.isEmpty), arguments: pythons.suffix(1))
    func json(python: Python) throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("with\nline end: and ü")
        let outcome = try run(
            python,
            """
            import base64, json
            open(name, "w").close()
            # As 3.14.1 writes it.
            message = {"cmd": "REGISTER", "rtype": "file", "base64_name": base64.urlsafe_b64encode(os.fsencode(name)).decode()}
            line = json.dumps(message, ensure_ascii=True, separators=(",", ":")) + "\\n"
            os.write(tracker._fd, line.encode("ascii"))
            os.write(tracker._fd, b'{"cmd":"PROBE","rtype":"noop"}\\n')
            os._exit(0)
            """, [path, ""])
        #expect(outcome.status == .exited(1))
        #expect(!exists(path))
    }

    @Test(
        "loky's references are counted: folders and files go with the last, and at the end",
        .enabled(if: !lokyPeers.isEmpty, "there is no loky in INTEROP_LOKY"), arguments: lokyPeers.map(\.1))
    func loky(directory: String) throws {
        let python = Self.lokyPeers[0].0
        let temporary = try TemporaryDirectory()
        let outcome = try run(
            python,
            prelude: """
                import os, sys, time
                sys.path.insert(0, sys.argv.pop(1))
                from loky.backend import resource_tracker
                tracker = resource_tracker._resource_tracker
                tracker._fd = int(os.environ["FORKBENCH_TRACKER_FD"])
                root = sys.argv[1]

                """,
            """
            folder, left, file = (os.path.join(root, name) for name in ("folder", "left", "file"))
            for path in (folder, left):
                os.mkdir(path)
                open(os.path.join(path, "inside"), "w").close()
                tracker.register(path, "folder")
            open(file, "w").close()
            tracker.register(file, "file")
            tracker.register(file, "file")
            tracker.maybe_unlink(file, "file")
            tracker.maybe_unlink(folder, "folder")
            while os.path.exists(folder):
                time.sleep(0.001)
            assert os.path.exists(file)
            tracker.maybe_unlink(file, "file")
            while os.path.exists(file):
                time.sleep(0.001)
            os._exit(0)
            """, [directory, temporary.path])
        #expect(outcome.status == .exited(1))
        #expect(!outcome.errors.contains("Traceback"), "\(outcome.errors)")
        #expect(outcome.output == "leaked folder \(temporary.file("left"))\n")
        #expect(!exists(temporary.file("left")))
    }
}
