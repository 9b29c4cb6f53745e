/* sampler.h - RSS of another process, read from outside, and held back until its place in time is
 * sure.
 *
 * Owns two descriptors and a queue of samples. Threads: one. Errors: 0 or an errno. */
#ifndef TIDE_SAMPLER_H
#define TIDE_SAMPLER_H

#include "stream.h"

#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

#define TIDE_SAMPLER_HELD 4096
#define TIDE_CHILDREN_MAX 64

struct tide_child {
    pid_t pid;
    bool found;   /* at the last look */
    uint64_t rss; /* bytes, as recorded last */
};

struct tide_sampler {
    int statm, status; /* /proc/PID/statm and status, -1 when not open */
    uint64_t page;
    uint64_t taken; /* samples read so far */
    pid_t pid;
    clockid_t cpu; /* CPU time of the process */
    bool cpu_known;
    uint64_t looked_ns; /* when children were looked for */
    unsigned children_count;
    struct tide_child children[TIDE_CHILDREN_MAX];
    unsigned first, count;
    struct tide_record held[TIDE_SAMPLER_HELD];
};

uint64_t tide_clock_ns(void); /* CLOCK_MONOTONIC */

int tide_sampler_open(struct tide_sampler *s, pid_t pid);
void tide_sampler_close(struct tide_sampler *s);

/* Read a sample and append it to those held. Nothing happens when the process has no memory any
 * more, or when the queue is full. */
void tide_sampler_take(struct tide_sampler *s);

/* Every 10 ms at the most: look for the processes that descend from the sampled one (and those that
 * were left to the caller by it), and put a CHILD for each whose RSS is another than recorded. At
 * most TIDE_CHILDREN_MAX at a time are followed. */
void tide_sampler_take_children(struct tide_sampler *s);

/* Put an event among the samples held, where its time belongs. Dropped when the queue is full. */
void tide_sampler_insert(struct tide_sampler *s, const struct tide_record *event);

/* The oldest sample held, borrowed, NULL when there is none. */
const struct tide_record *tide_sampler_oldest(const struct tide_sampler *s);
void tide_sampler_drop_oldest(struct tide_sampler *s);

#endif
