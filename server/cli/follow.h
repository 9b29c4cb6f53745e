/* follow.h - the daemon's event stream (GET /api/v1/stream), read by a command. */
#ifndef TIDE_FOLLOW_H
#define TIDE_FOLLOW_H

#include "base/str.h"

#include <stdint.h>

struct tide_follow {
    int fd;               /* -1: not connected */
    int64_t last_id;      /* of the newest event that was read; 0: none yet */
    struct tide_str raw;  /* what came and is not decoded yet */
    struct tide_str text; /* decoded, of which no event was taken yet */
    size_t chunk;         /* bytes left of the chunk that is being read */
    bool headed;          /* the answer's head was read */
    bool past_chunk;      /* a chunk's last line end is still to come */
};

struct tide_follow_event { /* texts are owned; tide_follow_event_clear frees them */
    int64_t id;
    char *name, *data;
};

/* Begin, or begin again where the last connection ended: events after f->last_id follow. A zeroed
 * struct with fd = -1 begins with what comes from now on. `target` is the path with its query.
 * ABSENT: no daemon answers. */
TIDE_CHECK enum tide_rc tide_follow_open(struct tide_follow *f, const char *data,
                                         const char *target, struct tide_error *e);

/* The next event. BUSY: none came within `patience_ms`; ABSENT: the stream has ended, open it
 * again. Comments (the heartbeat) count as nothing. */
TIDE_CHECK enum tide_rc tide_follow_next(struct tide_follow *f, int patience_ms,
                                         struct tide_follow_event *out, struct tide_error *e);
void tide_follow_event_clear(struct tide_follow_event *event);
void tide_follow_close(struct tide_follow *f); /* last_id stays */

/* Take decoded bytes from `raw` to `text` (head, chunks), as far as they came; CORRUPT when they
 * are no answer. For tests. */
TIDE_CHECK enum tide_rc tide_follow_decode(struct tide_follow *f, struct tide_error *e);
/* Take an event off `text`; false: there is no whole one. */
bool tide_follow_take(struct tide_follow *f, struct tide_follow_event *out);

#endif
