"""The work that forkbench measures, done by multiprocessing, billiard or loky.

    forkbench_peer.main([LIBRARY, NAME, --option, value, ...])

The conversation is that of forkbench-floor: a native 32-bit count is read from standard input, and as many samples
are written to standard output as native 64-bit nanoseconds, until the end of the input. Each NAME sets up outside
the measured time, as a careful user of the library would: with preloads, and with processes that live on.
"""
import importlib
import os
import struct
import sys
import time
from collections import deque

works = {}


def work(name):
    def register(function):
        works[name] = function
        return function
    return register


class Options(object):
    """Options of the command line; `library` is the module that does the work."""

    def __init__(self, library, words):
        self.library = importlib.import_module(library)
        self.values = dict((words[i][2:], words[i + 1]) for i in range(0, len(words), 2))

    def number(self, name, otherwise=0):
        return int(self.values.get(name, otherwise))

    def pin(self, process_id, option="peer-cpu"):
        if option in self.values:
            os.sched_setaffinity(process_id, [int(self.values[option])])


# A connection between two processes

def echo(connection, other_end):
    other_end.close()
    try:
        while True:
            connection.send_bytes(connection.recv_bytes())
    except (EOFError, OSError):
        pass


def sink(connection, other_end, repeat):
    other_end.close()
    try:
        while True:
            for _ in range(repeat):
                connection.recv_bytes()
            connection.send_bytes(b"")
    except (EOFError, OSError):
        pass


def connected(options, serve, *arguments):
    """Starts a process that serves the other end of a socket pair; returns ours."""
    context = options.library.get_context("fork")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(theirs, ours) + arguments, daemon=True)
    process.start()
    options.pin(process.pid)
    theirs.close()
    return ours


@work("framing-roundtrip")
def framing_roundtrip(options):
    connection = connected(options, echo)
    message = b"x" * options.number("bytes")

    def sample():
        start = time.perf_counter_ns()
        connection.send_bytes(message)
        connection.recv_bytes()
        return time.perf_counter_ns() - start
    return sample


@work("framing-stream")
def framing_stream(options):
    repeat = options.number("repeat")
    connection = connected(options, sink, repeat)
    message = b"x" * options.number("bytes")

    def sample():
        start = time.perf_counter_ns()
        for _ in range(repeat):
            connection.send_bytes(message)
        connection.recv_bytes()
        return (time.perf_counter_ns() - start) // repeat
    return sample


key = b"forkbench"


def authenticate(connection, other_end, module):
    other_end.close()
    try:
        while True:
            module.deliver_challenge(connection, key)
            module.answer_challenge(connection, key)
    except (EOFError, OSError):
        pass


@work("auth-handshake")
def auth_handshake(options):
    module = importlib.import_module(options.library.__name__ + ".connection")
    connection = connected(options, authenticate, module)

    def sample():
        start = time.perf_counter_ns()
        module.answer_challenge(connection, key)
        module.deliver_challenge(connection, key)
        return time.perf_counter_ns() - start
    return sample


def take_descriptors(connection, other_end, reduction, repeat):
    other_end.close()
    try:
        while True:
            for _ in range(repeat):
                os.close(reduction.recv_handle(connection))
            connection.send_bytes(b"")
    except (EOFError, OSError):
        pass


@work("fdpass-oneway")
def fdpass_oneway(options):
    reduction = importlib.import_module(options.library.__name__ + ".reduction")
    repeat = options.number("repeat")
    connection = connected(options, take_descriptors, reduction, repeat)
    passed = os.open("/dev/null", os.O_RDONLY)

    def sample():
        start = time.perf_counter_ns()
        for _ in range(repeat):
            reduction.send_handle(connection, passed, None)
        connection.recv_bytes()
        return (time.perf_counter_ns() - start) // repeat
    return sample


@work("tracker-register")
def tracker_register(options):
    from multiprocessing import resource_tracker as module
    tracker = module._resource_tracker
    tracker.ensure_running()
    options.pin(tracker._pid)
    repeat = options.number("repeat")
    name = "/forkbench-12345"

    def sample():
        start = time.perf_counter_ns()
        for _ in range(repeat):
            tracker.register(name, "shared_memory")
            tracker.unregister(name, "shared_memory")
        return (time.perf_counter_ns() - start) // repeat
    return sample


# The fork server

def first_byte(connection):
    connection.send_bytes(b"a")


def fork_server(options):
    """A running fork server that has imported what its children need."""
    context = options.library.get_context("forkserver")
    modules = ["forkbench_peer", "multiprocessing.connection"]
    if options.number("preload-mib"):
        os.environ["FORKBENCH_PRELOAD_MIB"] = options.values["preload-mib"]
        modules.append("forkbench_peer_warm")
    context.set_forkserver_preload(modules)
    module = importlib.import_module(options.library.__name__ + ".forkserver")
    module.ensure_running()
    options.pin(module._forkserver._forkserver_pid)
    return context


