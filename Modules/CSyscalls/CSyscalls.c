#include "CSyscalls.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifdef __linux__
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#else
#include <crt_externs.h>
#include <sys/random.h>
#include <sys/ucred.h>
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
ssize_t csys_write_without_signal(int descriptor, const struct iovec *parts, int count) {
    // RWF_NOSIGNAL, which the C library's headers are too old for.
    return pwritev2(descriptor, parts, count, -1, 0x100);
}
#endif

// -- Messages with descriptors

const int csys_msg_ctrunc = MSG_CTRUNC;

// The union aligns the buffer for struct cmsghdr.
union control_buffer {
    struct cmsghdr align;
    // Room for a full message and for one of another kind behind it (credentials), so that neither is cut.
    char bytes[CMSG_SPACE(CSYS_MAX_DESCRIPTORS * sizeof(int)) + 128];
};

ssize_t csys_send_descriptors(int socket, const struct iovec *parts, size_t part_count,
                              const int *descriptors, size_t count, int flags) {
    struct msghdr message = {.msg_iov = (struct iovec *)parts, .msg_iovlen = part_count};
    union control_buffer control;
    if (count > CSYS_MAX_DESCRIPTORS) {
        errno = EINVAL;
        return -1;
    }
    if (count > 0) {
        message.msg_control = control.bytes;
        message.msg_controllen = CMSG_SPACE(count * sizeof(int));
        // Padding bytes reach the kernel: no stack contents in them.
        memset(control.bytes, 0, message.msg_controllen);
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(count * sizeof(int));
        memcpy(CMSG_DATA(header), descriptors, count * sizeof(int));
    }
#ifdef MSG_NOSIGNAL
    flags |= MSG_NOSIGNAL;
#endif
    return sendmsg(socket, &message, flags);
}

ssize_t csys_receive_descriptors(int socket, void *bytes, size_t byte_count, int *descriptors,
                                 size_t capacity, size_t *count, int *flags, int *unexpected,
                                 struct csys_credentials *credentials) {
    struct iovec part = {.iov_base = bytes, .iov_len = byte_count};
    union control_buffer control;
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    int call_flags = *flags;
#ifdef MSG_CMSG_CLOEXEC
    call_flags |= MSG_CMSG_CLOEXEC;
#endif
    *count = 0;
    *unexpected = 0;
    if (credentials != NULL) credentials->pid = 0;
    ssize_t received = recvmsg(socket, &message, call_flags);
    if (received == -1) return -1;
    *flags = message.msg_flags;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header != NULL; header = CMSG_NXTHDR(&message, header)) {
#ifdef __linux__
        if (credentials != NULL && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_CREDENTIALS &&
            header->cmsg_len == CMSG_LEN(sizeof(struct ucred))) {
            struct ucred sender;
            memcpy(&sender, CMSG_DATA(header), sizeof sender);
            *credentials = (struct csys_credentials){sender.pid, sender.uid, sender.gid};
            continue;
        }
#endif
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) {
            *unexpected = 1;
            continue;
        }
        size_t arrived = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < arrived; i++) {
            int descriptor;
            memcpy(&descriptor, CMSG_DATA(header) + i * sizeof(int), sizeof descriptor);
#ifndef MSG_CMSG_CLOEXEC
            close_on_exec(descriptor);
#endif
            if (*count < capacity) {
                descriptors[(*count)++] = descriptor;
            } else {
                // Nobody else would: the kernel has already made it ours.
                close(descriptor);
                *flags |= MSG_CTRUNC;
            }
        }
    }
    return received;
}

#ifdef __linux__
int csys_pass_credentials(int socket, int on) {
    return setsockopt(socket, SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
}
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
    char cut[16];
    strncpy(cut, name, sizeof cut - 1);
    cut[sizeof cut - 1] = 0;
#ifdef __linux__
    pthread_setname_np(pthread_self(), cut);
#else
    pthread_setname_np(cut);
#endif
}

#ifdef __linux__
#ifndef P_PIDFD
#define P_PIDFD 3
#endif

int csys_pidfd_open(pid_t pid) { return (int)syscall(SYS_pidfd_open, pid, 0); }

int csys_pidfd_send_signal(int pidfd, int signal) {
    return (int)syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0);
}

int csys_wait_pidfd(int pidfd, int no_hang, int *code, int *status) {
    siginfo_t info;
    memset(&info, 0, sizeof info);
    if (waitid((idtype_t)P_PIDFD, (id_t)pidfd, &info, WEXITED | (no_hang ? WNOHANG : 0)) == -1) return -1;
    *code = info.si_pid == 0 ? 0 : info.si_code;
    *status = info.si_status;
    return 0;
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
const int csys_seal_seal = F_SEAL_SEAL, csys_seal_shrink = F_SEAL_SHRINK, csys_seal_grow = F_SEAL_GROW,
          csys_seal_write = F_SEAL_WRITE;
const int csys_pr_set_name = PR_SET_NAME, csys_pr_set_pdeathsig = PR_SET_PDEATHSIG,
          csys_pr_set_child_subreaper = PR_SET_CHILD_SUBREAPER;

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

int csys_signal_on_change(int descriptor, int signal) {
    if (fcntl(descriptor, F_SETOWN, getpid()) == -1) return -1;
    if (fcntl(descriptor, F_SETSIG, signal) == -1) return -1;
    int flags = fcntl(descriptor, F_GETFL);
    if (flags == -1) return -1;
    return fcntl(descriptor, F_SETFL, flags | O_ASYNC);
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
