#include "CSyscalls.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

// -- Descriptors that a forked copy of the process does not have

struct csys_fork_guard {
    int descriptor;
    struct csys_fork_guard *previous, *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct csys_fork_guard *first;

// Held over the fork, so that the list is whole in the copy.
static void before_fork(void) { pthread_mutex_lock(&lock); }
static void after_fork_in_parent(void) { pthread_mutex_unlock(&lock); }

static void after_fork_in_child(void) {
    for (struct csys_fork_guard *guard = first; guard != NULL; guard = guard->next) {
        if (guard->descriptor >= 0) close(guard->descriptor);
        guard->descriptor = -1;
    }
    pthread_mutex_unlock(&lock);
}

static void install(void) { pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child); }

struct csys_fork_guard *csys_fork_guard_new(int descriptor) {
    struct csys_fork_guard *guard = malloc(sizeof *guard);
    if (guard == NULL) return NULL;
    pthread_once(&once, install);
    pthread_mutex_lock(&lock);
    *guard = (struct csys_fork_guard){.descriptor = descriptor, .next = first};
    if (first != NULL) first->previous = guard;
    first = guard;
    pthread_mutex_unlock(&lock);
    return guard;
}

int csys_fork_guard_descriptor(const struct csys_fork_guard *guard) { return guard->descriptor; }

void csys_fork_guard_free(struct csys_fork_guard *guard) {
    pthread_mutex_lock(&lock);
    if (guard->previous != NULL) guard->previous->next = guard->next;
    else first = guard->next;
    if (guard->next != NULL) guard->next->previous = guard->previous;
    pthread_mutex_unlock(&lock);
    if (guard->descriptor >= 0) close(guard->descriptor);
    free(guard);
}
