/* ingest.h - takes the tide stream of one run, as it comes, into the store.
 *
 * Chunks of events are stored as they travelled (compressed); beside them grow the names, the
 * phases, the pyramid of the curve and the run's figures. Memory is bounded by what comes between
 * two ticks.
 *
 * Threads: one. Blocks on the store at ticks. */
#ifndef TIDE_RUN_INGEST_H
#define TIDE_RUN_INGEST_H

#include "base/feed.h"
#include "store/store.h"

struct tide_ingest;

/* For the run `run` of `batch`; events go to `feed`. NULL when memory ends. */
struct tide_ingest *tide_ingest_new(struct tide_store *store, struct tide_feed *feed, int64_t run,
                                    int64_t batch);
void tide_ingest_free(struct tide_ingest *in);

/* The next n bytes of the stream. CORRUPT or NEWER end the stream: what came before stays. */
TIDE_CHECK enum tide_rc tide_ingest_feed(struct tide_ingest *in, const void *bytes, size_t n,
                                         struct tide_error *e);

/* Store what came since the last tick and tell the feed how the curve grew. To be called every
 * TIDE_INGEST_TICK_MS or so. */
#define TIDE_INGEST_TICK_MS 250
TIDE_CHECK enum tide_rc tide_ingest_tick(struct tide_ingest *in, struct tide_error *e);

/* The stream ended: store the rest and fill *out. Its texts are borrowed from `in`; out->error is
 * set when the stream says that the run failed (exception, signal, deadline, cut stream), out->log
 * is left alone. */
TIDE_CHECK enum tide_rc tide_ingest_finish(struct tide_ingest *in, struct tide_outcome *out,
                                           struct tide_error *e);

#endif
