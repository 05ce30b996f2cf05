// io_uring for an event loop: polls, their removal, and waits. Without liburing.
#ifdef __linux__

#include "CSyscalls.h"

#include <endian.h>
#include <errno.h>
#include <linux/io_uring.h>
#include <linux/time_types.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

// For headers older than the kernel.
#ifndef IORING_SETUP_SUBMIT_ALL
#define IORING_SETUP_SUBMIT_ALL (1U << 7)
#endif
#ifndef IORING_SETUP_SINGLE_ISSUER
#define IORING_SETUP_SINGLE_ISSUER (1U << 12)
#endif
#ifndef IORING_SETUP_DEFER_TASKRUN
#define IORING_SETUP_DEFER_TASKRUN (1U << 13)
#endif
#ifndef IORING_ASYNC_CANCEL_ALL
#define IORING_ASYNC_CANCEL_ALL (1U << 0)
#endif
#ifndef IORING_ASYNC_CANCEL_ANY
#define IORING_ASYNC_CANCEL_ANY (1U << 2)
#endif

enum { entries = 256 };

static const unsigned features = IORING_FEAT_SINGLE_MMAP | IORING_FEAT_NODROP | IORING_FEAT_EXT_ARG;

// The memory is shared with the kernel, as in io_uring(7).
static unsigned *at(struct csys_ring *ring, unsigned offset) { return (unsigned *)((char *)ring->memory + offset); }
static unsigned load(const unsigned *word) {
    return atomic_load_explicit((const _Atomic unsigned *)word, memory_order_acquire);
}
static void store(unsigned *word, unsigned value) {
    atomic_store_explicit((_Atomic unsigned *)word, value, memory_order_release);
}

int csys_ring_open(struct csys_ring *ring) {
    memset(ring, 0, sizeof *ring);
    ring->descriptor = -1;
    // The ring is one thread's: completions are made when it waits, not in between. Linux 6.1; before that without.
    struct io_uring_params params = {
        .flags = IORING_SETUP_SUBMIT_ALL | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN};
    int descriptor = (int)syscall(SYS_io_uring_setup, entries, &params);
    if (descriptor == -1 && errno == EINVAL) {
        params = (struct io_uring_params){0};
        descriptor = (int)syscall(SYS_io_uring_setup, entries, &params);
    }
    if (descriptor == -1) return -1;
    if ((params.features & features) != features) {
        close(descriptor);
        errno = ENOSYS;
        return -1;
    }
    size_t requests = params.sq_off.array + params.sq_entries * sizeof(unsigned);
    size_t completions = params.cq_off.cqes + params.cq_entries * sizeof(struct io_uring_cqe);
    ring->memory_size = requests > completions ? requests : completions;
    ring->slots_size = params.sq_entries * sizeof(struct io_uring_sqe);
    ring->memory = mmap(NULL, ring->memory_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, descriptor,
                        IORING_OFF_SQ_RING);
    ring->slots = mmap(NULL, ring->slots_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, descriptor,
                       IORING_OFF_SQES);
    ring->descriptor = descriptor;
    ring->owner = getpid();
    // A forked child's copy of this memory would keep the ring alive, and could spoil it.
    if (ring->memory == MAP_FAILED || ring->slots == MAP_FAILED ||
        madvise(ring->memory, ring->memory_size, MADV_DONTFORK) == -1 ||
        madvise(ring->slots, ring->slots_size, MADV_DONTFORK) == -1) {
        int error = errno;
        csys_ring_close(ring);
        errno = error;
        return -1;
    }
    ring->request_head = at(ring, params.sq_off.head);
    ring->request_tail = at(ring, params.sq_off.tail);
    ring->request_mask = *at(ring, params.sq_off.ring_mask);
    ring->completion_head = at(ring, params.cq_off.head);
    ring->completion_tail = at(ring, params.cq_off.tail);
    ring->completion_mask = *at(ring, params.cq_off.ring_mask);
    ring->completions = (char *)ring->memory + params.cq_off.cqes;
    // Requests are in their slots' order.
    unsigned *array = at(ring, params.sq_off.array);
    for (unsigned i = 0; i < params.sq_entries; i++) array[i] = i;
    return 0;
}

