// The kernel's ways of waiting for many descriptors, each as bare as it can be used; option("backend") chooses.
#include "floor.h"

#include <poll.h>
#ifdef __linux__
#include <CSyscalls.h>
#include <sys/epoll.h>
#endif

static size_t count;
static const struct poller {
    void (*open)(const int *descriptors);
    /// The place of a ready descriptor; `blocks` false: of none.
    size_t (*wait)(bool blocks);
} *poller;

// There is one token, so every wait reports one descriptor.

static struct pollfd *polled;

static void open_poll(const int *descriptors) {
    polled = calloc(count ? count : 1, sizeof *polled);
    if (!polled) fail("memory");
    for (size_t i = 0; i < count; i++) polled[i] = (struct pollfd){.fd = descriptors[i], .events = POLLIN};
}

static size_t wait_poll(bool blocks) {
    int ready;
    do ready = poll(polled, (nfds_t)count, blocks ? -1 : 0);
    while (ready < 0 && errno == EINTR);
    if (ready < 0) fail("poll");
    if (!blocks) return 0;
    for (size_t i = 0; i < count; i++)
        if (polled[i].revents) return i;
    fail_plainly("poll reported nothing");
}

#ifdef __linux__

static int epoll;

static void open_epoll(const int *descriptors) {
    epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0) fail("epoll_create1");
    for (size_t i = 0; i < count; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)i};
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, descriptors[i], &event) < 0) fail("epoll_ctl");
    }
}

static size_t wait_epoll(bool blocks) {
    struct epoll_event events[256];
    int ready;
    do ready = epoll_wait(epoll, events, 256, blocks ? -1 : 0);
    while (ready < 0 && errno == EINTR);
    if (ready < 0) fail("epoll_wait");
    if (!blocks) return 0;
    if (ready != 1) fail_plainly("epoll reported more than one descriptor");
    return events[0].data.u32;
}

static struct csys_ring ring;
static int *ring_descriptors;
static size_t to_start = SIZE_MAX;

static void start_poll(size_t i) {
    if (csys_ring_add_poll(&ring, ring_descriptors[i], POLLIN, 0, i) < 0) fail("io_uring_enter");
}

static void open_io_uring(const int *descriptors) {
    if (csys_ring_open(&ring) < 0) fail("io_uring_setup");
    ring_descriptors = calloc(count ? count : 1, sizeof *ring_descriptors);
    if (!ring_descriptors) fail("memory");
    memcpy(ring_descriptors, descriptors, count * sizeof *descriptors);
    for (size_t i = 0; i < count; i++) start_poll(i);
}

/// Level semantics: the poll that told of the last descriptor is started again by the next wait.
static size_t wait_io_uring(bool blocks) {
    if (to_start != SIZE_MAX) start_poll(to_start);
    to_start = SIZE_MAX;
    const struct timespec none = {0};
    struct csys_ring_event event;
    do {
        if (csys_ring_wait(&ring, blocks ? NULL : &none) < 0 && errno != EINTR) fail("io_uring_enter");
        if (!blocks) return 0;
    } while (!csys_ring_next(&ring, &event));
    to_start = event.key;
    return event.key;
}

#endif

static const struct poller pollers[] = {
#ifdef __linux__
    {open_epoll, wait_epoll},
    {open_io_uring, wait_io_uring},
#endif
    {open_poll, wait_poll},
};

void open_poller(const int *descriptors, size_t descriptor_count) {
    count = descriptor_count;
    poller = &pollers[option("backend")];
    poller->open(descriptors);
}

size_t wait_ready(void) { return poller->wait(true); }

void look(void) { poller->wait(false); }
