/* cpus.h - which CPUs runs are measured on, and which the rest keeps to.
 *
 * A run is pinned to one set of CPUs; the daemon and all that it starts beside runs stays off every
 * such set. Where we may use one CPU only, nothing is pinned. Threads: any. */
#ifndef TIDE_SCHEDULE_CPUS_H
#define TIDE_SCHEDULE_CPUS_H

#include "base/error.h"

#include <jansson.h>
#include <sched.h>
#include <stddef.h>

#define TIDE_CPU_SETS_MAX 16
#define TIDE_CPU_LIST_MAX 128

struct tide_cpus {
    cpu_set_t all;                                   /* that we may use */
    cpu_set_t others;                                /* without those that runs are measured on */
    char sets[TIDE_CPU_SETS_MAX][TIDE_CPU_LIST_MAX]; /* "3", "2-3,6": as taskset writes it */
    size_t n;                                        /* 0: nothing is pinned */
};

/* `wanted`: list of CPU lists, one for each run that may be measured at once; [] pins nothing;
 * NULL: the last CPU, where there are two or more. INVALID says what is allowed. */
TIDE_CHECK enum tide_rc tide_cpus_settle(const json_t *wanted, struct tide_cpus *out,
                                         struct tide_error *e);

/* Have this thread, and what it starts from here on, keep off the CPUs of runs, or use all. */
void tide_cpus_keep_off(const struct tide_cpus *c);
void tide_cpus_use_all(const struct tide_cpus *c);

#endif
