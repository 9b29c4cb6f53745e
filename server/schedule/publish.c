/* publish.c - what the feed is told of runs and batches. The store is the truth: what cannot be
 * told is logged. */
#include "schedule/internal.h"

#include "base/log.h"
#include "schedule/wish.h"

#include <stdlib.h>

void tide_publish_run(struct tide_scheduler *s, const char *name, int64_t run, int64_t batch)
{
    struct tide_str text = {0};
    struct tide_error e;
    if (tide_store_run_json(s->store, run, false, &text, &e))
        tide_log(TIDE_LOG_ERROR, "schedule", "run=%lld %s", (long long)run, e.text);
    else
        tide_feed_publish(s->feed, name, batch, text.at);
    tide_str_free(&text);
}

void tide_publish_batch(struct tide_scheduler *s, int64_t batch)
{
    struct tide_str text = {0};
    struct tide_error e;
    if (tide_store_batch_json(s->store, batch, &text, &e))
        tide_log(TIDE_LOG_ERROR, "schedule", "batch=%lld %s", (long long)batch, e.text);
    else
        tide_feed_publish(s->feed, "batch", batch, text.at);
    tide_str_free(&text);
}

void tide_publish_queue(struct tide_scheduler *s)
{
    struct tide_str text = {0};
    struct tide_error e;
    if (tide_store_queue_json(s->store, &text, &e))
        tide_log(TIDE_LOG_ERROR, "schedule", "queue: %s", e.text);
    else
        tide_feed_publish(s->feed, "queue", 0, text.at);
    tide_str_free(&text);
}

void tide_publish_queued(struct tide_scheduler *s, int64_t batch)
{
    struct tide_str text = {0};
    const struct tide_run_filter filter = {.batch = batch, .page.limit = TIDE_BATCH_RUNS_MAX};
    json_t *list = NULL, *run;
    size_t i;
    if (!tide_store_runs_json(s->store, &filter, &text, NULL)) list = json_loads(text.at, 0, NULL);
    json_array_foreach(json_object_get(list, "runs"), i, run)
    {
        char *line = json_dumps(run, JSON_COMPACT);
        if (line) tide_feed_publish(s->feed, "queued", batch, line);
        free(line);
    }
    json_decref(list);
    tide_str_free(&text);
    tide_publish_batch(s, batch);
}

void tide_publish_changes(struct tide_scheduler *s, const char *name,
                          const struct tide_touched *changes)
{
    for (size_t i = 0; i < changes->n; i++) {
        const struct tide_touched_run *c = &changes->at[i];
        tide_publish_run(s, name, c->run, c->batch);
        if (i + 1 == changes->n || changes->at[i + 1].batch != c->batch)
            tide_publish_batch(s, c->batch);
    }
}
