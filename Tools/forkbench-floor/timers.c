// timers: many are added to a heap and cancelled, each at a time of its own; the loop looks once in between.
#include "floor.h"

struct timer {
    void (*call)(void *);
    void *argument;
    size_t place;  // in the heap
};

struct entry {
    uint64_t due;
    struct timer *timer;
};

static size_t count, heap_count;
static struct timer *timers;
static struct entry *heap;
static uint64_t *delays;
static uint32_t *order;

static void put(struct entry entry, size_t place) {
    heap[place] = entry;
    entry.timer->place = place;
}

static void rise(struct entry entry, size_t place) {
    while (place > 0 && entry.due < heap[(place - 1) / 2].due) {
        put(heap[(place - 1) / 2], place);
        place = (place - 1) / 2;
    }
    put(entry, place);
}

static void sink(struct entry entry, size_t place) {
    for (;;) {
        size_t child = 2 * place + 1;
        if (child >= heap_count) break;
        if (child + 1 < heap_count && heap[child + 1].due < heap[child].due) child++;
        if (entry.due <= heap[child].due) break;
        put(heap[child], place);
        place = child;
    }
    put(entry, place);
}

static void add(struct timer *timer, uint64_t delay) {
    rise((struct entry){now() + delay, timer}, heap_count++);
}

static void cancel(struct timer *timer) {
    size_t place = timer->place;
    struct entry last = heap[--heap_count];
    if (place == heap_count) return;
    if (place > 0 && last.due < heap[(place - 1) / 2].due)
        rise(last, place);
    else
        sink(last, place);
}

static void call_nothing(void *argument) { (void)argument; }

static uint64_t next_random(uint64_t *state) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

static void open_timers(void) {
    count = option("count");
    timers = calloc(count, sizeof *timers);
    heap = calloc(count, sizeof *heap);
    delays = calloc(count, sizeof *delays);
    order = calloc(count, sizeof *order);
    if (!timers || !heap || !delays || !order) fail("memory");
    uint64_t random = 1;
    for (size_t i = 0; i < count; i++) {
        timers[i].call = call_nothing;
        delays[i] = 1000000000u + next_random(&random) % 3600000u * 1000000u;
        size_t other = next_random(&random) % (i + 1);
        order[i] = order[other];
        order[other] = (uint32_t)i;
    }
    open_poller(NULL, 0);
}

static uint64_t sample(void) {
    uint64_t start = now();
    for (size_t i = 0; i < count; i++) add(&timers[i], delays[i]);
    look();
    for (size_t i = 0; i < count; i++) cancel(&timers[order[i]]);
    return per(now() - start, count);
}

static void close_timers(void) {}  // no peer waits for it

const struct floor timers_floor = {open_timers, sample, close_timers};
