/* feed.h - what happens in the daemon, as a numbered row of events that any number of readers
 * follow.
 *
 * The newest TIDE_FEED_HELD events are kept, so that a reader that was away catches up by number.
 * Ids rise for ever, over restarts too (they begin at the clock's microseconds), so an old id never
 * names a new event.
 *
 * Threads: any may publish and read. */
#ifndef TIDE_FEED_H
#define TIDE_FEED_H

#include "base/str.h"

#include <stdint.h>

#define TIDE_FEED_HELD 4096

struct tide_feed;

struct tide_feed *tide_feed_new(void); /* NULL when memory ends */
void tide_feed_free(struct tide_feed *f);

/* Add an event. `data` is one line of JSON; `batch` is what it belongs to, 0 for none. It belongs
 * to the project that its data names in the field "project", which stands before any text of a
 * user's; where there is none, to that of the batch's event before it. Dropped with a log line when
 * memory ends: the feed is a convenience, the store is the truth. */
void tide_feed_publish(struct tide_feed *f, const char *name, int64_t batch, const char *data);

/* Id of the newest event; readers that want only what comes begin here. */
int64_t tide_feed_newest(struct tide_feed *f);

struct tide_feed_filter {
    int64_t batch;       /* 0: any */
    const char *project; /* NULL: any */
};
/* Append events after `id` as server-sent events (HTML standard, 9.2), at most about `room` bytes,
 * of those that the filter (NULL: all) lets through. Returns the id to go on from. */
int64_t tide_feed_read(struct tide_feed *f, int64_t id, const struct tide_feed_filter *filter,
                       size_t room, struct tide_str *out);

/* Have `wake` called after every publish, from the publishing thread. It must not publish. At most
 * TIDE_FEED_LISTENERS at once. */
void tide_feed_listen(struct tide_feed *f, void (*wake)(void *), void *context);
/* End that. When it returns `wake` is not being called any more. */
void tide_feed_unlisten(struct tide_feed *f, void *context);

#define TIDE_FEED_LISTENERS 4

#endif
