// loop: a token of one byte passed round n pipes by an event loop; a hop is a wait, a read and a write.
#include "floor.h"

#ifdef __linux__
#include <sys/eventfd.h>
#endif

static size_t descriptors;
static uint64_t hops;
static int (*pipes)[2];

/// A descriptor that is registered and never becomes readable.
static int make_idle(void) {
#ifdef __linux__
    int fd = eventfd(0, EFD_CLOEXEC);
    if (fd < 0) fail("eventfd");
    return fd;
#else
    int ends[2];
    make_pipe(ends);
    return ends[0];  // the write end stays open: no end of file either
#endif
}

static void open_loop(void) {
    descriptors = option("descriptors");
    size_t count = descriptors + option("idle");
    hops = option("hops");
    raise_descriptor_limit();
    pipes = calloc(descriptors, sizeof *pipes);
    int *watched = calloc(count, sizeof *watched);
    if (!pipes || !watched) fail("memory");
    for (size_t i = 0; i < count; i++) {
        if (i < descriptors) make_pipe(pipes[i]);
        watched[i] = i < descriptors ? pipes[i][0] : make_idle();
    }
    open_poller(watched, count);
    free(watched);
}

static uint64_t sample(void) {
    unsigned char token = 't';
    size_t next = 0;
    uint64_t start = now();
    for (uint64_t hop = 0; hop < hops; hop++) {
        if (write(pipes[next][1], &token, 1) != 1) fail("write of the token");
        size_t ready = wait_ready();
        if (ready != next) fail_plainly("the token came out of another pipe");
        if (read(pipes[ready][0], &token, 1) != 1) fail("read of the token");
        next = ready + 1 == descriptors ? 0 : ready + 1;
    }
    return per(now() - start, hops);
}

static void close_loop(void) {}  // no peer waits for it

const struct floor loop_floor = {open_loop, sample, close_loop};
