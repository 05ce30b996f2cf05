#include "CSyscalls.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#ifndef __linux__
#include <fcntl.h>
#endif

// -- Messages with descriptors

const int csys_msg_ctrunc = MSG_CTRUNC;

// Swift has no variable of a thread without its concurrency runtime.
static _Thread_local void *coded_descriptors[2];

void *csys_coded_descriptors(int incoming) { return coded_descriptors[incoming]; }

void csys_set_coded_descriptors(int incoming, void *descriptors) { coded_descriptors[incoming] = descriptors; }

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
        // Padding bytes reach the kernel, behind an odd number of descriptors: no stack contents in them.
        memset(control.bytes + message.msg_controllen - sizeof(size_t), 0, sizeof(size_t));
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        *header = (struct cmsghdr){
            .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(count * sizeof(int))};
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
            fcntl(descriptor, F_SETFD, FD_CLOEXEC);
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
