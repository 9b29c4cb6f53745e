/* runner.h - executes one run: starts tidemark-probe, reads its stream, ends with an outcome
 * stored.
 *
 * The probe starts the worker, with the python's launcher before it and the allocator's settings in
 * its environment, and in that of nothing else. Threads: one run at a time per call; blocking. The
 * probe dies with the calling thread. */
#ifndef TIDE_RUN_RUNNER_H
#define TIDE_RUN_RUNNER_H

#include "base/feed.h"
#include "build/pythons.h"
#include "store/store.h"

#include <stdatomic.h>

struct tide_runner {
    struct tide_store *store;
    struct tide_feed *feed;
    const char *probe;       /* path of tidemark-probe */
    const char *harness;     /* path of harness.py */
    const char *cpus;        /* that the worker is pinned to, "3" or "2-3,6"; NULL: none */
    const atomic_bool *stop; /* what runs is to end now: it is cancelled, or the daemon stops */
    const atomic_bool *cancelled; /* which of the two */
    int deadline_s;               /* of one run */
};

struct tide_assignment {
    const struct tide_job *job;
    const struct tide_python *python;
    const char *worker;       /* the worker compiled for it */
    const char *const *paths; /* of the build under test, put on sys.path; NULL-terminated */
};

/* Execute and store the outcome: a run that fails is a stored result and gives TIDE_OK. *batch_done
 * as for tide_store_end_run. A run that is cancelled keeps what it had measured. STOPPED: the
 * daemon is stopping and the run is left as it was, to be queued again at the next start. */
TIDE_CHECK enum tide_rc tide_runner_execute(const struct tide_runner *r,
                                            const struct tide_assignment *a, bool *batch_done,
                                            struct tide_error *e);

#endif
