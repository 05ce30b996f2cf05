#include "CSyscalls.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef __linux__
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#else
#include <crt_externs.h>
#include <sys/random.h>
#include <sys/ucred.h>
#include <sys/un.h>
#endif

// -- Processes

pid_t csys_fork(void) { return fork(); }

int csys_spawn_add_chdir(posix_spawn_file_actions_t *actions, const char *path) {
    return posix_spawn_file_actions_addchdir_np(actions, path);
}

int csys_spawn_add_close_from(posix_spawn_file_actions_t *actions, int from) {
#ifdef __linux__
    return posix_spawn_file_actions_addclosefrom_np(actions, from);
#else
    (void)actions;
    (void)from;
    return 0;  // Darwin closes by POSIX_SPAWN_CLOEXEC_DEFAULT.
#endif
}

short csys_spawn_setsid_flag(void) { return POSIX_SPAWN_SETSID; }

#ifdef __linux__
extern char **environ;
char **csys_environ(void) { return environ; }
#else
char **csys_environ(void) { return *_NSGetEnviron(); }
#endif

void csys_set_thread_name(const char *name) {
#ifdef __linux__
    // The kernel cuts it where it has to.
    prctl(PR_SET_NAME, name);
#else
    char cut[16];
    strncpy(cut, name, sizeof cut - 1);
    cut[sizeof cut - 1] = 0;
    pthread_setname_np(cut);
#endif
}

#ifdef __linux__
#ifndef P_PIDFD
#define P_PIDFD 3
#endif

// Handlers run in the opposite order of their installation, so this one comes before all that are there by now.
static void leave_if_child(int status, void *owner) {
    if (getpid() == (pid_t)(intptr_t)owner) return;
    fflush(NULL);
    _exit(status);
}

int csys_keep_exit_handlers_from_children(void) { return on_exit(leave_if_child, (void *)(intptr_t)getpid()); }

int csys_pidfd_open(pid_t pid) { return (int)syscall(SYS_pidfd_open, pid, 0); }

int csys_pidfd_send_signal(int pidfd, int signal) {
    return (int)syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0);
}

static int wait_pidfd(int pidfd, int options, int *code, int *status) {
    siginfo_t info;
    memset(&info, 0, sizeof info);
    if (waitid((idtype_t)P_PIDFD, (id_t)pidfd, &info, WEXITED | options) == -1) return -1;
    *code = info.si_pid == 0 ? 0 : info.si_code;
    *status = info.si_status;
    return 0;
}

int csys_wait_pidfd(int pidfd, int no_hang, int *code, int *status) {
    return wait_pidfd(pidfd, no_hang ? WNOHANG : 0, code, status);
}

int csys_peek_pidfd(int pidfd, int *code, int *status) {
    return wait_pidfd(pidfd, WNOHANG | WNOWAIT, code, status);
}

// linux/pidfd.h, spelled out because the C library's headers are older than the call.
struct pidfd_information {
    uint64_t mask, cgroup;
    uint32_t pid, tgid, ppid, ids[8];
    int32_t exit_code;
    uint32_t spare[16];
};
#define PIDFD_INFORMATION_EXIT (1u << 3)

int csys_pidfd_exit_status(int pidfd, int *wait_status) {
    struct pidfd_information information;
    memset(&information, 0, sizeof information);
    information.mask = PIDFD_INFORMATION_EXIT;
    // The request's number carries the size; the first version of the structure has 64 bytes.
    unsigned long request = _IOC(_IOC_READ | _IOC_WRITE, 0xFF, 11, 64);
    if (ioctl(pidfd, request, &information) == -1) return -1;
    if (!(information.mask & PIDFD_INFORMATION_EXIT)) {
        errno = ENODATA;
        return -1;
    }
    *wait_status = information.exit_code;
    return 0;
}

int csys_prctl(int option, unsigned long argument) { return prctl(option, argument, 0, 0, 0); }
int csys_get_name(char name[16]) { return prctl(PR_GET_NAME, name, 0, 0, 0); }
int csys_set_no_new_privileges(void) { return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); }
int csys_timerfd_create(void) { return timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK); }

int csys_timerfd_set(int descriptor, const struct timespec *first, const struct timespec *interval) {
    struct itimerspec times = {.it_value = *first, .it_interval = *interval};
    return timerfd_settime(descriptor, 0, &times, NULL);
}

int csys_signalfd(const sigset_t *signals) { return signalfd(-1, signals, SFD_CLOEXEC | SFD_NONBLOCK); }

ssize_t csys_signalfd_read(int descriptor, int *signal, pid_t *sender) {
    struct signalfd_siginfo information;
    ssize_t count = read(descriptor, &information, sizeof information);
    if (count <= 0) return count;
    *signal = (int)information.ssi_signo;
    *sender = (pid_t)information.ssi_pid;
    return count;
}

int csys_eventfd(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }
int csys_memfd_create(const char *name) { return memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING); }
int csys_add_seals(int descriptor, int seals) { return fcntl(descriptor, F_ADD_SEALS, seals); }
int csys_get_seals(int descriptor) { return fcntl(descriptor, F_GET_SEALS); }
const int csys_seal_seal = F_SEAL_SEAL, csys_seal_shrink = F_SEAL_SHRINK, csys_seal_grow = F_SEAL_GROW;
const int csys_pr_set_pdeathsig = PR_SET_PDEATHSIG, csys_pr_set_child_subreaper = PR_SET_CHILD_SUBREAPER;

int csys_set_affinity(pid_t pid, const int *cpus, size_t count) {
    cpu_set_t set;
    CPU_ZERO(&set);
    for (size_t i = 0; i < count; i++) {
        if (cpus[i] < 0 || cpus[i] >= CPU_SETSIZE) {
            errno = EINVAL;
            return -1;
        }
        CPU_SET(cpus[i], &set);
    }
    return sched_setaffinity(pid, sizeof set, &set);
}

int csys_get_affinity(pid_t pid, int *cpus, size_t capacity) {
    cpu_set_t set;
    if (sched_getaffinity(pid, sizeof set, &set) == -1) return -1;
    size_t count = 0;
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (!CPU_ISSET(cpu, &set)) continue;
        if (count < capacity) cpus[count] = cpu;
        count++;
    }
    return (int)count;
}

int csys_die_with_writers(int pipe) {
    struct pollfd entry = {.fd = pipe};
    if (fcntl(pipe, F_SETOWN, getpid()) == -1 || fcntl(pipe, F_SETSIG, SIGKILL) == -1 ||
        fcntl(pipe, F_SETFL, O_NONBLOCK | O_ASYNC) == -1 || poll(&entry, 1, 0) == -1)
        return -1;
    return (entry.revents & POLLHUP) == 0;
}
#endif

int csys_peer_credentials(int socket, pid_t *pid, uid_t *uid, gid_t *gid) {
#ifdef __linux__
    struct ucred credentials;
    socklen_t length = sizeof credentials;
    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &length) == -1) return -1;
    *pid = credentials.pid;
    *uid = credentials.uid;
    *gid = credentials.gid;
    return 0;
#else
    socklen_t length = sizeof *pid;
    if (getsockopt(socket, SOL_LOCAL, LOCAL_PEERPID, pid, &length) == -1) return -1;
    return getpeereid(socket, uid, gid);
#endif
}

int csys_random(void *bytes, size_t count) { return getentropy(bytes, count); }
