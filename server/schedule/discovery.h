/* discovery.h - the pythons of this machine, as they are found again and again.
 *
 * A discovery is kept until the end, since a run or a catalog may still use one of its pythons.
 * Threads: any; those who look wait for one another. */
#ifndef TIDE_SCHEDULE_DISCOVERY_H
#define TIDE_SCHEDULE_DISCOVERY_H

#include "schedule/catalog.h"

struct tide_discoveries;

/* Look for the first time and write what is found to the store; the caller owns *out. */
TIDE_CHECK enum tide_rc tide_discoveries_open(const struct tide_places *p, struct tide_store *store,
                                              const atomic_bool *stop,
                                              struct tide_discoveries **out, struct tide_error *e);
void tide_discoveries_close(struct tide_discoveries *s); /* NULL is a no-op */

/* Look again: always, or when a python was rebuilt, removed or fetched since. Cheap where none was:
 * no interpreter is run. */
TIDE_CHECK enum tide_rc tide_discoveries_refresh(struct tide_discoveries *s, bool always,
                                                 struct tide_error *e);

/* Look again, from now on for the entries of `where` too, which stay until the discoveries are
 * closed. */
TIDE_CHECK enum tide_rc tide_discoveries_configure(struct tide_discoveries *s,
                                                   const struct tide_python_search *where,
                                                   struct tide_error *e);

/* As found last; they live as long as *s. `ids` gets those of the store, and may be NULL. */
const struct tide_pythons *tide_discoveries_newest(struct tide_discoveries *s, const int64_t **ids);

#endif
