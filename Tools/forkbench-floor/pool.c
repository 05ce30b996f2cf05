// pool-hop, pool-map, pool-payload, pool-recovery: what a process pool has the kernel do.
#ifdef __linux__
#include "floor.h"

#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static unsigned char *allocate(size_t size) {
    unsigned char *memory = malloc(size);
    if (!memory) fail("memory");
    memset(memory, 'x', size);  // no page faults in the first samples
    return memory;
}

static unsigned char *share(size_t size) {
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) fail("mmap");
    memset(memory, 'x', size);
    return memory;
}

// pool-hop: a thread reads the replies, and wakes the one that waits for them.

static int channel;
static size_t payload;
static unsigned char *frame;
static _Atomic uint32_t arrived;

static void echo(int socket) {
    peer_ready();
    for (;;) write_all(socket, frame, header_size + receive_frame(socket, frame, header_size + payload));
}

static void *read_replies(void *unused) {
    (void)unused;
    unsigned char *reply = allocate(header_size + payload);
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN};
    if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, channel, &event) < 0) fail("epoll");
    for (;;) {
        if (epoll_wait(epoll, &event, 1, -1) < 0 && errno != EINTR) fail("epoll_wait");
        size_t have = 0;
        while (have < header_size + payload) {
            ssize_t count = recv(channel, reply + have, header_size + payload - have, 0);
            if (count <= 0) return NULL;  // closed: the end
            have += (size_t)count;
        }
        atomic_store(&arrived, 1);
        syscall(SYS_futex, &arrived, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    }
}

static void open_hop(void) {
    payload = option("bytes");
    frame = allocate(header_size + payload);
    put_header(frame, payload);
    int ends[2];
    make_socketpair(SOCK_STREAM, ends);
    channel = ends[0];
    start_peer(echo, ends[1], ends[0]);
    pthread_t reader;
    if (pthread_create(&reader, NULL, read_replies, NULL) != 0) fail_plainly("no thread");
    pthread_detach(reader);
}

