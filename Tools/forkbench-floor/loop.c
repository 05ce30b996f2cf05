// loop: a token of one byte passed round n pipes by an event loop; a hop is a wait, a read and a write.
#include "floor.h"

#include <poll.h>
#ifdef __linux__
#include <sys/epoll.h>
#include <sys/eventfd.h>
#endif

static size_t descriptors, idle;
static uint64_t hops;
static int (*pipes)[2];
static struct pollfd *polled;

static size_t (*wait_ready)(void);

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

// There is one token, so every wait reports one pipe.

static size_t wait_poll(void) {
    int ready;
    do ready = poll(polled, (nfds_t)(descriptors + idle), -1);
    while (ready < 0 && errno == EINTR);
    if (ready < 0) fail("poll");
    for (size_t i = 0; i < descriptors + idle; i++)
        if (polled[i].revents) return i;
    fail_plainly("poll reported nothing");
}

static void open_poll(void) {
    polled = calloc(descriptors + idle, sizeof *polled);
    if (!polled) fail("memory");
    for (size_t i = 0; i < descriptors + idle; i++)
        polled[i] = (struct pollfd){.fd = i < descriptors ? pipes[i][0] : make_idle(), .events = POLLIN};
    wait_ready = wait_poll;
}

#ifdef __linux__

static int epoll;

static size_t wait_epoll(void) {
    struct epoll_event events[256];
    int ready;
    do ready = epoll_wait(epoll, events, 256, -1);
    while (ready < 0 && errno == EINTR);
    if (ready < 0) fail("epoll_wait");
    if (ready != 1) fail_plainly("epoll reported more than one descriptor");
    return events[0].data.u32;
}

static void open_epoll(void) {
    epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0) fail("epoll_create1");
    for (size_t i = 0; i < descriptors + idle; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)i};
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, i < descriptors ? pipes[i][0] : make_idle(), &event) < 0) fail("epoll_ctl");
    }
    wait_ready = wait_epoll;
}

#endif

static void open_loop(void) {
    descriptors = option("descriptors");
    idle = option("idle");
    hops = option("hops");
    raise_descriptor_limit();
    pipes = calloc(descriptors, sizeof *pipes);
    if (!pipes) fail("memory");
    for (size_t i = 0; i < descriptors; i++) make_pipe(pipes[i]);
#ifdef __linux__
    if (option("backend") == 0) {
        open_epoll();
        return;
    }
#endif
    open_poll();
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
