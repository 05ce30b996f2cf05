// The table of benchmarks, the command line and the conversation with the harness:
// it writes a native uint32 count, we answer with as many native uint64 nanoseconds, until end of file.
#include "floor.h"

#include <signal.h>
#include <stdio.h>

enum { most_options = 5, most_words = 3 };
static const uint64_t most_repeat = 1000000000;
static const uint64_t most_bytes = 1 << 30;

struct option {
    const char *name;
    uint64_t value, least, most;
    const char *words[most_words];  // if any: the value is the index of one of them
};

#ifdef __linux__
#define BACKENDS {"epoll", "io_uring", "poll"}
#else
#define BACKENDS {"poll"}
#endif

#define FORK_SERVER \
    {"spares", 0, 0, 64, {0}}, {"preload-mib", 0, 0, 1 << 20, {0}}, {"huge-pages", 0, 0, 1, {0}}
#define PACED {"paced-us", 0, 0, 60000000, {0}}

static struct benchmark {
    const char *name;
    const char *times;
    const struct floor *floor;
    struct option options[most_options];
} benchmarks[] = {
    {"pipe", "write and read of n bytes on a pipe, one process", &pipe_floor,
     // More would not fit into the pipe, and the write would wait for ever.
     {{"bytes", 64, 1, 65536, {0}}, {"repeat", 1000, 1, most_repeat, {0}}}},
    {"fdpass-oneway", "a message with one descriptor, sent and received", &fdpass_floor,
     {{"repeat", 200, 1, most_repeat, {0}}}},
    {"fdpass-batch", "per descriptor, many in a message", &fdpass_floor,
     {{"descriptors", 253, 1, descriptors_per_message, {0}}, {"repeat", 20, 1, most_repeat, {0}}}},
    {"roundtrip", "a frame of n bytes there and back", &roundtrip_floor, {{"bytes", 64, 0, most_bytes, {0}}}},
    {"stream", "per frame of n bytes, one way", &stream_floor,
     {{"bytes", 1048576, 0, most_bytes, {0}}, {"repeat", 16, 1, most_repeat, {0}}}},
    {"handshake", "the frames of a mutual handshake (modern, sha256), no digests", &handshake_floor, {{0}}},
    {"loop", "per hop of a token round n pipes in an event loop", &loop_floor,
     {
         {"backend", 0, 0, 2, BACKENDS},
         {"descriptors", 64, 1, 100000, {0}},
         {"idle", 0, 0, 1000000, {0}},
         {"hops", 640, 1, most_repeat, {0}}}},
    {"timers", "per timer of n, added and cancelled", &timers_floor,
     {{"backend", 0, 0, 2, BACKENDS}, {"count", 100000, 1, 10000000, {0}}}},
    {"wakeup", "a thread in an event loop is woken, and answers", &wakeup_floor,
     {{"backend", 0, 0, 2, BACKENDS}, {"repeat", 100, 1, most_repeat, {0}}}},
    {"tracker-register", "a REGISTER and an UNREGISTER line to a reader", &tracker_floor,
     // The shortest REGISTER line with a name; the longest whose UNREGISTER is within 512 bytes.
     {{"bytes", 40, 26, 510, {0}}, {"repeat", 100, 1, most_repeat, {0}}}},
#ifdef __linux__
    {"forkserver-alive", "request until the child's first byte", &forkserver_alive_floor, {FORK_SERVER, PACED}},
    {"forkserver-lifecycle", "request until the child's exit status", &forkserver_lifecycle_floor, {FORK_SERVER, PACED}},
    {"forkserver-rate", "per child, some under way at a time", &forkserver_rate_floor,
     // Fewer under way than children in all, or the oldest would be waited for before it was asked for.
     {FORK_SERVER, {"repeat", 64, 64, most_repeat, {0}}, {"under-way", 8, 1, 64, {0}}}},
    {"pool-hop", "a frame there and back, read by a thread that wakes the caller", &pool_hop_floor,
     {{"bytes", 64, 0, 65536, {0}}}},
    {"pool-map", "per frame, some in flight to each of several processes", &pool_map_floor,
     {{"workers", 2, 1, 64, {0}},
      {"tasks", 2000, 1, most_repeat, {0}},
      {"bytes", 112, 0, 4000, {0}},
      {"reply-bytes", 56, 0, 4000, {0}}}},
    {"pool-payload", "n bytes there and back through shared memory", &pool_payload_floor,
     {{"bytes", 1 << 24, 1, most_bytes, {0}}}},
    {"pool-recovery", "a fork server's child is killed, and another answers", &pool_recovery_floor, {{0}}},
#endif
};

