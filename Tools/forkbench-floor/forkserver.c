// forkserver-alive, forkserver-lifecycle, forkserver-rate: a fork server of one thread, and its only client.
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
/// How long the server has had nothing to do when it forks a spare, in milliseconds.
enum { idle_time = 1 };

// The server

/// A child; -1 for a descriptor that it does not have.
struct child {
    pid_t pid;
    int pidfd;
    int status;      // where its client hears of it
    int activation;  // of a spare: what it is told to run by
};

static int epoll;
static struct child *spares[64];  // parked, the longest first
static size_t spare_count, spares_wanted;

/// What an event is about: a child's end, or its answer to an activation. The control socket has no child.
enum { is_end = 0, is_answer = 1 };

static void watch(int fd, struct child *child, uintptr_t what) {
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = (uint64_t)((uintptr_t)child | what)};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0) fail("epoll_ctl");
}

static void keep_only(int fd) {
    if (fd > STDERR_FILENO + 1) close_range(STDERR_FILENO + 1, (unsigned)fd - 1, 0);
    close_range((unsigned)fd + 1, ~0U, 0);
}

_Noreturn static void run_child(int alive) { _exit(write(alive, "a", 1) == 1 ? 0 : 1); }

/// Waits to be told what to run; says that it took it, from when on it is the client's.
_Noreturn static void park(int activation) {
    unsigned char request[request_size];
    int alive;
    if (!receive_descriptors(activation, request, sizeof request, &alive, 1)) _exit(0);
    write_all(activation, "t", 1);
    close(activation);
    run_child(alive);
}

static struct child *new_child(pid_t pid) {
    struct child *child = malloc(sizeof *child);
    if (!child) fail("memory");
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);  // glibc has a name for it since 2.36 only
    if (pidfd < 0) fail("pidfd_open");
    *child = (struct child){pid, pidfd, -1, -1};
    watch(pidfd, child, is_end);
    return child;
}

static void report(const struct child *child) {
    int64_t started = child->pid;
    send_descriptors(child->status, &started, sizeof started, &child->pidfd, 1);
}

static pid_t checked_fork(void) {
    pid_t pid = fork();
    if (pid < 0) fail("fork");
    return pid;
}

static void fork_spare(void) {
    int ends[2];
    make_socketpair(SOCK_STREAM, ends);
    pid_t pid = checked_fork();
    if (pid == 0) {
        keep_only(ends[1]);
        park(ends[1]);
    }
    close(ends[1]);
    struct child *spare = new_child(pid);
    spare->activation = ends[0];
    watch(ends[0], spare, is_answer);
    spares[spare_count++] = spare;
}

/// Serves one request; false when the client has gone.
static bool start_child(int control) {
    unsigned char request[request_size];
    int fds[2];
    if (!receive_descriptors(control, request, sizeof request, fds, 2)) return false;
    int status = fds[0], alive = fds[1];
    if (spare_count > 0) {
        struct child *spare = spares[0];
        memmove(spares, spares + 1, --spare_count * sizeof *spares);
        spare->status = status;
        send_descriptors(spare->activation, request, sizeof request, &alive, 1);
    } else {
        pid_t pid = checked_fork();
        if (pid == 0) {
            keep_only(alive);
            run_child(alive);
        }
        struct child *child = new_child(pid);
        child->status = status;
        report(child);
    }
    close(alive);
    return true;
}

/// A spare has taken what it was told.
static void finish_activation(struct child *spare) {
    char byte;
    if (read(spare->activation, &byte, 1) != 1) fail_plainly("a spare ended before it took a request");
    close(spare->activation);
    spare->activation = -1;
    report(spare);
}

static void end_child(struct child *child) {
    siginfo_t info;
    if (waitid((idtype_t)wait_by_pidfd, (id_t)child->pidfd, &info, WEXITED) < 0) fail("waitid");
    // Its answer may be in the same batch of events.
    if (child->activation >= 0) finish_activation(child);
    int64_t code = info.si_code == CLD_EXITED ? info.si_status : -info.si_status;
    write_all(child->status, &code, sizeof code);
    // The client has a copy of the pidfd: closing ours would leave it registered.
    if (epoll_ctl(epoll, EPOLL_CTL_DEL, child->pidfd, NULL) < 0) fail("epoll_ctl");
    close(child->pidfd);
    close(child->status);
}

