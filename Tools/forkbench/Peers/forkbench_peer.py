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

# By the first word of a work's name: where it is done. Only that is imported, and preloaded by servers.
modules = {
    "framing": "forkbench_peer_connections",
    "auth": "forkbench_peer_connections",
    "fdpass": "forkbench_peer_connections",
    "tracker": "forkbench_peer_tracker",
    "forkserver": "forkbench_peer_forkserver",
    "pool": "forkbench_peer_pools",
}


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


def main(arguments):
    library, name = arguments[:2]
    options = Options(library, arguments[2:])
    # The server and the workers are pinned by themselves: what they are started with is not what we have.
    module = importlib.import_module(modules[name.split("-")[0]])
    sample = getattr(module, name.replace("-", "_"))(options)
    options.pin(0, "cpu")
    requests, answers = os.fdopen(os.dup(0), "rb", 0), os.fdopen(os.dup(1), "wb", 0)
    while True:
        request = requests.read(4)
        if len(request) < 4:
            break
        values = [sample() for _ in range(struct.unpack("I", request)[0])]
        answers.write(struct.pack("%dQ" % len(values), *values))
    sys.stdout.flush()