static int enter(struct csys_ring *ring, unsigned wanted, const struct timespec *timeout) {
    struct __kernel_timespec time;
    struct io_uring_getevents_arg argument = {0};
    if (timeout != NULL) {
        time = (struct __kernel_timespec){.tv_sec = timeout->tv_sec, .tv_nsec = timeout->tv_nsec};
        argument.ts = (uint64_t)(uintptr_t)&time;
    }
    for (;;) {
        unsigned pending = *ring->request_tail - load(ring->request_head);
        int taken = (int)syscall(SYS_io_uring_enter, ring->descriptor, pending, wanted,
                                 IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &argument, sizeof argument);
        if (taken == -1) return -1;
        // Kernels that stop at a request which fails have not waited yet.
        if ((unsigned)taken >= pending) return taken;
    }
}

static struct io_uring_sqe *next_request(struct csys_ring *ring) {
    unsigned tail = *ring->request_tail;
    // Full: the kernel takes them.
    if (tail - load(ring->request_head) > ring->request_mask && enter(ring, 0, NULL) == -1) return NULL;
    struct io_uring_sqe *request = (struct io_uring_sqe *)ring->slots + (tail & ring->request_mask);
    memset(request, 0, sizeof *request);
    return request;
}

static void announce_request(struct csys_ring *ring) { store(ring->request_tail, *ring->request_tail + 1); }

int csys_ring_add_poll(struct csys_ring *ring, int descriptor, short events, int multishot, uint64_t key) {
    struct io_uring_sqe *request = next_request(ring);
    if (request == NULL) return -1;
    request->opcode = IORING_OP_POLL_ADD;
    request->fd = descriptor;
    request->len = multishot ? IORING_POLL_ADD_MULTI : 0;
#if __BYTE_ORDER == __BIG_ENDIAN
    request->poll32_events = (uint32_t)(unsigned short)events << 16;
#else
    request->poll32_events = (uint32_t)(unsigned short)events;
#endif
    request->user_data = key;
    announce_request(ring);
    return 0;
}

int csys_ring_remove_poll(struct csys_ring *ring, uint64_t key) {
    struct io_uring_sqe *request = next_request(ring);
    if (request == NULL) return -1;
    request->opcode = IORING_OP_POLL_REMOVE;
    request->fd = -1;
    request->addr = key;
    request->user_data = CSYS_RING_NO_KEY;
    announce_request(ring);
    return 0;
}

int csys_ring_wait(struct csys_ring *ring, const struct timespec *timeout) {
    if (timeout != NULL && timeout->tv_sec == 0 && timeout->tv_nsec == 0) return enter(ring, 0, NULL);
    int result = enter(ring, 1, timeout);
    // After requests were handed over the kernel tells how many, and not what ended the wait.
    if (result > 0 && *ring->completion_head == load(ring->completion_tail)) {
        errno = EINTR;
        return -1;
    }
    return result;
}

int csys_ring_next(struct csys_ring *ring, struct csys_ring_event *event) {
    unsigned head = *ring->completion_head;
    if (head == load(ring->completion_tail)) return 0;
    const struct io_uring_cqe *completion =
        (const struct io_uring_cqe *)ring->completions + (head & ring->completion_mask);
    event->key = completion->user_data;
    event->result = completion->res;
    event->has_more = (completion->flags & IORING_CQE_F_MORE) != 0;
    store(ring->completion_head, head + 1);
    return 1;
}

int csys_ring_is_own(const struct csys_ring *ring) { return ring->owner == getpid(); }

void csys_ring_close(struct csys_ring *ring) {
    if (ring->descriptor < 0) return;
    if (csys_ring_is_own(ring)) {
        // The kernel takes rings apart later: until then polls would keep files open.
        struct io_uring_sqe *request = ring->completions != NULL ? next_request(ring) : NULL;
        if (request != NULL) {
            request->opcode = IORING_OP_ASYNC_CANCEL;
            request->fd = -1;
            request->cancel_flags = IORING_ASYNC_CANCEL_ALL | IORING_ASYNC_CANCEL_ANY;
            request->user_data = CSYS_RING_NO_KEY;
            announce_request(ring);
            enter(ring, 0, NULL);
        }
        // In a forked child there is other memory at these addresses, if any.
        if (ring->slots != MAP_FAILED) munmap(ring->slots, ring->slots_size);
        if (ring->memory != MAP_FAILED) munmap(ring->memory, ring->memory_size);
    }
    close(ring->descriptor);
    ring->descriptor = -1;
}

#endif
