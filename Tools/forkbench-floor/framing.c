// roundtrip, stream: length-prefixed frames over a Unix stream socket.
#include "floor.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/uio.h>

void put_header(unsigned char *frame, size_t payload) {
    uint32_t length = htonl((uint32_t)payload);
    memcpy(frame, &length, header_size);
}

size_t receive_frame(int fd, unsigned char *buffer, size_t capacity) {
    size_t have = 0, whole = header_size;
    do {
        have += read_some(fd, buffer + have, capacity - have);
        if (have < header_size) continue;
        uint32_t length;
        memcpy(&length, buffer, header_size);
        whole = header_size + ntohl(length);
        if (whole > capacity) fail_plainly("a frame is longer than expected");
    } while (have < whole);
    if (have > whole) fail_plainly("a frame is followed by more than expected");
    return whole - header_size;
}

static int channel;
static unsigned char *frame;
static size_t payload;
static uint64_t repeat;

static void open_channel(void (*serve)(int)) {
    payload = option("bytes");
    repeat = option("repeat");
    frame = malloc(header_size + payload);
    if (!frame) fail("memory");
    memset(frame, 'x', header_size + payload);  // no page faults in the first samples
    put_header(frame, payload);
    int ends[2];
    make_socketpair(SOCK_STREAM, ends);
    channel = ends[0];
    start_peer(serve, ends[1], ends[0]);
}

static void close_channel(void) { close(channel); }

// roundtrip: header and payload lie side by side, so a frame is one write and one read.

static void echo(int socket) {
    peer_ready();
    for (;;) {
        size_t size = receive_frame(socket, frame, header_size + payload);
        write_all(socket, frame, header_size + size);
    }
}

static void open_roundtrip(void) { open_channel(echo); }

static uint64_t sample_roundtrip(void) {
    uint64_t start = now();
    write_all(channel, frame, header_size + payload);
    receive_frame(channel, frame, header_size + payload);
    return now() - start;
}

const struct floor roundtrip_floor = {open_roundtrip, sample_roundtrip, close_channel};

// stream: header and payload are not copied together; the reader takes what there is.

static void consume(int socket) {
    peer_ready();
    for (;;) {
        for (uint64_t i = 0; i < repeat; i++) receive_frame(socket, frame, header_size + payload);
        write_all(socket, "", 1);
    }
}

static void open_stream(void) { open_channel(consume); }

static void send_gathered(void) {
    unsigned char header[header_size];
    put_header(header, payload);
    struct iovec parts[2] = {{header, header_size}, {frame + header_size, payload}};
    ssize_t put;
    do put = writev(channel, parts, 2);
    while (put < 0 && errno == EINTR);
    if (put < 0 && (errno == EPIPE || errno == ECONNRESET)) channel_ended();
    if (put < 0) fail("writev");
    size_t sent = (size_t)put;
    if (sent < header_size) write_all(channel, header + sent, header_size - sent), sent = header_size;
    write_all(channel, frame + sent, header_size + payload - sent);
}

static uint64_t sample_stream(void) {
    unsigned char acknowledgement;
    uint64_t start = now();
    for (uint64_t i = 0; i < repeat; i++) send_gathered();
    read_some(channel, &acknowledgement, 1);
    return per(now() - start, repeat);
}

const struct floor stream_floor = {open_stream, sample_stream, close_channel};
