#include "CSyscalls.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifdef __linux__
#include <linux/futex.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#else
#include <os/os_sync_wait_on_address.h>
#endif

#ifdef __linux__
extern int __xpg_strerror_r(int, char *, size_t);
int csys_error_message(int error, char *text, size_t size) { return __xpg_strerror_r(error, text, size); }
#else
int csys_error_message(int error, char *text, size_t size) { return strerror_r(error, text, size); }
#endif

// -- Descriptors

int csys_open(const char *path, int flags, mode_t mode) { return open(path, flags | O_CLOEXEC, mode); }

int csys_fcntl(int descriptor, int command, int argument) { return fcntl(descriptor, command, argument); }

#ifndef __linux__
static int close_on_exec(int descriptor) { return fcntl(descriptor, F_SETFD, FD_CLOEXEC); }

static void no_sigpipe(int descriptor) {
    int on = 1;
    setsockopt(descriptor, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on);
}
#endif

int csys_duplicate_onto(int descriptor, int other) {
#ifdef __linux__
    return dup3(descriptor, other, O_CLOEXEC);
#else
    if (dup2(descriptor, other) == -1) return -1;
    return close_on_exec(other) == -1 ? -1 : other;
#endif
}

int csys_pipe(int descriptors[2]) {
#ifdef __linux__
    return pipe2(descriptors, O_CLOEXEC);
#else
    if (pipe(descriptors) == -1) return -1;
    close_on_exec(descriptors[0]);
    close_on_exec(descriptors[1]);
    return 0;
#endif
}

int csys_socketpair(int domain, int type, int descriptors[2]) {
#ifdef __linux__
    return socketpair(domain, type | SOCK_CLOEXEC, 0, descriptors);
#else
    if (socketpair(domain, type, 0, descriptors) == -1) return -1;
    for (int i = 0; i < 2; i++) {
        close_on_exec(descriptors[i]);
        no_sigpipe(descriptors[i]);
    }
    return 0;
#endif
}

int csys_socket(int domain, int type) {
#ifdef __linux__
    return socket(domain, type | SOCK_CLOEXEC, 0);
#else
    int descriptor = socket(domain, type, 0);
    if (descriptor == -1) return -1;
    close_on_exec(descriptor);
    no_sigpipe(descriptor);
    return descriptor;
#endif
}

int csys_accept(int descriptor, struct sockaddr *address, socklen_t *length) {
#ifdef __linux__
    return accept4(descriptor, address, length, SOCK_CLOEXEC);
#else
    int accepted = accept(descriptor, address, length);
    if (accepted == -1) return -1;
    close_on_exec(accepted);
    no_sigpipe(accepted);
    // BSD sockets inherit the listener's mode.
    fcntl(accepted, F_SETFL, fcntl(accepted, F_GETFL) & ~O_NONBLOCK);
    return accepted;
#endif
}

int csys_close_range(unsigned int first, unsigned int last) {
#ifdef __linux__
    if (syscall(SYS_close_range, first, last, 0) == 0) return 0;
    if (errno != ENOSYS) return -1;
#endif
    long limit = sysconf(_SC_OPEN_MAX);
    if (limit > 0 && last >= (unsigned long)limit) last = (unsigned int)limit - 1;
    for (unsigned int descriptor = first; descriptor <= last; descriptor++) close((int)descriptor);
    return 0;
}

int csys_poll(struct pollfd *descriptors, size_t count, const struct timespec *timeout) {
#ifdef __linux__
    return ppoll(descriptors, (nfds_t)count, timeout, NULL);
#else
    int milliseconds = -1;
    if (timeout != NULL) {
        long long wanted = (long long)timeout->tv_sec * 1000 + (timeout->tv_nsec + 999999) / 1000000;
        milliseconds = wanted > 0x7fffffff ? 0x7fffffff : (int)wanted;
    }
    return poll(descriptors, (nfds_t)count, milliseconds);
#endif
}

#ifdef __linux__
int csys_epoll_wait(int epoll, struct epoll_event *events, int capacity, const struct timespec *timeout) {
    if (timeout == NULL) return epoll_wait(epoll, events, capacity, -1);
    if (timeout->tv_sec == 0 && timeout->tv_nsec == 0) return epoll_wait(epoll, events, capacity, 0);
    int count = (int)syscall(SYS_epoll_pwait2, epoll, events, capacity, timeout, NULL, 0);
    // Linux 5.11; older filters of system calls do not know it either.
    if (count != -1 || (errno != ENOSYS && errno != EPERM)) return count;
    long long wanted = (long long)timeout->tv_sec * 1000 + (timeout->tv_nsec + 999999) / 1000000;
    return epoll_wait(epoll, events, capacity, wanted > 0x7fffffff ? 0x7fffffff : (int)wanted);
}

