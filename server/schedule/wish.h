/* wish.h - a request for runs (docs/API.md, POST /api/v1/runs), checked in full: the cells that it
 * asks for, and how many runs of each. Nothing is written.
 *
 * Threads: any. Blocks on git and the store. */
#ifndef TIDE_SCHEDULE_WISH_H
#define TIDE_SCHEDULE_WISH_H

#include "schedule/catalog.h"
#include "schedule/ranges.h"

#define TIDE_BATCH_RUNS_MAX   10000
#define TIDE_CELLS_JUDGED_MAX 200000
#define TIDE_SAMPLES_MAX      100

struct tide_wish_cell { /* places in the wish's lists */
    size_t scenario, python, commit;
    const char *allocator; /* static */
};

struct tide_wish {
    const struct tide_catalog *catalog; /* borrowed */
    struct tide_selection selection;    /* its commits that have cells, once it is made */
    const struct tide_scenario **scenarios;
    char **params; /* of each scenario */
    size_t n_scenarios;
    size_t *pythons; /* places in the catalog */
    bool *named;     /* the python was asked for by name, not as one of all */
    size_t n_pythons;
    char *measure;
    int wanted; /* samples of each cell */
    bool demo, retry_failed;
    int64_t seed, priority;
    const char *reason, *by; /* borrowed from the request; NULL: it does not say */
    struct tide_wish_cell *cells;
    int *samples; /* runs of each cell that are to be done */
    size_t n_cells, n_runs;
    json_t *left_out; /* [{"what", "why"}] */
};

/* Check `request`. INVALID names the field in e->field; e->text says what is allowed. The caller
 * frees with tide_wish_clear, on failure too. */
TIDE_CHECK enum tide_rc tide_wish_make(const struct tide_catalog *c, struct tide_store *store,
                                       const json_t *request, struct tide_wish *out,
                                       struct tide_error *e);
void tide_wish_clear(struct tide_wish *w);

/* Reasons of batches, NULL-terminated. No request may name the first: it is of runs from files. */
extern const char *const tide_reasons[];

#define TIDE_PRIORITY_MAX 100

/* A priority as a request states it. INVALID with the field `priority`. */
TIDE_CHECK enum tide_rc tide_wish_priority(const json_t *value, int64_t *out, struct tide_error *e);

#endif
