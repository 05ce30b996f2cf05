// What Swift cannot import from the C library: fork, variadic calls, CMSG macros, and calls that
// glibc declares only under _GNU_SOURCE. Each function keeps the contract of the call it is named
// after: -1 and errno on failure. Nothing here retries, allocates or keeps state.
#ifndef CSYSCALLS_H
#define CSYSCALLS_H

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <spawn.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>

#ifdef __linux__
#include <sys/epoll.h>
#endif

/// strerror_r(3) as POSIX has it, which glibc hides behind a function of the same name: 0, or an error number.
int csys_error_message(int error, char *text, size_t size);

// -- Descriptors

int csys_open(const char *path, int flags, mode_t mode);
int csys_fcntl(int descriptor, int command, int argument);
/// pipe2(2) with O_CLOEXEC; where there is none, pipe and fcntl.
int csys_pipe(int descriptors[2]);
/// socketpair(2), close-on-exec.
int csys_socketpair(int domain, int type, int descriptors[2]);
/// socket(2), close-on-exec and without SIGPIPE where that is an option of the socket.
int csys_socket(int domain, int type);
/// accept4(2) with SOCK_CLOEXEC; the accepted socket is blocking whatever the listener's mode.
int csys_accept(int descriptor, struct sockaddr *address, socklen_t *length);
/// Closes all descriptors from `first` to `last` (both included).
int csys_close_range(unsigned int first, unsigned int last);
/// poll(2) with a relative timeout of nanosecond precision where the kernel has it; null waits for ever.
struct pollfd;
int csys_poll(struct pollfd *descriptors, size_t count, const struct timespec *timeout);

#ifdef __linux__
/// pwritev2(2) at the file's position with RWF_NOSIGNAL (Linux 6.18): EPIPE and no SIGPIPE. EOPNOTSUPP where the kernel or
/// the kind of file does not have it.
ssize_t csys_write_without_signal(int descriptor, const struct iovec *parts, int count);
#endif

// -- Descriptors that a forked copy of the process does not have

/// Owns a descriptor, and closes it in every process that is forked from this one, where it is -1 from then on.
struct csys_fork_guard;
/// Takes the descriptor over; null (ENOMEM) leaves it alone.
struct csys_fork_guard *csys_fork_guard_new(int descriptor);
int csys_fork_guard_descriptor(const struct csys_fork_guard *guard);
/// Closes the descriptor, if it is still there.
void csys_fork_guard_free(struct csys_fork_guard *guard);

// -- Locks

#ifdef __linux__
/// pthread_mutex_clocklock(3) with CLOCK_MONOTONIC: an error number, not errno.
int csys_mutex_lock_until(pthread_mutex_t *mutex, const struct timespec *deadline);
#endif

// -- Messages with descriptors

/// Most descriptors in one control message (SCM_MAX_FD).
#define CSYS_MAX_DESCRIPTORS 253

/// The flags of received messages that callers act upon.
extern const int csys_msg_ctrunc;

/// sendmsg(2) of the parts with `count` descriptors in one SCM_RIGHTS message; never raises SIGPIPE on a socket.
ssize_t csys_send_descriptors(int socket, const struct iovec *parts, size_t part_count,
                              const int *descriptors, size_t count, int flags);

/// recvmsg(2) into `bytes`. Stores up to `capacity` received descriptors, all close-on-exec, and their
/// number in `count`. `flags` is in and out: the call's flags, then msg_flags. `unexpected` is set when a control
/// message of another type than SCM_RIGHTS came. Credentials are stored in `credentials` unless that is null, where they
/// are unexpected too.
struct csys_credentials {
    pid_t pid;  // 0: none came
    uid_t uid;
    gid_t gid;
};
ssize_t csys_receive_descriptors(int socket, void *bytes, size_t byte_count, int *descriptors,
                                 size_t capacity, size_t *count, int *flags, int *unexpected,
                                 struct csys_credentials *credentials);
#ifdef __linux__
/// Has the kernel attach the sender's credentials to each message that the socket receives (SO_PASSCRED).
int csys_pass_credentials(int socket, int on);
#endif

// -- Processes

pid_t csys_fork(void);
int csys_spawn_add_chdir(posix_spawn_file_actions_t *actions, const char *path);
int csys_spawn_add_close_from(posix_spawn_file_actions_t *actions, int from);
short csys_spawn_setsid_flag(void);
char **csys_environ(void);
/// pthread_setname_np(3) of the calling thread; names are cut to what the kernel takes.
void csys_set_thread_name(const char *name);

#ifdef __linux__
int csys_pidfd_open(pid_t pid);
int csys_pidfd_send_signal(int pidfd, int signal);
/// waitid(2) with P_PIDFD and WEXITED; `no_hang` adds WNOHANG. *code and *status as in siginfo_t; *code is 0
/// when nothing has ended yet.
int csys_wait_pidfd(int pidfd, int no_hang, int *code, int *status);
/// The wait status that the kernel still tells of a reaped process (PIDFD_GET_INFO, Linux 6.15); -1 where it does not.
int csys_pidfd_exit_status(int pidfd, int *wait_status);
int csys_prctl(int option, unsigned long argument);
int csys_get_name(char name[16]);
int csys_set_no_new_privileges(void);
int csys_eventfd(void);
int csys_timerfd_create(void);
int csys_timerfd_set(int descriptor, const struct timespec *first, const struct timespec *interval);
int csys_signalfd(const sigset_t *signals);
/// Takes one signal off a signalfd.
ssize_t csys_signalfd_read(int descriptor, int *signal, pid_t *sender);
int csys_memfd_create(const char *name);
int csys_add_seals(int descriptor, int seals);
int csys_get_seals(int descriptor);
extern const int csys_seal_seal, csys_seal_shrink, csys_seal_grow;
extern const int csys_pr_set_pdeathsig, csys_pr_set_child_subreaper;
int csys_set_affinity(pid_t pid, const int *cpus, size_t count);
/// The number of processors allowed, of which up to `capacity` are stored.
int csys_get_affinity(pid_t pid, int *cpus, size_t capacity);
/// Asks for `signal` to be sent to this process when `descriptor` changes state (O_ASYNC, F_SETSIG).
int csys_signal_on_change(int descriptor, int signal);
#endif
/// Credentials of the peer of a connected Unix socket (SO_PEERCRED, getpeereid).
int csys_peer_credentials(int socket, pid_t *pid, uid_t *uid, gid_t *gid);
/// Fills `bytes` with random ones from the kernel; at most 256.
int csys_random(void *bytes, size_t count);

// -- Names

sem_t *csys_sem_open(const char *name, int flags, mode_t mode, unsigned int value);
/// sem_clockwait(3) on CLOCK_MONOTONIC until an absolute time.
int csys_sem_wait_until(sem_t *semaphore, const struct timespec *time);
int csys_shm_open(const char *name, int flags, mode_t mode);

// -- Thread sanitizer

/// Tell the thread sanitizer of a lock's hand-over, which it does not see in Synchronization.Mutex; nothing elsewhere.
void csys_tsan_acquire(void *address);
void csys_tsan_release(void *address);

#endif
