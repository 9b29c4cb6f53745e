/* search.h - one bisect at work: what it knows, what it asks for next, what it has found.
 *
 * A search holds nothing that is not in the store or in git: opened again it goes on where it
 * stood. Threads: one at a time. Blocks on git and the store. */
#ifndef TIDE_SCHEDULE_SEARCH_H
#define TIDE_SCHEDULE_SEARCH_H

#include "schedule/scheduler.h"
#include "store/bisects.h"

#define TIDE_BISECT_LINE_MAX 100000 /* commits from good to bad */

struct tide_search_context { /* borrowed, outlives the searches */
    struct tide_store *store;
    struct tide_scheduler *scheduler;
    const struct tide_builder *builder;
};

struct tide_search;

/* Read the search that the store has as running. The caller owns *out. */
TIDE_CHECK enum tide_rc tide_search_open(const struct tide_search_context *context, int64_t id,
                                         struct tide_search **out, struct tide_error *e);
void tide_search_close(struct tide_search *s); /* NULL is a no-op */
int64_t tide_search_id(const struct tide_search *s);

/* Go on as far as what has been measured allows: queue what is wanted next, or end. FAILED says why
 * the search cannot be carried on. */
TIDE_CHECK enum tide_rc tide_search_advance(struct tide_search *s, struct tide_error *e);

/* The commits from `good` to `bad` along the first parent, oldest first; INVALID with the field
 * `good` when it does not stand there. The caller frees each and the array. */
TIDE_CHECK enum tide_rc tide_search_line(struct tide_repo *repo, const char *good, const char *bad,
                                         struct tide_commit **out, size_t *n, struct tide_error *e);

#endif
