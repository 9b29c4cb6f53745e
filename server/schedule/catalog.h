/* catalog.h - what can be measured: the project's repository, its scenarios, the pythons of the
 * machine.
 *
 * Discovered at the daemon's start (running interpreters takes a second or so) and written to the
 * store; only the pythons are looked for again. Threads: discovery by one; once it has returned any
 * thread may read, but for tide_catalog_renew. */
#ifndef TIDE_SCHEDULE_CATALOG_H
#define TIDE_SCHEDULE_CATALOG_H

#include "build/pythons.h"
#include "build/repo.h"
#include "store/store.h"

#include <jansson.h>
#include <stdbool.h>

#define TIDE_DEFAULT_PROJECT "converters"

struct tide_scenario {
    int64_t id; /* in the store */
    char *name, *file;
    json_t *description; /* as the harness gives it */
};

struct tide_catalog {
    int64_t project;
    struct tide_repo *repo;
    struct tide_pythons pythons;
    int64_t *python_ids;          /* of pythons.at[i], in the store */
    int64_t fetched_ns;           /* when the folder of the fetched ones was last written to */
    struct tide_pythons *retired; /* lists of earlier discoveries, which a run may still use */
    size_t n_retired;
    struct tide_scenario *scenarios;
    size_t n_scenarios;
};

#define TIDE_BUILD_JOBS_MAX 64

struct tide_limits { /* of builds side by side; all set */
    int jobs;        /* at once */
    int64_t memory;  /* bytes of free memory that one wants */
    int64_t disk;    /* bytes that must be left on the disk of the cache for one to begin */
    bool beside_runs;
};

struct tide_places {    /* where things stand; borrowed, outlive the daemon's parts */
    const char *data;   /* database, url, token, mirrors, worktrees */
    const char *cache;  /* builds and workers */
    const char *source; /* the installed Tidemark: worker/ and scenarios/ */
    const char *probe;  /* tidemark-probe */
    const char *repo;   /* path or URL of the default project */
    struct tide_python_search pythons; /* where to look for interpreters */
    struct tide_limits limits;
};

/* Discover everything. Missing scenarios or pythons are no error: the lists are then empty and a
 * log line says why. On failure *out is empty. */
TIDE_CHECK enum tide_rc tide_catalog_discover(const struct tide_places *p, struct tide_store *store,
                                              const atomic_bool *stop, struct tide_catalog *out,
                                              struct tide_error *e);
void tide_catalog_clear(struct tide_catalog *c);

/* Whether a python was rebuilt, removed or fetched since they were looked for. Cheap: no
 * interpreter is run. */
bool tide_catalog_is_stale(const struct tide_catalog *c, const struct tide_places *p);

/* Look for the pythons anew, into an empty *found; then tide_catalog_renew takes them into *c,
 * which nobody may read meanwhile. What tide_catalog_python has given out stays until *c is
 * cleared. */
TIDE_CHECK enum tide_rc tide_catalog_rediscover(const struct tide_places *p,
                                                struct tide_store *store, const atomic_bool *stop,
                                                struct tide_catalog *found, struct tide_error *e);
TIDE_CHECK enum tide_rc tide_catalog_renew(struct tide_catalog *c, struct tide_catalog *found,
                                           struct tide_error *e);

/* Bring the project's mirror up to date. A source that is no repository is FAILED: it is no fault
 * of the request that needs it. */
TIDE_CHECK enum tide_rc tide_catalog_sync(const struct tide_catalog *c, struct tide_error *e);

/* Why nothing can be measured (no repository, no usable python, no scenario): true, with *e filled.
 */
bool tide_catalog_in_trouble(const struct tide_catalog *c, struct tide_error *e);

/* NULL when there is none of that name / identity. */
const struct tide_scenario *tide_catalog_scenario(const struct tide_catalog *c, const char *name);
const struct tide_python *tide_catalog_python(const struct tide_catalog *c, const char *identity);

#endif
