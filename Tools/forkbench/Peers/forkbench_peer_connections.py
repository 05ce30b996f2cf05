"""Messages, handshakes and descriptors between two processes."""
import importlib
import os
import time


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


def framing_roundtrip(options):
    connection = connected(options, echo)
    message = b"x" * options.number("bytes")

    def sample():
        start = time.perf_counter_ns()
        connection.send_bytes(message)
        connection.recv_bytes()
        return time.perf_counter_ns() - start
    return sample


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
