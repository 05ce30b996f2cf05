// pipe: one write and one read of n bytes, within one process. Two bare system calls.
#include "floor.h"

static int ends[2];
static unsigned char *buffer;
static size_t bytes;
static uint64_t repeat;

static void open_pipe(void) {
    bytes = option("bytes");
    repeat = option("repeat");
    buffer = calloc(1, bytes);
    if (!buffer) fail("memory");
    make_pipe(ends);
}

static uint64_t sample(void) {
    uint64_t start = now();
    for (uint64_t i = 0; i < repeat; i++) {
        if (write(ends[1], buffer, bytes) != (ssize_t)bytes) fail("write to the pipe");
        if (read(ends[0], buffer, bytes) != (ssize_t)bytes) fail("read from the pipe");
    }
    return per(now() - start, repeat);
}

static void close_pipe(void) {
    close(ends[0]);
    close(ends[1]);
}

const struct floor pipe_floor = {open_pipe, sample, close_pipe};
