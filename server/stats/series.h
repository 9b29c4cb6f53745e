/* series.h - the history of a scenario as JSON in columns: what was measured at each commit of a
 * line on each python, what was not and why, and where the level changes.
 *
 * 50,000 points take some tens of milliseconds: numbers are written here, not by a JSON library.
 * Threads: any; blocks on the store. */
#ifndef TIDE_STATS_SERIES_H
#define TIDE_STATS_SERIES_H

#include "store/histories.h"
#include "store/store.h"

#include <jansson.h>

struct tide_series_request {
    const char *project, *scenario;
    struct tide_metric_row metric;
    const char *params;    /* JSON as cells have it; NULL: those with the most points */
    const char *allocator; /* NULL: likewise */
    const char *pythons;   /* names with commas between; NULL: all */
    const char *from, *to; /* first and last commit: beginnings of hashes; NULL: of the line */
    bool subtract_empty;   /* take off what the scenario `empty` has at the commit, else nearest */
    const json_t *tags;    /* names by hash; NULL: not known */
    const struct tide_line_commit *line; /* of another branch, oldest first; NULL: the project's */
    size_t n_line;
};

/* Append the history (docs/API.md, GET /api/v1/series). INVALID names the field: an unknown
 * scenario or python, a commit that is not on the line. ABSENT: no such project. */
TIDE_CHECK enum tide_rc tide_series_history(struct tide_store *s,
                                            const struct tide_series_request *r,
                                            struct tide_str *out, struct tide_error *e);

#endif
