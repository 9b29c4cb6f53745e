/* ranges.h - the commits that a request names: one by one, as ranges of the history, or by date.
 *
 * Threads: any. Blocks on git. */
#ifndef TIDE_SCHEDULE_RANGES_H
#define TIDE_SCHEDULE_RANGES_H

#include "build/repo.h"

#include <jansson.h>
#include <stdbool.h>

#define TIDE_COMMITS_MAX 1000

/* The fields of a request that tide_ranges_select reads, NULL-terminated. */
extern const char *const tide_range_fields[];

struct tide_selection {
    struct tide_commit *commits; /* each once, as the list names them; ranges oldest first */
    bool *named;                 /* one by one: nothing leaves it out */
    size_t n;
    bool only_new, only_missing; /* what is asked of the others ... */
    size_t new_at, missing_at;   /* ... and by which entry of `commits` */
};

/* What `commits`, `since`, `until` and `every` of the request (docs/API.md) select, in the mirror
 * as it stands. INVALID names the field; a range that selects nothing is one. The caller frees
 * with tide_selection_clear, on failure too. */
TIDE_CHECK enum tide_rc tide_ranges_select(struct tide_repo *repo, const json_t *request,
                                           struct tide_selection *out, struct tide_error *e);
void tide_selection_clear(struct tide_selection *s);

#endif
