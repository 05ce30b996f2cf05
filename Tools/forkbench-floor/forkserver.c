// forkserver-alive, forkserver-lifecycle: a fork server of one thread, and its only client.
// Linux only: pidfd, close_range.
#ifdef __linux__
#include "floor.h"

#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum { request_size = 64 };
enum { wait_by_pidfd = 3 };  // P_PIDFD, which glibc names since 2.36 only

// The server

static int epoll;

/// What is watched: a child's two descriptors, or the control socket and no status.
struct watched {
    int32_t fd, status;
};

static void watch(struct watched watched) {
    struct epoll_event event = {.events = EPOLLIN};
    memcpy(&event.data, &watched, sizeof watched);
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, watched.fd, &event) < 0) fail("epoll_ctl");
}

_Noreturn static void run_child(int alive) {
    if (alive > STDERR_FILENO + 1) close_range(STDERR_FILENO + 1, (unsigned)alive - 1, 0);
    close_range((unsigned)alive + 1, ~0U, 0);
    _exit(write(alive, "a", 1) == 1 ? 0 : 1);
}

/// Serves one request; false when the client has gone.
static bool start_child(int control) {
    unsigned char request[request_size];
    int fds[2];
    if (!receive_descriptors(control, request, sizeof request, fds, 2)) return false;
    int status = fds[0], alive = fds[1];

    pid_t pid = fork();
    if (pid < 0) fail("fork");
    if (pid == 0) run_child(alive);

    close(alive);
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);  // glibc has a name for it since 2.36 only
    if (pidfd < 0) fail("pidfd_open");
    int64_t started = pid;
    send_descriptors(status, &started, sizeof started, &pidfd, 1);
    watch((struct watched){pidfd, status});
    return true;
}

static void end_child(struct watched child) {
    siginfo_t info;
    if (waitid((idtype_t)wait_by_pidfd, (id_t)child.fd, &info, WEXITED) < 0) fail("waitid");
    int64_t code = info.si_code == CLD_EXITED ? info.si_status : -info.si_status;
    write_all(child.status, &code, sizeof code);
    // The client has a copy of the pidfd: closing ours would leave it registered.
    if (epoll_ctl(epoll, EPOLL_CTL_DEL, child.fd, NULL) < 0) fail("epoll_ctl");
    close(child.fd);
    close(child.status);
}

/// Memory in small pages, all of it touched, as a warm server has that does nothing about it.
static void preload(size_t size) {
    if (size == 0) return;
    char *memory = malloc(size);
    if (!memory) fail("memory to preload");
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t first = ((uintptr_t)memory + page - 1) & ~(page - 1);
    uintptr_t last = ((uintptr_t)memory + size) & ~(page - 1);
    // Where huge pages are given without asking, there would be nothing left to measure. EINVAL: none there.
    if (madvise((void *)first, last - first, MADV_NOHUGEPAGE) < 0 && errno != EINVAL) fail("madvise");
    memset(memory, 'x', size);
    __asm__ volatile("" : : "r"(memory) : "memory");  // or the compiler drops memory that nobody reads
}

static void serve(int control) {
    preload((size_t)option("preload-mib") << 20);
    epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0) fail("epoll_create1");
    watch((struct watched){control, -1});
    peer_ready();
    for (;;) {
        struct epoll_event events[64];
        int ready = epoll_wait(epoll, events, 64, -1);
        if (ready < 0 && errno != EINTR) fail("epoll_wait");
        for (int i = 0; i < ready; i++) {
            struct watched watched;
            memcpy(&watched, &events[i].data, sizeof watched);
            if (watched.fd != control)
                end_child(watched);
            else if (!start_child(control))
                return;  // the client waits for each child before it leaves: none is left to reap
        }
    }
}

// The client

static int channel;
static struct timespec pause_before;

static void open_server(void) {
    uint64_t microseconds = option("paced-us");
    pause_before = (struct timespec){(time_t)(microseconds / 1000000), (long)(microseconds % 1000000) * 1000};
    int ends[2];
    make_socketpair(SOCK_STREAM, ends);
    channel = ends[0];
    start_peer(serve, ends[1], ends[0]);
}

struct times {
    uint64_t until_alive, until_status;
};

/// The child's descriptors have ended: if it was the server that failed, the server has said why.
_Noreturn static void child_lost(void) {
    close(channel);
    reap_peer();
    fail_plainly("a child ended before its first byte, or without a status");
}

static struct times run_one(void) {
    if (pause_before.tv_sec || pause_before.tv_nsec) nanosleep(&pause_before, NULL);

    static const unsigned char request[request_size];
    int status[2], alive[2], pidfd;
    int64_t pid, code;
    char byte;
    uint64_t start = now();

    make_socketpair(SOCK_SEQPACKET, status);
    make_pipe(alive);
    send_descriptors(channel, request, sizeof request, (int[]){status[1], alive[1]}, 2);
    close(status[1]);
    close(alive[1]);
    if (read(alive[0], &byte, 1) != 1) child_lost();
    uint64_t is_alive = now();

    if (!receive_descriptors(status[0], &pid, sizeof pid, &pidfd, 1)) child_lost();
    if (read(status[0], &code, sizeof code) != sizeof code) child_lost();
    uint64_t has_ended = now();

    if (pid <= 0 || code != 0) fail_plainly("the child did not exit with 0");
    close(alive[0]);
    close(status[0]);
    close(pidfd);
    return (struct times){is_alive - start, has_ended - start};
}

static uint64_t sample_alive(void) { return run_one().until_alive; }
static uint64_t sample_lifecycle(void) { return run_one().until_status; }
static void close_server(void) { close(channel); }

const struct floor forkserver_alive_floor = {open_server, sample_alive, close_server};
const struct floor forkserver_lifecycle_floor = {open_server, sample_lifecycle, close_server};
#endif
