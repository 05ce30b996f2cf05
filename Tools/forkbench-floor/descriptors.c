// Pipes, socket pairs, reads, writes and descriptor messages that return on success only.
#include "floor.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#ifdef __linux__

void make_pipe(int ends[2]) {
    if (pipe2(ends, O_CLOEXEC) < 0) fail("pipe2");
}

void make_socketpair(int type, int ends[2]) {
    if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends) < 0) fail("socketpair");
}

#else

#define MSG_CMSG_CLOEXEC 0  // no such flag there; what is received here is closed again at once, and nothing is exec'ed

static void set_close_on_exec(const int ends[2]) {
    for (int i = 0; i < 2; i++)
        if (fcntl(ends[i], F_SETFD, FD_CLOEXEC) < 0) fail("F_SETFD");
}

void make_pipe(int ends[2]) {
    if (pipe(ends) < 0) fail("pipe");
    set_close_on_exec(ends);
}

void make_socketpair(int type, int ends[2]) {
    if (socketpair(AF_UNIX, type, 0, ends) < 0) fail("socketpair");
    set_close_on_exec(ends);
}

#endif

/// A Unix socket closed with unread data in it gives ECONNRESET instead of end of file.
static bool means_end(int error) { return error == EPIPE || error == ECONNRESET; }

size_t read_some(int fd, void *buffer, size_t capacity) {
    for (;;) {
        ssize_t got = read(fd, buffer, capacity);
        if (got > 0) return (size_t)got;
        if (got == 0 || means_end(errno)) channel_ended();
        if (errno != EINTR) fail("read");
    }
}

void write_all(int fd, const void *bytes, size_t size) {
    const char *next = bytes;
    while (size > 0) {
        ssize_t put = write(fd, next, size);
        if (put < 0) {
            if (means_end(errno)) channel_ended();
            if (errno != EINTR) fail("write");
            continue;
        }
        next += put;
        size -= (size_t)put;
    }
}

union control {
    struct cmsghdr header;  // for the alignment
    char bytes[CMSG_SPACE(descriptors_per_message * sizeof(int))];
};

void send_descriptors(int socket, const void *bytes, size_t size, const int *fds, size_t count) {
    union control control;
    struct iovec data = {.iov_base = (void *)bytes, .iov_len = size};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = &control};
    message.msg_controllen = CMSG_SPACE(count * sizeof(int));
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(count * sizeof(int));
    memcpy(CMSG_DATA(header), fds, count * sizeof(int));

    ssize_t put;
    do put = sendmsg(socket, &message, 0);
    while (put < 0 && errno == EINTR);
    if (put < 0 && means_end(errno)) channel_ended();
    if (put < 0) fail("sendmsg");
    if ((size_t)put != size) fail_plainly("sendmsg took a part of the message");
}

bool receive_descriptors(int socket, void *bytes, size_t size, int *fds, size_t count) {
    union control control;
    struct iovec data = {.iov_base = bytes, .iov_len = size};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = &control};
    message.msg_controllen = sizeof control;

    ssize_t got;
    do got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    while (got < 0 && errno == EINTR);
    if (got == 0 || (got < 0 && means_end(errno))) return false;
    if (got < 0) fail("recvmsg");
    if ((size_t)got != size) fail_plainly("recvmsg gave a part of the message");

    const struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (!header || header->cmsg_type != SCM_RIGHTS || header->cmsg_len != CMSG_LEN(count * sizeof(int)))
        fail_plainly("a message came without its descriptors");
    memcpy(fds, CMSG_DATA(header), count * sizeof(int));
    return true;
}
