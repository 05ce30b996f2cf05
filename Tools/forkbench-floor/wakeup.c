// wakeup: a thread that waits for descriptors is woken by another, and answers.
#include "floor.h"

#include <pthread.h>
#ifdef __linux__
#include <sys/eventfd.h>
#endif

static uint64_t repeat;
static int bell[2], answer[2];

static void make_bell(int ends[2]) {
#ifdef __linux__
    ends[0] = ends[1] = eventfd(0, EFD_CLOEXEC);
    if (ends[0] < 0) fail("eventfd");
#else
    make_pipe(ends);
#endif
}

static void ring_bell(const int ends[2]) {
    uint64_t one = 1;
    if (write(ends[1], &one, sizeof one) != sizeof one) fail("write of a wake-up");
}

static void hear(const int ends[2]) {
    uint64_t number;
    if (read(ends[0], &number, sizeof number) != sizeof number) fail("read of a wake-up");
}

static void *serve(void *unused) {
    (void)unused;
    pin(peer_cpu_number());
    open_poller(&bell[0], 1);
    for (;;) {
        wait_ready();
        hear(bell);
        ring_bell(answer);
    }
    return NULL;
}

static void open_wakeup(void) {
    repeat = option("repeat");
    make_bell(bell);
    make_bell(answer);
    pthread_t thread;
    if (pthread_create(&thread, NULL, serve, NULL) != 0) fail_plainly("no thread");
}

static uint64_t sample(void) {
    uint64_t start = now();
    for (uint64_t i = 0; i < repeat; i++) {
        ring_bell(bell);
        hear(answer);
    }
    return per(now() - start, repeat);
}

static void close_wakeup(void) {}  // the thread goes with the process

const struct floor wakeup_floor = {open_wakeup, sample, close_wakeup};
