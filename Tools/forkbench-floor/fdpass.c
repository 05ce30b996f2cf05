// fdpass-oneway, fdpass-batch: messages of one byte and some descriptors; the peer closes what it
// receives and acknowledges the last message of a sample with one byte.
#include "floor.h"

#include <fcntl.h>
#include <sys/socket.h>

static int channel;
static int fds[descriptors_per_message];
static size_t descriptors;
static uint64_t repeat;

static void serve(int socket) {
    peer_ready();
    for (;;) {
        for (uint64_t i = 0; i < repeat; i++) {
            unsigned char byte;
            if (!receive_descriptors(socket, &byte, 1, fds, descriptors)) return;
            for (size_t k = 0; k < descriptors; k++) close(fds[k]);
        }
        write_all(socket, "", 1);
    }
}

static void open_channel(void) {
    descriptors = option("descriptors");
    if (descriptors == 0) descriptors = 1;  // fdpass-oneway has no such option
    repeat = option("repeat");
    raise_descriptor_limit();  // also bounds what one user may have in flight (ETOOMANYREFS)
    int ends[2];
    make_socketpair(SOCK_STREAM, ends);
    channel = ends[0];
    start_peer(serve, ends[1], ends[0]);
    // Descriptors of their own, one open file: what a sender that duplicates one has.
    for (size_t i = 0; i < descriptors; i++) {
        fds[i] = i == 0 ? open("/dev/null", O_RDONLY | O_CLOEXEC) : fcntl(fds[0], F_DUPFD_CLOEXEC, 0);
        if (fds[i] < 0) fail("/dev/null");
    }
}

static uint64_t sample(void) {
    const unsigned char count = (unsigned char)descriptors;
    unsigned char acknowledgement;
    uint64_t start = now();
    for (uint64_t i = 0; i < repeat; i++) send_descriptors(channel, &count, 1, fds, descriptors);
    read_some(channel, &acknowledgement, 1);
    return per(now() - start, repeat * descriptors);
}

static void close_channel(void) { close(channel); }

const struct floor fdpass_floor = {open_channel, sample, close_channel};
