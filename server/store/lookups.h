/* lookups.h - small questions over a whole project: how its peak stands (GET /badge), and what a
 * text names (GET /search). */
#ifndef TIDE_STORE_LOOKUPS_H
#define TIDE_STORE_LOOKUPS_H

#include "store/store.h"

/* Of the series of the project (of the scenario, of the python; NULL: any) along its line, the one
 * whose tide mark has risen most: the median at its newest commit, and at the baseline (the commit
 * that the project pins, else the series' first). ABSENT: nothing is measured on the line, or there
 * is no such project. */
struct tide_standing {
    double newest, baseline;
};
TIDE_CHECK enum tide_rc tide_store_standing(struct tide_store *s, const char *project,
                                            const char *scenario, const char *python,
                                            struct tide_standing *out, struct tide_error *e);

/* Append {"results": [{"kind", "title", "detail", "link"}]}: projects, scenarios, commits, pythons,
 * functions and runs that have the text in their name (hash, subject, number), at most 8 of each;
 * of the project only, unless it is NULL. */
TIDE_CHECK enum tide_rc tide_store_search_json(struct tide_store *s, const char *text,
                                               const char *project, struct tide_str *out,
                                               struct tide_error *e);

#endif
