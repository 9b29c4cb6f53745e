/* import.h - a file from elsewhere as a run: a tide stream, a cPyMemTrace log, memory_profiler's
 * mprof .dat file or a psrecord log. Which one it is, is told from its content.
 *
 * Threads: any; blocking. Memory: a few times the size of the file. */
#ifndef TIDE_RUN_IMPORT_H
#define TIDE_RUN_IMPORT_H

#include "base/feed.h"
#include "store/store.h"

#define TIDE_IMPORT_MAX (64u << 20) /* bytes of a file */

/* Store the n bytes of the file `name` (its last part is used) as a run that is done; `feed` is
 * told. INVALID: the file is of no known format, damaged or cut; no row of it stays. */
TIDE_CHECK enum tide_rc tide_import(struct tide_store *s, struct tide_feed *feed, const char *name,
                                    const void *bytes, size_t n, int64_t *run,
                                    struct tide_error *e);

#endif
