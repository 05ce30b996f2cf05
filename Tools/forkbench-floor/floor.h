// forkbench-floor: the kernel work of each benchmark as a bare C loop. What every file here shares.
#pragma once

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

// Benchmarks (main.c has the table)

/// One floor. `open` starts its peer, `sample` takes one measurement in nanoseconds, `close` closes
/// what the peer waits on, so that it ends.
struct floor {
    void (*open)(void);
    uint64_t (*sample)(void);
    void (*close)(void);
};

extern const struct floor pipe_floor;
extern const struct floor fdpass_floor;
extern const struct floor roundtrip_floor;
extern const struct floor stream_floor;
extern const struct floor handshake_floor;
extern const struct floor loop_floor;
extern const struct floor timers_floor;
extern const struct floor wakeup_floor;
extern const struct floor tracker_floor;
extern const struct floor forkserver_alive_floor;
extern const struct floor pool_hop_floor;
extern const struct floor pool_map_floor;
extern const struct floor pool_payload_floor;
extern const struct floor pool_recovery_floor;
extern const struct floor forkserver_lifecycle_floor;
extern const struct floor forkserver_rate_floor;

/// The value of an option of the running benchmark, without its dashes. 0 if it has no such option.
uint64_t option(const char *name);
/// Where the peer and its children are pinned; negative: nowhere.
int peer_cpu_number(void);

// Clock

/// CLOCK_MONOTONIC in nanoseconds.
static inline uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

/// `total` per operation, rounded to the nearest nanosecond.
static inline uint64_t per(uint64_t total, uint64_t operations) {
    return (total + operations / 2) / operations;
}

// Processes (process.c)

/// Writes one line with errno's message to stderr and ends this process with 1.
_Noreturn void fail(const char *what);
/// The same without errno.
_Noreturn void fail_plainly(const char *what);

/// Forks the peer, which closes `other_end`, serves `channel` and ends; returns when it is ready.
/// The parent's copy of `channel` is closed.
void start_peer(void (*serve)(int channel), int channel, int other_end);
/// Said by the peer, once, when it has prepared itself.
void peer_ready(void);
/// The other side has closed the channel. In the peer a normal end; in the parent a failure.
_Noreturn void channel_ended(void);
/// Waits for the peer's end, if there is a peer.
void reap_peer(void);
/// Pins this process to a CPU; a negative number leaves it alone.
void pin(int cpu);
/// Raises the soft limit of open descriptors to the hard one.
void raise_descriptor_limit(void);

// Descriptors (descriptors.c): all close-on-exec; they return on success only

enum { descriptors_per_message = 253 };  // SCM_MAX_FD

void make_pipe(int ends[2]);
void make_socketpair(int type, int ends[2]);

/// One read of at least one byte.
size_t read_some(int fd, void *buffer, size_t capacity);
/// Everything, in one write unless the kernel takes less.
void write_all(int fd, const void *bytes, size_t size);

/// One message with `count` descriptors.
void send_descriptors(int socket, const void *bytes, size_t size, const int *fds, size_t count);
/// One message of exactly `size` bytes and `count` descriptors; false at end of file.
bool receive_descriptors(int socket, void *bytes, size_t size, int *fds, size_t count);

// Pollers (pollers.c): what the option "backend" names

/// Watches descriptors for reading, from the thread that waits.
void open_poller(const int *descriptors, size_t count);
/// Waits until a descriptor is readable, and returns its place.
size_t wait_ready(void);
/// Asks once without waiting.
void look(void);

// Frames (framing.c): a 4-byte length in network order, then the payload

enum { header_size = 4 };

/// Writes the header of a frame.
void put_header(unsigned char *frame, size_t payload);
/// Reads one frame, header and payload by the same read where they come together; returns the
/// payload's size. The buffer must not hold more than what can be under way.
size_t receive_frame(int fd, unsigned char *buffer, size_t capacity);