def start_child(context):
    readable, writable = context.Pipe(duplex=False)
    process = context.Process(target=first_byte, args=(writable,))
    process.start()
    writable.close()
    return process, readable


def finish_child(process, readable):
    process.join()
    if process.exitcode != 0:
        raise RuntimeError("the child ended with %r" % process.exitcode)
    readable.close()


@work("forkserver-alive")
def forkserver_alive(options):
    context = fork_server(options)
    pause = options.number("paced-us") / 1e6

    def sample():
        if pause:
            time.sleep(pause)
        start = time.perf_counter_ns()
        process, readable = start_child(context)
        readable.recv_bytes()
        duration = time.perf_counter_ns() - start
        finish_child(process, readable)
        return duration
    return sample


@work("forkserver-lifecycle")
def forkserver_lifecycle(options):
    context = fork_server(options)

    def sample():
        start = time.perf_counter_ns()
        process, readable = start_child(context)
        process.join()
        duration = time.perf_counter_ns() - start
        finish_child(process, readable)
        return duration
    return sample


@work("forkserver-rate")
def forkserver_rate(options):
    context = fork_server(options)
    repeat, most = options.number("repeat"), options.number("under-way")

    def sample():
        under_way = deque()
        start = time.perf_counter_ns()
        for number in range(repeat + most):
            if number >= most:
                finish_child(*under_way.popleft())
            if number < repeat:
                under_way.append(start_child(context))
        return (time.perf_counter_ns() - start) // repeat
    return sample


# Pools

def increment(number):
    return number + 1


def identity(value):
    return value


class LibraryPool(object):
    """A pool of multiprocessing or billiard."""

    def __init__(self, options, workers):
        context = options.library.get_context("fork") if hasattr(options.library, "get_context") else options.library
        self.pool = context.Pool(workers)
        for worker in self.pool._pool:
            options.pin(worker.pid)

    def apply(self, function, argument):
        return self.pool.apply(function, (argument,))

    def map(self, function, arguments, chunk):
        return self.pool.map(function, arguments, chunk or None)

    def processes(self):
        return [worker.pid for worker in self.pool._pool]


class LokyPool(object):
    """loky's executor, which has no chunk size of its own choosing: what `map` takes by default is one task."""

    def __init__(self, options, workers):
        self.workers = workers
        self.pool = options.library.get_reusable_executor(max_workers=workers, timeout=None)
        list(self.pool.map(increment, range(workers)))
        for process_id in self.processes():
            options.pin(process_id)

    def apply(self, function, argument):
        return self.pool.submit(function, argument).result()

    def map(self, function, arguments, chunk):
        # The same chunks that Pool.map makes when it is asked for none.
        chunk = chunk or -(-len(arguments) // (self.workers * 4))
        return list(self.pool.map(function, arguments, chunksize=chunk))

    def processes(self):
        return list(self.pool._processes)


def pool(options):
    kind = LokyPool if options.library.__name__ == "loky" else LibraryPool
    return kind(options, options.number("workers", 1))


@work("pool-apply")
def pool_apply(options):
    workers = pool(options)

    def sample():
        start = time.perf_counter_ns()
        if workers.apply(increment, 1) != 2:
            raise RuntimeError("another result")
        return time.perf_counter_ns() - start
    return sample


@work("pool-map")
def pool_map(options):
    workers = pool(options)
    count = options.number("tasks")
    arguments = list(range(count))

    def sample():
        start = time.perf_counter_ns()
        results = workers.map(increment, arguments, options.number("chunk"))
        duration = time.perf_counter_ns() - start
        if results[-1] != count:
            raise RuntimeError("another result")
        return duration // count
    return sample


@work("pool-payload")
def pool_payload(options):
    workers = pool(options)
    payload = b"x" * options.number("bytes")

    def sample():
        start = time.perf_counter_ns()
        result = workers.apply(identity, payload)
        duration = time.perf_counter_ns() - start
        if len(result) != len(payload):
            raise RuntimeError("another result")
        return duration
    return sample


@work("pool-memory")
def pool_memory(options):
    """The private memory of an idle worker, in KiB."""
    workers = pool(options)
    workers.apply(increment, 1)

    def sample():
        with open("/proc/%d/smaps_rollup" % workers.processes()[0]) as file:
            return sum(int(line.split()[1]) for line in file if line.startswith("Private_"))
    return sample


def main(arguments):
    library, name = arguments[:2]
    options = Options(library, arguments[2:])
    # The server and the workers are pinned by themselves: what they are started with is not what we have.
    sample = works[name](options)
    options.pin(0, "cpu")
    requests, answers = os.fdopen(os.dup(0), "rb", 0), os.fdopen(os.dup(1), "wb", 0)
    while True:
        request = requests.read(4)
        if len(request) < 4:
            break
        values = [sample() for _ in range(struct.unpack("I", request)[0])]
        answers.write(struct.pack("%dQ" % len(values), *values))
    sys.stdout.flush()