static uint64_t sample_hop(void) {
    uint64_t start = now();
    atomic_store(&arrived, 0);
    write_all(channel, frame, header_size + payload);
    while (!atomic_load(&arrived)) syscall(SYS_futex, &arrived, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
    return now() - start;
}

static void close_hop(void) { shutdown(channel, SHUT_RDWR); }

// pool-map: frames to several processes, some in flight to each, written and read many at a time. Each process answers each frame.

enum { most_workers = 64, in_flight = 64, buffer_size = 65536 };

static int channels[most_workers], their_ends[most_workers];
static uint64_t workers, tasks;
static size_t reply_payload;

static void answer(int socket) {
    unsigned char *buffer = allocate(buffer_size), *reply = allocate(header_size + reply_payload);
    put_header(reply, reply_payload);
    size_t have = 0, size = header_size + payload;
    for (;;) {
        ssize_t count = read(socket, buffer + have, buffer_size - have);
        if (count <= 0) _exit(0);
        have += (size_t)count;
        size_t used = 0;
        for (; have - used >= size; used += size) write_all(socket, reply, header_size + reply_payload);
        memmove(buffer, buffer + used, have - used);
        have -= used;
    }
}

static void serve_workers(int unused) {
    (void)unused;
    for (uint64_t i = 0; i < workers; i++) {
        pid_t pid = fork();
        if (pid < 0) fail("fork");
        if (pid > 0) continue;
        for (uint64_t j = 0; j < workers; j++) {
            close(channels[j]);
            if (j != i) close(their_ends[j]);
        }
        answer(their_ends[i]);
    }
    for (uint64_t i = 0; i < workers; i++) {
        close(channels[i]);
        close(their_ends[i]);
    }
    peer_ready();
    while (wait(NULL) > 0) continue;
}

static int spare_ends[2];

static void open_map(void) {
    workers = option("workers");
    tasks = option("tasks");
    payload = option("bytes");
    reply_payload = option("reply-bytes");
    frame = allocate(in_flight * (header_size + payload));
    for (int i = 0; i < in_flight; i++) put_header(frame + (size_t)i * (header_size + payload), payload);
    for (uint64_t i = 0; i < workers; i++) {
        int ends[2];
        make_socketpair(SOCK_STREAM, ends);
        channels[i] = ends[0];
        their_ends[i] = ends[1];
    }
    make_socketpair(SOCK_STREAM, spare_ends);
    start_peer(serve_workers, spare_ends[1], spare_ends[0]);
    for (uint64_t i = 0; i < workers; i++) close(their_ends[i]);
}

static uint64_t sample_map(void) {
    static unsigned char buffer[buffer_size];
    struct pollfd polled[most_workers];
    size_t left_over[most_workers] = {0};
    uint64_t sent = 0, done = 0, start = now();
    size_t size = header_size + payload, reply_size = header_size + reply_payload;
    for (uint64_t i = 0; i < workers; i++) {
        polled[i] = (struct pollfd){channels[i], POLLIN, 0};
        uint64_t count = tasks - sent < in_flight ? tasks - sent : in_flight;
        write_all(channels[i], frame, count * size);
        sent += count;
    }
    while (done < tasks) {
        if (poll(polled, workers, -1) < 0 && errno != EINTR) fail("poll");
        for (uint64_t i = 0; i < workers; i++) {
            if (!(polled[i].revents & (POLLIN | POLLHUP))) continue;
            size_t have = left_over[i] + read_some(channels[i], buffer, buffer_size);
            uint64_t replies = have / reply_size;
            left_over[i] = have % reply_size;
            done += replies;
            uint64_t count = tasks - sent < replies ? tasks - sent : replies;
            if (count > 0) write_all(channels[i], frame, count * size);
            sent += count;
        }
    }
    return per(now() - start, tasks);
}

static void close_map(void) {
    for (uint64_t i = 0; i < workers; i++) close(channels[i]);
    close(spare_ends[0]);
}

// pool-payload: an echo by way of two mappings that are used again and again: copied in, copied across, copied out.

static unsigned char *there, *back, *source, *target;

static void echo_payload(int socket) {
    peer_ready();
    for (;;) {
        char byte;
        read_some(socket, &byte, 1);
        memcpy(back, there, payload);
        write_all(socket, &byte, 1);
    }
}

static void open_payload(void) {
    payload = option("bytes");
    there = share(payload);
    back = share(payload);
    source = allocate(payload);
    target = allocate(payload);
    int ends[2];
    make_socketpair(SOCK_STREAM, ends);
    channel = ends[0];
    start_peer(echo_payload, ends[1], ends[0]);
    for (size_t i = 0; i < payload; i += 4096) target[i] = there[i] = back[i];  // mapped on this side too
}

static uint64_t sample_payload(void) {
    uint64_t start = now();
    char byte = 'p';
    memcpy(there, source, payload);
    write_all(channel, &byte, 1);
    read_some(channel, &byte, 1);
    memcpy(target, back, payload);
    __asm__ volatile("" : : "r"(target) : "memory");
    return now() - start;
}

static void close_channel(void) { close(channel); }

// pool-recovery: a child of a fork server is killed, its end told, another asked for and spoken with.

static int worker, worker_status;
static pid_t worker_pid;

static void serve_forks(int control) {
    int status = -1, pidfd = -1;
    peer_ready();
    for (;;) {
        struct pollfd polled[] = {{control, POLLIN, 0}, {pidfd, POLLIN, 0}};
        if (poll(polled, pidfd < 0 ? 1 : 2, -1) < 0 && errno != EINTR) fail("poll");
        if (pidfd >= 0 && polled[1].revents) {
            siginfo_t info;
            if (waitid((idtype_t)3, (id_t)pidfd, &info, WEXITED) < 0) fail("waitid");  // P_PIDFD
            int64_t code = info.si_code == CLD_EXITED ? info.si_status : -info.si_status;
            write_all(status, &code, sizeof code);
            close(pidfd);
            close(status);
            pidfd = -1;
            continue;
        }
        if (!(polled[0].revents & (POLLIN | POLLHUP))) continue;
        unsigned char byte;
        int fds[2];
        if (!receive_descriptors(control, &byte, 1, fds, 2)) return;
        pid_t pid = fork();
        if (pid < 0) fail("fork");
        if (pid == 0) {
            close(control);
            for (;;) {
                char ping;
                if (read(fds[0], &ping, 1) != 1) _exit(0);
                if (write(fds[0], &ping, 1) != 1) _exit(0);
            }
        }
        close(fds[0]);
        status = fds[1];
        pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
        if (pidfd < 0) fail("pidfd_open");
        int64_t started = pid;
        send_descriptors(status, &started, sizeof started, &pidfd, 1);
    }
}

static void start_worker(void) {
    int ends[2], status[2], pidfd;
    unsigned char byte = 0;
    int64_t pid;
    make_socketpair(SOCK_STREAM, ends);
    make_socketpair(SOCK_SEQPACKET, status);
    send_descriptors(channel, &byte, 1, (int[]){ends[1], status[1]}, 2);
    close(ends[1]);
    close(status[1]);
    if (!receive_descriptors(status[0], &pid, sizeof pid, &pidfd, 1)) fail_plainly("no child");
    close(pidfd);
    worker = ends[0];
    worker_status = status[0];
    worker_pid = (pid_t)pid;
}

static void ping(void) {
    char byte = 'p';
    write_all(worker, &byte, 1);
    read_some(worker, &byte, 1);
}

static void open_recovery(void) {
    int ends[2];
    make_socketpair(SOCK_STREAM, ends);
    channel = ends[0];
    start_peer(serve_forks, ends[1], ends[0]);
    start_worker();
    ping();
}

static uint64_t sample_recovery(void) {
    uint64_t start = now();
    int64_t code;
    kill(worker_pid, SIGKILL);
    if (read(worker_status, &code, sizeof code) != sizeof code) fail_plainly("no status");
    close(worker);
    close(worker_status);
    start_worker();
    ping();
    return now() - start;
}

static void close_recovery(void) {
    close(worker);
    close(channel);
}

const struct floor pool_hop_floor = {open_hop, sample_hop, close_hop};
const struct floor pool_map_floor = {open_map, sample_map, close_map};
const struct floor pool_payload_floor = {open_payload, sample_payload, close_channel};
const struct floor pool_recovery_floor = {open_recovery, sample_recovery, close_recovery};
#endif
