/* sampler.h - RSS of another process, read from outside, and held back until its place in time is
 * sure.
 *
 * Owns two descriptors and a queue of samples. Threads: one. Errors: 0 or an errno. */
#ifndef TIDE_SAMPLER_H
#define TIDE_SAMPLER_H

#include "stream.h"

#include <stdbool.h>
#include <sys/types.h>

#define TIDE_SAMPLER_HELD 4096

struct tide_sampler {
    int statm, status; /* /proc/PID/statm and status, -1 when not open */
    uint64_t page;
    uint64_t taken; /* samples read so far */
    unsigned first, count;
    struct tide_record held[TIDE_SAMPLER_HELD];
};

uint64_t tide_clock_ns(void); /* CLOCK_MONOTONIC */

int tide_sampler_open(struct tide_sampler *s, pid_t pid);
void tide_sampler_close(struct tide_sampler *s);

/* Read a sample and append it to those held. Nothing happens when the process has no memory any
 * more, or when the queue is full. */
void tide_sampler_take(struct tide_sampler *s);

/* The oldest sample held, borrowed, NULL when there is none. */
const struct tide_record *tide_sampler_oldest(const struct tide_sampler *s);
void tide_sampler_drop_oldest(struct tide_sampler *s);

#endif
