/* line.h - the order of a project's commits, kept in the store. */
#ifndef TIDE_SCHEDULE_LINE_H
#define TIDE_SCHEDULE_LINE_H

#include "schedule/catalog.h"

/* Write the first-parent line of the project's branch, as its mirror has it, to the store, where
 * its tip is another than the store's. Blocking (git runs). */
TIDE_CHECK enum tide_rc tide_line_follow(struct tide_store *store, const struct tide_catalog *c,
                                         struct tide_error *e);

#endif
