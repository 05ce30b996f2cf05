// Signals for an event loop: the handler counts and writes to a descriptor that the loop waits for.
#include "CSyscalls.h"

#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <unistd.h>

enum { signal_numbers = 65 };

static struct watch {
    _Atomic int descriptor;  // one more than its number; 0: not watched
    _Atomic pid_t owner;
    atomic_uint pending;
    atomic_uint running;  // handlers that may use the descriptor
    struct sigaction before;
} watches[signal_numbers];

static void handle(int signal) {
    int error = errno;
    struct watch *watch = &watches[signal];
    atomic_fetch_add(&watch->running, 1);
    int descriptor = atomic_load(&watch->descriptor) - 1;
    // A forked child that has not made its own loop yet shares its parent's descriptor, which is not to hear of this.
    if (descriptor >= 0 && atomic_load(&watch->owner) == getpid()) {
        atomic_fetch_add(&watch->pending, 1);
        uint64_t one = 1;
        ssize_t written = write(descriptor, &one, sizeof one);
        (void)written;  // one that is full is readable
    }
    atomic_fetch_sub(&watch->running, 1);
    errno = error;
}

int csys_watch_signal(int signal, int descriptor) {
    if (signal <= 0 || signal >= signal_numbers) {
        errno = EINVAL;
        return -1;
    }
    struct watch *watch = &watches[signal];
    int none = 0;
    if (!atomic_compare_exchange_strong(&watch->descriptor, &none, descriptor + 1)) {
        errno = EBUSY;
        return -1;
    }
    atomic_store(&watch->pending, 0);
    atomic_store(&watch->owner, getpid());
    struct sigaction action = {.sa_handler = handle, .sa_flags = SA_RESTART};
    sigfillset(&action.sa_mask);
    if (sigaction(signal, &action, &watch->before) == 0) return 0;
    int error = errno;
    atomic_store(&watch->descriptor, 0);
    errno = error;
    return -1;
}

void csys_rewatch_signal(int signal, int descriptor) {
    struct watch *watch = &watches[signal];
    atomic_store(&watch->pending, 0);
    atomic_store(&watch->running, 0);  // those of the parent's other threads
    atomic_store(&watch->descriptor, descriptor + 1);
    atomic_store(&watch->owner, getpid());
}

void csys_unwatch_signal(int signal) {
    struct watch *watch = &watches[signal];
    sigaction(signal, &watch->before, NULL);
    // The descriptor's number is somebody else's soon.
    pid_t owner = atomic_load(&watch->owner);
    atomic_store(&watch->owner, 0);
    if (owner == getpid())
        while (atomic_load(&watch->running) != 0) sched_yield();
    atomic_store(&watch->running, 0);
    atomic_store(&watch->descriptor, 0);
}

unsigned int csys_take_signal(int signal) { return atomic_exchange(&watches[signal].pending, 0); }
