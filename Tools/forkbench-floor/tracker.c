// tracker-register: two short lines, one write each, to a process that reads lines from a pipe. Nothing is
// acknowledged; when the reader lags behind, the pipe fills up and the write waits.
#include "floor.h"

#include <stdio.h>

enum { most_line = 512 };

static int channel;
static char enter[most_line + 1], forget[most_line + 1];
static size_t enter_size, forget_size;
static uint64_t repeat;
static volatile uint64_t lines;  // volatile: that the search for them is not optimized away

static void serve(int pipe) {
    static char buffer[65536];
    size_t have = 0;
    peer_ready();
    for (;;) {
        have += read_some(pipe, buffer + have, sizeof buffer - have);
        char *line = buffer, *end = buffer + have, *newline;
        while ((newline = memchr(line, '\n', (size_t)(end - line)))) {
            lines++;
            line = newline + 1;
        }
        have = (size_t)(end - line);
        if (have > most_line) fail_plainly("a line is too long");
        memmove(buffer, line, have);
    }
}

static void open_channel(void) {
    repeat = option("repeat");
    // The name is as long as makes the REGISTER line --bytes long.
    static const char outer[] = "REGISTER:/:shared_memory\n";
    int digits = (int)(option("bytes") - (sizeof outer - 1));
    enter_size = (size_t)snprintf(enter, sizeof enter, "REGISTER:/%.*d:shared_memory\n", digits, 0);
    forget_size = (size_t)snprintf(forget, sizeof forget, "UNREGISTER:/%.*d:shared_memory\n", digits, 0);
    int ends[2];
    make_pipe(ends);
    channel = ends[1];
    start_peer(serve, ends[0], ends[1]);
}

static uint64_t sample(void) {
    uint64_t start = now();
    for (uint64_t i = 0; i < repeat; i++) {
        write_all(channel, enter, enter_size);
        write_all(channel, forget, forget_size);
    }
    return per(now() - start, repeat);
}

static void close_channel(void) { close(channel); }

const struct floor tracker_floor = {open_channel, sample, close_channel};
