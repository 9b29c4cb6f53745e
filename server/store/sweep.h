/* sweep.h - what of the database is in nobody's use: old logs, measurements without a run, free
 * pages.
 *
 * Threads and errors as in store.h. */
#ifndef TIDE_STORE_SWEEP_H
#define TIDE_STORE_SWEEP_H

#include "store/store.h"

struct tide_swept {
    int64_t n, bytes;
};

/* The logs of runs and builds that were done (not failed) before that instant; taken away unless
 * `dry`. */
TIDE_CHECK enum tide_rc tide_store_sweep_logs(struct tide_store *s, int64_t before_ns, bool dry,
                                              struct tide_swept *out, struct tide_error *e);
/* Chunks of events and curves whose run is gone; likewise. */
TIDE_CHECK enum tide_rc tide_store_sweep_chunks(struct tide_store *s, bool dry,
                                                struct tide_swept *out, struct tide_error *e);

/* Bytes of the database's file, and how many of them are in no use. */
TIDE_CHECK enum tide_rc tide_store_slack(struct tide_store *s, int64_t *size, int64_t *unused,
                                         struct tide_error *e);
/* Write the database anew without them (VACUUM). Writers wait meanwhile; on the disk it needs as
 * much room again as the database takes. */
TIDE_CHECK enum tide_rc tide_store_vacuum(struct tide_store *s, struct tide_error *e);

/* Whether the project of that id was there and was removed (ids are never used again). */
TIDE_CHECK enum tide_rc tide_store_project_gone(struct tide_store *s, int64_t project, bool *gone,
                                                struct tide_error *e);
/* Whether no row has this build. */
TIDE_CHECK enum tide_rc tide_store_build_gone(struct tide_store *s, const char *key, bool *gone,
                                              struct tide_error *e);

#endif