ssize_t csys_write_without_signal(int descriptor, const struct iovec *parts, int count) {
    // RWF_NOSIGNAL, which the C library's headers are too old for.
    return pwritev2(descriptor, parts, count, -1, 0x100);
}

bool csys_writes_without_signal(void) {
    // Asked once, or by several threads with the same answer. Here, since what Swift initializes once takes a call at each use.
    static _Atomic signed char answer;
    if (answer == 0) {
        int ends[2];
        if (pipe2(ends, O_CLOEXEC) == -1) return false;
        struct iovec part = {.iov_base = &(char){0}, .iov_len = 1};
        answer = csys_write_without_signal(ends[1], &part, 1) == 1 ? 1 : -1;
        close(ends[0]);
        close(ends[1]);
    }
    return answer > 0;
}

int csys_readable_bytes(int descriptor, int *count) { return ioctl(descriptor, FIONREAD, count); }

int csys_unsent_bytes(int socket, int *count) { return ioctl(socket, SIOCOUTQ, count); }

int csys_pipe_capacity(int pipe) { return fcntl(pipe, F_GETPIPE_SZ); }

int csys_waiting_connections(int listener, int *count) {
    struct tcp_info information;
    socklen_t size = sizeof information;
    if (getsockopt(listener, IPPROTO_TCP, TCP_INFO, &information, &size) == -1) return -1;
    // Of a listening socket the kernel tells there the length of its queue.
    *count = (int)information.tcpi_unacked;
    return 0;
}
#endif

// -- Locks

int csys_wait_on_word(uint32_t *word, uint32_t value, const struct timespec *timeout) {
#ifdef __linux__
    return (int)syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, timeout, NULL, 0);
#else
    if (!timeout) return os_sync_wait_on_address(word, value, sizeof *word, OS_SYNC_WAIT_ON_ADDRESS_NONE);
    uint64_t nanoseconds = (uint64_t)timeout->tv_sec * 1000000000 + (uint64_t)timeout->tv_nsec;
    return os_sync_wait_on_address_with_timeout(
        word, value, sizeof *word, OS_SYNC_WAIT_ON_ADDRESS_NONE, OS_CLOCK_MACH_ABSOLUTE_TIME, nanoseconds);
#endif
}

void csys_wake_one(uint32_t *word) {
    int error = errno;
#ifdef __linux__
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
#else
    os_sync_wake_by_address_any(word, sizeof *word, OS_SYNC_WAKE_BY_ADDRESS_NONE);
#endif
    errno = error;
}

// -- Names

sem_t *csys_sem_open(const char *name, int flags, mode_t mode, unsigned int value) {
    return sem_open(name, flags, mode, value);
}

int csys_sem_wait_until(sem_t *semaphore, const struct timespec *time) {
#ifdef __linux__
    return sem_clockwait(semaphore, CLOCK_MONOTONIC, time);
#else
    // Darwin has no timed wait: try, and sleep a millisecond between tries.
    for (;;) {
        if (sem_trywait(semaphore) == 0) return 0;
        if (errno != EAGAIN) return -1;
        struct timespec now, pause = {.tv_nsec = 1000000};
        clock_gettime(CLOCK_MONOTONIC, &now);
        if (now.tv_sec > time->tv_sec || (now.tv_sec == time->tv_sec && now.tv_nsec >= time->tv_nsec)) {
            errno = ETIMEDOUT;
            return -1;
        }
        nanosleep(&pause, NULL);
    }
#endif
}

// shm_open makes its descriptors close-on-exec by itself.
int csys_shm_open(const char *name, int flags, mode_t mode) { return shm_open(name, flags, mode); }

// -- Thread sanitizer

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define THREAD_SANITIZER 1
#endif
#endif

#ifdef THREAD_SANITIZER
void __tsan_acquire(void *);
void __tsan_release(void *);
void csys_tsan_acquire(void *address) { __tsan_acquire(address); }
void csys_tsan_release(void *address) { __tsan_release(address); }
#else
void csys_tsan_acquire(void *address) { (void)address; }
void csys_tsan_release(void *address) { (void)address; }
#endif