static struct benchmark *chosen;
static struct option cpu = {"cpu", 0, 0, 1023, {0}}, peer_cpu = {"peer-cpu", 0, 0, 1023, {0}};
static bool cpu_given, peer_cpu_given;

_Noreturn static void usage(const char *problem, const char *argument) {
    fprintf(stderr, "forkbench-floor: %s%s%s\n", problem, *argument ? ": " : "", argument);
    fprintf(stderr, "usage: forkbench-floor NAME [--cpu N] [--peer-cpu N] [--option value...]\n");
    for (size_t i = 0; i < sizeof benchmarks / sizeof *benchmarks; i++) {
        const struct benchmark *benchmark = &benchmarks[i];
        fprintf(stderr, "  %-21s %s\n", benchmark->name, benchmark->times);
        for (const struct option *option = benchmark->options; option < benchmark->options + most_options; option++) {
            if (!option->name) break;
            fprintf(stderr, "  %-21s   --%s ", "", option->name);
            if (!option->words[0]) fprintf(stderr, "%llu", (unsigned long long)option->value);
            for (int word = 0; word < most_words && option->words[word]; word++)
                fprintf(stderr, "%s%s", word ? "|" : "", option->words[word]);
            fprintf(stderr, "\n");
        }
    }
    exit(2);
}

static struct option *find_option(const char *name) {
    for (int i = 0; i < most_options && chosen->options[i].name; i++)
        if (strcmp(chosen->options[i].name, name) == 0) return &chosen->options[i];
    return NULL;
}

uint64_t option(const char *name) {
    const struct option *found = find_option(name);
    return found ? found->value : 0;
}

int peer_cpu_number(void) { return peer_cpu_given ? (int)peer_cpu.value : -1; }

static void set_option(struct option *option, const char *text) {
    if (option->words[0]) {
        for (uint64_t i = 0; i < most_words && option->words[i]; i++)
            if (strcmp(option->words[i], text) == 0) {
                option->value = i;
                return;
            }
        usage("not one of the words for that option", text);
    }
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    // strtoull takes blanks and signs too.
    if (*text < '0' || *text > '9' || *end != 0 || errno != 0) usage("not a number", text);
    if (value < option->least || value > option->most) usage("out of range for that option", text);
    option->value = value;
}

static void read_arguments(int count, char **arguments) {
    if (count < 2) usage("no name given", "");
    for (size_t i = 0; i < sizeof benchmarks / sizeof *benchmarks; i++)
        if (strcmp(benchmarks[i].name, arguments[1]) == 0) chosen = &benchmarks[i];
    if (!chosen) usage("no such benchmark", arguments[1]);

    for (int i = 2; i < count; i += 2) {
        const char *name = arguments[i];
        if (strncmp(name, "--", 2) != 0) usage("not an option", name);
        struct option *option = find_option(name + 2);
        if (strcmp(name, "--cpu") == 0) option = &cpu, cpu_given = true;
        if (strcmp(name, "--peer-cpu") == 0) option = &peer_cpu, peer_cpu_given = true;
        if (!option) usage("no such option for this benchmark", name);
        if (i + 1 == count) usage("a value is missing after", name);
        set_option(option, arguments[i + 1]);
    }
}

/// False when the harness has closed our standard input.
static bool read_count(uint32_t *count) {
    size_t have = 0;
    while (have < sizeof *count) {
        ssize_t got = read(STDIN_FILENO, (char *)count + have, sizeof *count - have);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) fail("reading the count from standard input");
        if (got == 0 && have > 0) fail_plainly("standard input ended within a count");
        if (got == 0) return false;
        have += (size_t)got;
    }
    return true;
}

static void write_values(const uint64_t *values, size_t count) {
    const char *next = (const char *)values;
    size_t left = count * sizeof *values;
    while (left > 0) {
        ssize_t put = write(STDOUT_FILENO, next, left);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) fail("writing values to standard output");
        next += put;
        left -= (size_t)put;
    }
}

int main(int count, char **arguments) {
    read_arguments(count, arguments);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD, SIG_DFL);  // ignored, as we may have inherited it, there would be nothing to reap

    // The peer is forked before we pin ourselves: without --peer-cpu it shall not inherit ours.
    chosen->floor->open();
    pin(cpu_given ? (int)cpu.value : -1);

    uint64_t *values = NULL;
    uint32_t samples;
    while (read_count(&samples)) {
        free(values);
        values = calloc(samples ? samples : 1, sizeof *values);
        if (!values) fail("memory for the values");
        for (uint32_t i = 0; i < samples; i++) values[i] = chosen->floor->sample();
        write_values(values, samples);
    }
    chosen->floor->close();
    reap_peer();
    return 0;
}
