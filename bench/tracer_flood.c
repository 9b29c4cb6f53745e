/* tracer_flood.c - a stand-in for the worker in bench/tracer.py: puts events on the ring as fast as
 * the probe takes them. Prints events a second, by the clock on the wall, to standard error. */
#include "ring.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { COUNT = 20000000 };

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(void)
{
    const char *number = getenv(TIDE_RING_ENV);
    struct tide_ring ring;
    struct tide_slot slot = {.thread = 1, .name = 1, .rss_pages = 4096, .span = 1};
    struct tide_record name = {.kind = TIDE_NAME, .name_kind = TIDE_NAME_C, .name = 1};
    double start;

    if (!number || tide_ring_attach(&ring, (int)strtol(number, NULL, 10))) return 1;
    name.text = (struct tide_text){"flood", 5};
    tide_ring_put(&ring, &name);
    start = now();
    for (int i = 0; i < COUNT; i++) {
        slot.kind = i % 2 ? TIDE_C_RETURN : TIDE_C_CALL;
        slot.line = 10 + (uint32_t)(i / 2 % 3);
        slot.t_ns = (uint64_t)(start * 1e9) + (uint64_t)i * 150;
        tide_ring_begin(&ring);
        tide_ring_put_slot(&ring, &slot);
    }
    while (ring.tail != ring.head) /* until the probe has taken them all */
        ring.tail = atomic_load(&ring.memory->tail);
    fprintf(stderr, "%.0f\n", COUNT / (now() - start));
    return 0;
}
