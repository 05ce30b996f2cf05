"""Tasks of a pool."""
import time


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


def pool_apply(options):
    workers = pool(options)

    def sample():
        start = time.perf_counter_ns()
        if workers.apply(increment, 1) != 2:
            raise RuntimeError("another result")
        return time.perf_counter_ns() - start
    return sample


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


def pool_memory(options):
    """The private memory of an idle worker, in KiB."""
    workers = pool(options)
    workers.apply(increment, 1)

    def sample():
        with open("/proc/%d/smaps_rollup" % workers.processes()[0]) as file:
            return sum(int(line.split()[1]) for line in file if line.startswith("Private_"))
    return sample
