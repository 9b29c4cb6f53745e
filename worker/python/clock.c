/* clock.c - the clock of events.
 *
 * Stamps are CLOCK_MONOTONIC. Reading that costs some 25 ns, the time-stamp counter 8, so where the
 * counter is invariant (CPUID 80000007H, EDX bit 8: it runs on at one rate whatever the power
 * state; Intel SDM volume 3, 18.17.1) it tells the time between two readings of the clock. These
 * are never further apart than the gate of a few microseconds that readings of RSS have, so the
 * counter's drift against the disciplined clock, at most 0.05 %, stays within some nanoseconds. */
#include "worker.h"

#if defined(__x86_64__)
#    include <cpuid.h>
#endif

enum { CALIBRATION_NS = 4000000 };

uint64_t tide_clock_read(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static bool counter_is_invariant(void)
{
#if defined(__x86_64__)
    unsigned a, b, c, d;

    return __get_cpuid(0x80000007, &a, &b, &c, &d) && d & 1u << 8;
#else
    return false;
#endif
}

void tide_clock_open(struct tide_clock *c)
{
    uint64_t start, ticks, now;

    c->counter = counter_is_invariant();
    c->scale = UINT64_C(1) << 32;
    ticks = tide_clock_ticks(c);
    start = tide_clock_anchor(c, ticks);
    if (!c->counter) return;
    do
        now = tide_clock_read(CLOCK_MONOTONIC);
    while (now - start < CALIBRATION_NS);
    ticks = tide_clock_ticks(c) - ticks;
    if (ticks == 0)
        c->counter = false;
    else
        c->scale = ((now - start) << 32) / ticks;
    tide_clock_anchor(c, tide_clock_ticks(c));
}