/// Memory all of which has been touched.
static void preload(size_t size, bool in_huge_pages) {
    if (size == 0) return;
    char *memory = malloc(size);
    if (!memory) fail("memory to preload");
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t first = ((uintptr_t)memory + page - 1) & ~(page - 1);
    uintptr_t last = ((uintptr_t)memory + size) & ~(page - 1);
    // Small ones are asked for too: where huge ones come unasked, they would not be small. EINVAL: there are no others.
    int advice = in_huge_pages ? MADV_HUGEPAGE : MADV_NOHUGEPAGE;
    if (madvise((void *)first, last - first, advice) < 0 && errno != EINVAL) fail("madvise");
    memset(memory, 'x', size);
    __asm__ volatile("" : : "r"(memory) : "memory");  // or the compiler drops memory that nobody reads
}

/// Answers first, so that a child that answered and ended in one batch is told of in that order.
static bool handle(const struct epoll_event *events, int count, int control) {
    for (int i = 0; i < count; i++) {
        struct child *child = (struct child *)((uintptr_t)events[i].data.u64 & ~(uintptr_t)is_answer);
        if (child && (events[i].data.u64 & is_answer) && child->activation >= 0) finish_activation(child);
    }
    for (int i = 0; i < count; i++) {
        struct child *child = (struct child *)((uintptr_t)events[i].data.u64 & ~(uintptr_t)is_answer);
        if (!child && !start_child(control)) return false;
        if (child && !(events[i].data.u64 & is_answer)) {
            end_child(child);
            free(child);
        }
    }
    return true;
}

static void serve(int control) {
    preload((size_t)option("preload-mib") << 20, option("huge-pages"));
    spares_wanted = option("spares");
    epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0) fail("epoll_create1");
    watch(control, NULL, is_end);
    peer_ready();
    for (;;) {
        struct epoll_event events[64];
        bool is_short = spare_count < spares_wanted;
        int ready = epoll_wait(epoll, events, 64, is_short ? idle_time : -1);
        if (ready < 0 && errno != EINTR) fail("epoll_wait");
        if (ready == 0) fork_spare();
        // The client waits for each child before it leaves: only spares are left then, and end with us.
        if (!handle(events, ready, control)) return;
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

/// A child that was asked for.
struct request {
    int status, alive, pidfd;
};

/// The child's descriptors have ended: if it was the server that failed, the server has said why.
_Noreturn static void child_lost(void) {
    close(channel);
    reap_peer();
    fail_plainly("a child ended before its first byte, or without a status");
}

static struct request ask(void) {
    static const unsigned char request[request_size];
    int status[2], alive[2];
    make_socketpair(SOCK_SEQPACKET, status);
    make_pipe(alive);
    send_descriptors(channel, request, sizeof request, (int[]){status[1], alive[1]}, 2);
    close(status[1]);
    close(alive[1]);
    return (struct request){status[0], alive[0], -1};
}

static void await_start(struct request *child) {
    int64_t pid;
    if (!receive_descriptors(child->status, &pid, sizeof pid, &child->pidfd, 1)) child_lost();
    if (pid <= 0) fail_plainly("the child has no number");
}

static void await_end(const struct request *child) {
    int64_t code;
    if (read(child->status, &code, sizeof code) != sizeof code) child_lost();
    if (code != 0) fail_plainly("the child did not exit with 0");
}

static void forget(const struct request *child) {
    close(child->alive);
    close(child->status);
    close(child->pidfd);
}

static void pause_if_paced(void) {
    if (pause_before.tv_sec || pause_before.tv_nsec) nanosleep(&pause_before, NULL);
}

static uint64_t sample_alive(void) {
    char byte;
    pause_if_paced();
    uint64_t start = now();
    struct request child = ask();
    if (read(child.alive, &byte, 1) != 1) child_lost();
    uint64_t time = now() - start;
    await_start(&child);
    await_end(&child);
    forget(&child);
    return time;
}

static uint64_t sample_lifecycle(void) {
    pause_if_paced();
    uint64_t start = now();
    struct request child = ask();
    await_start(&child);
    await_end(&child);
    uint64_t time = now() - start;
    forget(&child);
    return time;
}

/// Per child, with some of them under way at a time.
static uint64_t sample_rate(void) {
    enum { most_under_way = 64 };
    struct request children[most_under_way];
    uint64_t repeat = option("repeat"), under_way = option("under-way");
    uint64_t start = now();
    for (uint64_t next = 0; next < repeat + under_way; next++) {
        struct request *child = &children[next % under_way];
        if (next >= under_way) {
            await_end(child);
            forget(child);
        }
        if (next < repeat) {
            *child = ask();
            await_start(child);
        }
    }
    return per(now() - start, repeat);
}

static void close_server(void) { close(channel); }

const struct floor forkserver_alive_floor = {open_server, sample_alive, close_server};
const struct floor forkserver_lifecycle_floor = {open_server, sample_lifecycle, close_server};
const struct floor forkserver_rate_floor = {open_server, sample_rate, close_server};
#endif
