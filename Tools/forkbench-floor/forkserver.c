// forkserver-alive, forkserver-lifecycle, forkserver-rate: a fork server of one thread, and its only client.
// Linux only: pidfd, close_range.
#ifdef __linux__
#include "floor.h"

#include <sched.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum { request_size = 64 };
enum { wait_by_pidfd = 3 };  // P_PIDFD, which glibc names since 2.36 only
/// How long the server has had nothing to do when it forks a spare, in milliseconds. The first one it forks as soon as the last one was
/// taken, or a child has ended.
enum { idle_time = 1 };

// The server

/// Who has the request that a spare was sent. They share this word, so that no message has to say it.
enum claim { not_offered, offered, taken };

/// A child; -1 for a descriptor that it does not have.
struct child {
    pid_t pid;
    int pidfd;
    int status;           // where its client hears of it
    int activation;       // of a spare: what it is told to run by
    _Atomic int *claim;   // of a spare
};

enum { most_spares = 64 };

static int epoll;
static struct child *spares[most_spares];  // parked, the longest first
static size_t spare_count, spares_wanted;
static bool may_lack_spare;  // one was taken, or a child has ended, since the spares were last looked after
static _Atomic int *claims;  // shared with the children, used in turn
static size_t next_claim;

static void watch(int fd, struct child *child) {
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = child};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0) fail("epoll_ctl");
}

static int open_pidfd(pid_t pid) {
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);  // glibc has a name for it since 2.36 only
    if (pidfd < 0) fail("pidfd_open");
    return pidfd;
}

static void report(int status, int64_t pid, int pidfd) { send_descriptors(status, &pid, sizeof pid, &pidfd, 1); }

static void keep_only(int fd) {
    if (fd > STDERR_FILENO + 1) close_range(STDERR_FILENO + 1, (unsigned)fd - 1, 0);
    close_range((unsigned)fd + 1, ~0U, 0);
}

_Noreturn static void run_child(int alive) { _exit(write(alive, "a", 1) == 1 ? 0 : 1); }

/// Waits to be told what to run; takes it, from when on it is the client's, and tells the client so.
_Noreturn static void park(int activation, _Atomic int *claim) {
    int own = open_pidfd(getpid());
    unsigned char request[request_size];
    int fds[2], expected = offered;
    if (!receive_descriptors(activation, request, sizeof request, fds, 2)) _exit(0);
    if (!atomic_compare_exchange_strong(claim, &expected, taken)) _exit(0);
    report(fds[0], getpid(), own);
    run_child(fds[1]);
}

static struct child *new_child(pid_t pid) {
    struct child *child = malloc(sizeof *child);
    if (!child) fail("memory");
    *child = (struct child){pid, open_pidfd(pid), -1, -1, NULL};
    watch(child->pidfd, child);
    return child;
}

static pid_t checked_fork(void) {
    pid_t pid = fork();
    if (pid < 0) fail("fork");
    return pid;
}

static void fork_spare(void) {
    int ends[2];
    make_socketpair(SOCK_STREAM, ends);
    // Those in between have been used by children that are long gone: only some are parked, or on their way, at a time.
    _Atomic int *claim = &claims[next_claim++ % (2 * most_spares)];
    atomic_store(claim, not_offered);
    pid_t pid = checked_fork();
    if (pid == 0) {
        keep_only(ends[1]);
        park(ends[1], claim);
    }
    close(ends[1]);
    struct child *spare = new_child(pid);
    spare->activation = ends[0];
    spare->claim = claim;
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
        atomic_store(spare->claim, offered);
        send_descriptors(spare->activation, request, sizeof request, fds, 2);
        close(spare->activation);
        may_lack_spare = true;
        sched_yield();
    } else {
        pid_t pid = checked_fork();
        if (pid == 0) {
            keep_only(alive);
            run_child(alive);
        }
        struct child *child = new_child(pid);
        child->status = status;
        report(status, pid, child->pidfd);
    }
    close(alive);
    return true;
}

static void end_child(struct child *child) {
    siginfo_t info;
    if (waitid((idtype_t)wait_by_pidfd, (id_t)child->pidfd, &info, WEXITED) < 0) fail("waitid");
    if (child->status < 0 || (child->claim && atomic_load(child->claim) != taken))
        fail_plainly("a spare ended before it took a request");
    int64_t code = info.si_code == CLD_EXITED ? info.si_status : -info.si_status;
    write_all(child->status, &code, sizeof code);
    // The client has a copy of the pidfd: closing ours would leave it registered.
    if (epoll_ctl(epoll, EPOLL_CTL_DEL, child->pidfd, NULL) < 0) fail("epoll_ctl");
    close(child->pidfd);
    close(child->status);
    free(child);
    may_lack_spare = true;
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

/// False when the client has gone.
static bool handle(const struct epoll_event *events, int count, int control) {
    for (int i = 0; i < count; i++) {
        if (events[i].data.ptr)
            end_child(events[i].data.ptr);
        else if (!start_child(control))
            return false;
    }
    return true;
}

static void serve(int control) {
    preload((size_t)option("preload-mib") << 20, option("huge-pages"));
    spares_wanted = option("spares");
    claims = mmap(NULL, 2 * most_spares * sizeof *claims, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (claims == MAP_FAILED) fail("mmap");
    epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0) fail("epoll_create1");
    watch(control, NULL);
    peer_ready();
    for (;;) {
        struct epoll_event events[64];
        bool is_short = spare_count < spares_wanted;
        int ready = epoll_wait(epoll, events, 64, is_short ? idle_time : -1);
        if (ready < 0 && errno != EINTR) fail("epoll_wait");
        if (ready == 0) fork_spare();
        // The client waits for each child before it leaves: only spares are left then, and end with us.
        if (!handle(events, ready, control)) return;
        if (may_lack_spare && spare_count == 0 && spares_wanted > 0) fork_spare();
        may_lack_spare = false;
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
