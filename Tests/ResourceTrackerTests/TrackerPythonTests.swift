import ProcessTestSupport
import ResourceTracker
import Syscalls
import TestSupport
import Testing

/// CPython's own client of the protocol, on the pipe of our tracker.
@Suite("The tracker and CPython", .timeLimit(.minutes(10))) struct TrackerPythonTests {
    /// Has CPython's module write to descriptor 3 as if it had started the tracker that reads there.
    private static let preamble = """
        import os, sys
        from multiprocessing import resource_tracker
        tracker = resource_tracker._resource_tracker
        tracker._fd = 3
        # Not its own child: it must neither start another nor wait for this one.
        tracker.ensure_running = lambda: None
        name, semaphore = sys.argv[1:3]

        """

    private func run(
        _ python: Python, _ script: String, endsWith status: Syscalls.ExitStatus, _ names: ResourceNames
    ) throws {
        let tracker = ResourceTracker(executable: executableDirectory + "/ResourceTrackerHelper")
        let commands = try tracker.commandDescriptor()
        var process = try python.start(
            Self.preamble + script + "\nos._exit(0)", [names.segment, names.semaphore],
            descriptors: [3: commands.descriptor])
        commands.discard()
        #expect(try process.waitForOutcome() == .success)
        #expect(try tracker.close() == status)
    }

    @Test(
        "a segment and a semaphore that CPython registered and left are removed",
        .enabled(if: !Python.installed.isEmpty), arguments: Python.installed)
    func leak(python: Python) throws {
        let names = try ResourceNames()
        try run(
            python,
            """
            import _posixshmem, _multiprocessing
            tracker.register(name, 'shared_memory')
            os.close(_posixshmem.shm_open(name, os.O_CREAT | os.O_EXCL | os.O_RDWR, mode=0o600))
            tracker.register(semaphore, 'semaphore')
            _multiprocessing.SemLock(1, 1, 1, semaphore, False)
            assert os.path.exists('/dev/shm' + name)
            """, endsWith: .exited(1), names)
        #expect(!names.hasSegment && !names.hasSemaphore)
    }

    @Test(
        "what CPython unregistered is forgotten, and its probe has no effect",
        .enabled(if: !Python.installed.isEmpty), arguments: Python.installed)
    func clean(python: Python) throws {
        let names = try ResourceNames()
        try run(
            python,
            """
            tracker.register(name, 'shared_memory')
            tracker.register(semaphore, 'semaphore')
            tracker._send('PROBE', '0', 'noop')
            tracker.register('ignored', 'noop')
            tracker.unregister(name, 'shared_memory')
            tracker.unregister(semaphore, 'semaphore')
            """, endsWith: .exited(0), names)
    }
}
