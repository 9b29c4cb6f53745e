/* catalog.h - what can be measured of one project: its repository, recipe and scenarios, and the
 * pythons of the machine.
 *
 * A catalog is a snapshot that never changes; schedule/projects.h makes a new one when its project
 * does. Whoever uses one holds a reference. Threads: any. */
#ifndef TIDE_SCHEDULE_CATALOG_H
#define TIDE_SCHEDULE_CATALOG_H

#include "build/builder.h"
#include "build/pythons.h"
#include "build/recipe.h"
#include "build/repo.h"
#include "schedule/cpus.h"
#include "store/store.h"

#include <jansson.h>
#include <stdatomic.h>
#include <stdbool.h>

#define TIDE_DEFAULT_PROJECT "converters"

struct tide_scenario {
    int64_t id; /* in the store */
    char *name, *file;
    json_t *description; /* as the harness gives it */
};

struct tide_catalog {
    atomic_uint references;
    int64_t project;         /* in the store */
    struct tide_project row; /* as the store had it */
    struct tide_recipe recipe;
    struct tide_repo *repo;
    struct tide_pythons pythons; /* borrowed from whoever made the catalog, as are their ids */
    const int64_t *python_ids;   /* of pythons.at[i], in the store */
    json_t *described;           /* what the harness said of every scenario file */
    char suite[65];              /* tree of the project's own scenarios; "": Tidemark's */
    struct tide_scenario *scenarios;
    size_t n_scenarios;
};

#define TIDE_BUILD_JOBS_MAX 64

struct tide_limits { /* of builds side by side, and of runs; all set. A reload may change them at
                        any time */
    atomic_int jobs; /* at once */
    _Atomic(int64_t) memory; /* bytes of free memory that one wants */
    _Atomic(int64_t) disk;   /* bytes that must be left on the disk of the cache for one to begin */
    _Atomic(int64_t) cache;  /* bytes that the builds in the cache may take */
    _Atomic(int64_t) reserve; /* bytes of memory that are left free beside what runs need */
    atomic_bool beside_runs;
};

struct tide_places {    /* where things stand; borrowed, outlive the daemon's parts */
    const char *data;   /* database, url, token, mirrors, worktrees */
    const char *cache;  /* builds and workers */
    const char *source; /* the installed Tidemark: worker/ and scenarios/ */
    const char *probe;  /* tidemark-probe */
    const char *repo;   /* path or URL of the default project */
    struct tide_python_search pythons; /* where to look for interpreters */
    struct tide_limits limits;
    bool idle; /* nobody works the queue: requests are answered, what is queued stays so */
    struct tide_cpus cpus;
    const json_t *projects; /* configured ones, as POST /api/v1/projects takes them; may be NULL */
};

/* Describe the scenario files in `folder` by harness.py of the installed Tidemark, run by the
 * newest usable python; *out is a new JSON array with an entry for each scenario, and for each file
 * that is left out {"file", "error"}. An empty one, with a log line, when there is no python or no
 * file. */
TIDE_CHECK enum tide_rc tide_catalog_describe(const struct tide_places *p,
                                              const struct tide_pythons *pythons,
                                              const char *folder, const atomic_bool *stop,
                                              json_t **out, struct tide_error *e);

/* Write c->described to the store and list it in c->scenarios. */
TIDE_CHECK enum tide_rc tide_catalog_fill(struct tide_catalog *c, struct tide_store *store,
                                          struct tide_error *e);

struct tide_catalog *tide_catalog_ref(struct tide_catalog *c); /* a new reference */
void tide_catalog_drop(struct tide_catalog *c);                /* NULL is a no-op */

/* Bring the project's mirror up to date. A source that is no repository is FAILED: it is no fault
 * of the request that needs it. BUSY: it did not answer within `patience_s`. */
TIDE_CHECK enum tide_rc tide_catalog_sync(const struct tide_catalog *c, int patience_s,
                                          struct tide_error *e);

/* The commit as something to build; it borrows from the catalog and `sha`. */
struct tide_subject tide_catalog_subject(const struct tide_catalog *c, const char *sha);

/* NULL when there is none of that name. */
const struct tide_scenario *tide_catalog_scenario(const struct tide_catalog *c, const char *name);

#endif
