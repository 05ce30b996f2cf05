// handshake: the frames of the mutual handshake in the modern dialect with sha256, of the right sizes and
// in the right order, without digests. The listener (the peer) delivers, then answers; the client answers,
// then delivers. The sides strictly alternate, so every frame is one write and one read.
#include "floor.h"

#include <sys/socket.h>
#ifdef __APPLE__
#include <sys/random.h>
#endif

#define CHALLENGE "#CHALLENGE#{sha256}"
#define RESPONSE "{sha256}"
#define WELCOME "#WELCOME#"

enum {
    random_size = 40,
    challenge_size = sizeof CHALLENGE - 1 + random_size,
    response_size = sizeof RESPONSE - 1 + 32,
    welcome_size = sizeof WELCOME - 1,
    most_payload = 256,  // what a receiver accepts
};

static int channel;
static unsigned char challenge[header_size + challenge_size];
static unsigned char response[header_size + response_size];
static unsigned char welcome[header_size + welcome_size];

static void prepare(unsigned char *frame, size_t payload, const char *text) {
    put_header(frame, payload);
    memcpy(frame + header_size, text, strlen(text));
}

static void expect(int socket, size_t payload) {
    unsigned char buffer[header_size + most_payload];
    if (receive_frame(socket, buffer, sizeof buffer) != payload) fail_plainly("a frame of another size was expected");
}

static void deliver(int socket) {
    // On Linux this is getrandom(2).
    if (getentropy(challenge + sizeof challenge - random_size, random_size) < 0) fail("getentropy");
    write_all(socket, challenge, sizeof challenge);
    expect(socket, response_size);
    write_all(socket, welcome, sizeof welcome);
}

static void answer(int socket) {
    expect(socket, challenge_size);
    write_all(socket, response, sizeof response);
    expect(socket, welcome_size);
}

static void serve(int socket) {
    peer_ready();
    for (;;) {
        deliver(socket);
        answer(socket);
    }
}

static void open_channel(void) {
    prepare(challenge, challenge_size, CHALLENGE);
    prepare(response, response_size, RESPONSE);
    prepare(welcome, welcome_size, WELCOME);
    int ends[2];
    make_socketpair(SOCK_STREAM, ends);
    channel = ends[0];
    start_peer(serve, ends[1], ends[0]);
}

static uint64_t sample(void) {
    uint64_t start = now();
    answer(channel);
    deliver(channel);
    return now() - start;
}

static void close_channel(void) { close(channel); }

const struct floor handshake_floor = {open_channel, sample, close_channel};
