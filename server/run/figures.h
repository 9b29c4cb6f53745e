/* figures.h - the figures of a run, read off its records: base, original, tide mark, end, and what
 * the instrument says of itself. */
#ifndef TIDE_RUN_FIGURES_H
#define TIDE_RUN_FIGURES_H

#include "stats/leak.h"
#include "store/store.h"

#include <jansson.h>
#include <stream.h>

struct tide_figures {
    int64_t base, original, end; /* bytes, -1 until known */
    int64_t tide_mark, events, samples;
    int64_t iterations; /* how many the scenario will make, 0 when it does not say */
    struct tide_leak_mark marks[TIDE_LEAK_MARKS]; /* of iterations, thinned to every stride-th */
    size_t n_marks, marks_seen, stride;
    int percent;
    json_t *meta;                                /* the latest value of each key */
    char *expected, *environment, *exit, *error; /* texts of an outcome */
};

TIDE_CHECK enum tide_rc tide_figures_start(struct tide_figures *f, struct tide_error *e);
void tide_figures_clear(struct tide_figures *f);

/* Take one record in; `mark` is the text of its name when it is a MARK, else NULL. */
TIDE_CHECK enum tide_rc tide_figures_add(struct tide_figures *f, const struct tide_record *r,
                                         const char *mark, struct tide_error *e);

/* Fill *out (all but the log); its texts are borrowed from *f. `cut`: why the stream has no proper
 * end, or NULL. */
TIDE_CHECK enum tide_rc tide_figures_outcome(struct tide_figures *f, const char *cut,
                                             struct tide_outcome *out, struct tide_error *e);

#endif
