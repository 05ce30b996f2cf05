"""Children of a fork server."""
import importlib
import os
import time
from collections import deque


def first_byte(connection):
    connection.send_bytes(b"a")


def fork_server(options):
    """A running fork server that has imported what its children need."""
    context = options.library.get_context("forkserver")
    modules = ["forkbench_peer_forkserver", "multiprocessing.connection"]
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
