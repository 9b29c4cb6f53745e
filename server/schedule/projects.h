/* projects.h - every project that can be measured: added, changed and removed while the daemon
 * runs.
 *
 * The store's rows are the truth; beside each stands the catalog made of it, for whoever needs it
 * next. A catalog is made anew when its row, or the tree of its own scenarios, has changed.
 *
 *   DATA/repos/ID.git            mirror of the project ID
 *   DATA/scenarios/ID/TREE/...   its own scenarios, as they stood at the branch's tip
 *
 * Threads: opening and closing by one, the rest by any; calls for one project queue up. Blocking
 * (git and interpreters run). */
#ifndef TIDE_SCHEDULE_PROJECTS_H
#define TIDE_SCHEDULE_PROJECTS_H

#include "schedule/catalog.h"

struct tide_projects;

/* Discover the pythons and write them to the store, put the default project and those of the
 * configuration there. A configured project that cannot be had is left out with a log line. */
TIDE_CHECK enum tide_rc tide_projects_open(const struct tide_places *p, struct tide_store *store,
                                           const atomic_bool *stop, struct tide_projects **out,
                                           struct tide_error *e);
void tide_projects_close(struct tide_projects *s); /* nobody holds a catalog; NULL is a no-op */

/* Look for the pythons again: always, or when one was rebuilt, removed or fetched since. Cheap
 * where none was: no interpreter is run. What was given out before stays valid. */
TIDE_CHECK enum tide_rc tide_projects_refresh(struct tide_projects *s, bool always,
                                              struct tide_error *e);

/* Look again, from now on for the entries of `where` too, which stay until the projects are closed.
 */
TIDE_CHECK enum tide_rc tide_projects_look_for(struct tide_projects *s,
                                               const struct tide_python_search *where,
                                               struct tide_error *e);

/* Of this machine, as found last; they live as long as *s. */
const struct tide_pythons *tide_projects_pythons(struct tide_projects *s);

/* The catalog of the project as it was known last; the caller drops it. ABSENT: no such project;
 * FAILED: its repository cannot be had, and why. */
TIDE_CHECK enum tide_rc tide_projects_take(struct tide_projects *s, const char *name,
                                           struct tide_catalog **out, struct tide_error *e);
#define TIDE_ASKED_PATIENCE_S 15 /* of a request that somebody waits for */
#define TIDE_SILENCE_S        10 /* after that, in which such requests do not try again */

/* The same after its mirror and its scenarios were brought up to date. BUSY: its repository did not
 * answer within `patience_s`; requests are told so at once for a while then. */
TIDE_CHECK enum tide_rc tide_projects_sync(struct tide_projects *s, const char *name,
                                           int patience_s, struct tide_catalog **out,
                                           struct tide_error *e);
/* The same, with TIDE_ASKED_PATIENCE_S, for a request that starts work: a project that is unknown,
 * disabled, or of imported runs is INVALID with the field `project`. */
TIDE_CHECK enum tide_rc tide_projects_require(struct tide_projects *s, const char *name,
                                              struct tide_catalog **out, struct tide_error *e);

/* Add what `wish` describes (docs/API.md, POST /api/v1/projects). Everything is tried before a row
 * stays: the repository is fetched, a recipe that is not named is told from the tree, scenarios are
 * described. INVALID names the field; BUSY: another one is being added or changed. */
TIDE_CHECK enum tide_rc tide_projects_add(struct tide_projects *s, const json_t *wish,
                                          struct tide_error *e);
/* Change the fields that `wish` names, checked as above. */
TIDE_CHECK enum tide_rc tide_projects_change(struct tide_projects *s, const char *name,
                                             const json_t *wish, struct tide_error *e);
/* Add what the list holds (docs/API.md, Configuration), or make it what its entry says. One that
 * cannot be had is a line of the log. */
TIDE_CHECK enum tide_rc tide_projects_configure(struct tide_projects *s, const json_t *list);

/* What would go, as JSON: what the store holds, and "cache_bytes". */
TIDE_CHECK enum tide_rc tide_projects_holdings(struct tide_projects *s, const char *name,
                                               json_t **out, struct tide_error *e);
/* Remove the project with its runs, builds, mirror and scenarios. BUSY while one of its runs is
 * building or running. */
TIDE_CHECK enum tide_rc tide_projects_remove(struct tide_projects *s, const char *name,
                                             struct tide_error *e);

/* Why nothing can be measured (no repository, no usable python, no scenario): true, with *e filled.
 */
bool tide_projects_in_trouble(struct tide_projects *s, struct tide_error *e);

#endif
