// The peer process: its start, its end, pinning, and how a failure on either side is told.
#include "floor.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

static pid_t peer;          // in the parent: 0 when there is none
static bool is_peer;
static int ready_fd = -1;   // in the peer, until it has said that it is ready

_Noreturn static void fail_with(const char *what, const char *why) {
    dprintf(STDERR_FILENO, "forkbench-floor%s: %s%s%s\n", is_peer ? " (peer)" : "", what, why ? ": " : "", why ? why : "");
    _exit(1);
}

void fail(const char *what) { fail_with(what, strerror(errno)); }
void fail_plainly(const char *what) { fail_with(what, NULL); }

/// So that the harness reads end of file as soon as the parent is gone, whatever its peer still does.
static void let_go_of_harness(void) {
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0) fail("/dev/null");
    if (dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0) fail("dup2");
    if (null > STDERR_FILENO) close(null);
}

static void end_with_parent(pid_t parent) {
#ifdef __linux__
    // A server that is busy, or blocked elsewhere, would not see the end of file.
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0) fail("PR_SET_PDEATHSIG");
#endif
    if (getppid() != parent) _exit(0);  // it died before we asked
}

void start_peer(void (*serve)(int channel), int channel, int other_end) {
    int ready[2];
    make_pipe(ready);
    pid_t parent = getpid();
    peer = fork();
    if (peer < 0) fail("fork");
    if (peer == 0) {
        is_peer = true;
        end_with_parent(parent);
        let_go_of_harness();
        close(other_end);
        close(ready[0]);
        ready_fd = ready[1];
        pin(peer_cpu_number());
        serve(channel);
        _exit(0);
    }
    close(channel);
    close(ready[1]);
    char byte;
    read_some(ready[0], &byte, 1);
    close(ready[0]);
}

void peer_ready(void) {
    write_all(ready_fd, "r", 1);
    close(ready_fd);
    ready_fd = -1;
}

static int wait_for_peer(void) {
    int status;
    pid_t ended;
    do ended = waitpid(peer, &status, 0);
    while (ended < 0 && errno == EINTR);
    if (ended < 0) fail("waitpid");
    peer = 0;
    return status;
}

void reap_peer(void) {
    if (peer == 0) return;
    int status = wait_for_peer();
    if (WIFSIGNALED(status)) fail_plainly("the peer was killed by a signal");
    if (WEXITSTATUS(status) != 0) _exit(1);  // it has said why
}

void channel_ended(void) {
    if (is_peer) _exit(0);
    reap_peer();
    fail_plainly("the peer ended too early");
}

void pin(int cpu) {
    if (cpu < 0) return;
#ifdef __linux__
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    if (sched_setaffinity(0, sizeof set, &set) < 0) fail("sched_setaffinity");
#else
    fail_plainly("pinning is for Linux only");
#endif
}

void raise_descriptor_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) fail("getrlimit");
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0) fail("setrlimit");
}
