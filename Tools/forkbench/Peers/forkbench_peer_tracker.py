"""Names that the resource tracker is told of."""
import time


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
