/* clock.c - see clock.h. */
#include "base/clock.h"

#include <time.h>

static int64_t read_clock(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t tide_clock_unix_ns(void)
{
    return read_clock(CLOCK_REALTIME);
}

int64_t tide_clock_monotonic_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}
