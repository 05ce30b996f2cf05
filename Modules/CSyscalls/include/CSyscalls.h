// What Swift cannot import from the C library: fork, variadic calls, CMSG macros, and calls that
// glibc declares only under _GNU_SOURCE. Each function keeps the contract of the call it is named
// after: -1 and errno on failure. Nothing here retries or allocates, nor keeps state that it does not speak of.
#ifndef CSYSCALLS_H
#define CSYSCALLS_H

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
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
/// dup3(2) with O_CLOEXEC; where there is none, dup2 and fcntl.
int csys_duplicate_onto(int descriptor, int other);

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
/// epoll_pwait2(2); where there is none, epoll_wait with the timeout rounded up to milliseconds. Null waits for ever.
int csys_epoll_wait(int epoll, struct epoll_event *events, int capacity, const struct timespec *timeout);
/// pwritev2(2) at the file's position with RWF_NOSIGNAL (Linux 6.18): EPIPE and no SIGPIPE. EOPNOTSUPP where the kernel or
/// the kind of file does not have it.
ssize_t csys_write_without_signal(int descriptor, const struct iovec *parts, int count);
/// Whether the kernel has RWF_NOSIGNAL. It is asked once, with a pipe; false also as long as there can be no pipe.
bool csys_writes_without_signal(void);
/// How many bytes there are to read (FIONREAD), ioctl(2).
int csys_readable_bytes(int descriptor, int *count);
/// How many bytes of a socket have not been taken by its peer yet (SIOCOUTQ), tcp(7), unix(7).
int csys_unsent_bytes(int socket, int *count);
/// How many bytes a pipe holds at the most (F_GETPIPE_SZ), fcntl(2).
int csys_pipe_capacity(int pipe);
/// How many connections wait to be accepted (TCP_INFO), tcp(7).
int csys_waiting_connections(int listener, int *count);
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

/// Waits while a word of this process has a value, or until it is woken, which also happens for no reason: futex(2) with
/// FUTEX_WAIT_PRIVATE, on Darwin os_sync_wait_on_address.
///
/// timeout: How long at most, null for ever; ETIMEDOUT then. On Darwin the time that the machine sleeps does not count.
int csys_wait_on_word(uint32_t *word, uint32_t value, const struct timespec *timeout);
/// Wakes one thread that waits so, if any.
void csys_wake_one(uint32_t *word);

// -- Messages with descriptors

/// Most descriptors in one control message (SCM_MAX_FD).
#define CSYS_MAX_DESCRIPTORS 253

/// The flags of received messages that callers act upon.
extern const int csys_msg_ctrunc;

/// What the values that this thread encodes or decodes give their descriptors to, or take them from.
void *csys_coded_descriptors(int incoming);
void csys_set_coded_descriptors(int incoming, void *descriptors);

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
/// Has exit(3) in children leave with _exit(2), after flushing, once the handlers that are installed from now on have run:
/// those installed before run in this process alone. See on_exit(3).
int csys_keep_exit_handlers_from_children(void);
#endif

#ifdef __linux__
int csys_pidfd_open(pid_t pid);
int csys_pidfd_send_signal(int pidfd, int signal);
/// waitid(2) with P_PIDFD and WEXITED; `no_hang` adds WNOHANG. *code and *status as in siginfo_t; *code is 0
/// when nothing has ended yet.
int csys_wait_pidfd(int pidfd, int no_hang, int *code, int *status);
/// The same without reaping (WNOWAIT), and never waiting.
int csys_peek_pidfd(int pidfd, int *code, int *status);
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
/// Has the kernel kill this process when the last write end of a pipe is closed (O_ASYNC, F_SETSIG), as long as the descriptor
/// is open that it returns. EPIPE when there is no write end any more.
int csys_die_with_writers(int pipe);
#endif
/// Credentials of the peer of a connected Unix socket (SO_PEERCRED, getpeereid).
int csys_peer_credentials(int socket, pid_t *pid, uid_t *uid, gid_t *gid);
/// Fills `bytes` with random ones from the kernel; at most 256.
int csys_random(void *bytes, size_t count);

// -- Signals

/// Installs a handler that counts the signal and writes eight bytes to a non-blocking descriptor, in this process and not in
/// one forked from it. EBUSY when the signal is watched already.
int csys_watch_signal(int signal, int descriptor);
/// The same for a watched signal in a forked process, with a descriptor of its own.
void csys_rewatch_signal(int signal, int descriptor);
/// Puts back what was done at the signal before. Afterwards the descriptor is not written to any more.
void csys_unwatch_signal(int signal);
/// How often the signal has come since it was asked last.
unsigned int csys_take_signal(int signal);

#ifdef __linux__
// -- io_uring

/// An io_uring(7) of one thread's. Its memory is not there in a forked child, where only csys_ring_close and
/// csys_ring_is_own may be called.
struct csys_ring {
    int descriptor;
    pid_t owner;
    void *memory, *slots, *completions;
    size_t memory_size, slots_size;
    unsigned *request_head, *request_tail, *completion_head, *completion_tail;
    unsigned request_mask, completion_mask;
};

/// What no poll may have as its key: completions of other requests have it.
#define CSYS_RING_NO_KEY UINT64_MAX

struct csys_ring_event {
    uint64_t key;
    /// The events of poll(2), or an error number, negative.
    int result;
    /// Whether a multishot poll goes on.
    int has_more;
};

/// ENOSYS where the kernel has none or one that is too old, EPERM where it is forbidden.
int csys_ring_open(struct csys_ring *ring);
void csys_ring_close(struct csys_ring *ring);
int csys_ring_is_own(const struct csys_ring *ring);
/// Has the next wait start a poll: of the state, once; or, multishot, of each change.
int csys_ring_add_poll(struct csys_ring *ring, int descriptor, short events, int multishot, uint64_t key);
/// Has the next wait end a poll, which may have been completed already.
int csys_ring_remove_poll(struct csys_ring *ring, uint64_t key);
/// io_uring_enter(2) until there is an event, or the timeout has passed (ETIME). Null waits for ever.
int csys_ring_wait(struct csys_ring *ring, const struct timespec *timeout);
/// Takes the next event; 0 when there is none.
int csys_ring_next(struct csys_ring *ring, struct csys_ring_event *event);
#endif

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
