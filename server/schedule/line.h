/* line.h - the order of a project's commits, kept in the store. */
#ifndef TIDE_SCHEDULE_LINE_H
#define TIDE_SCHEDULE_LINE_H

#include "schedule/catalog.h"
#include "store/histories.h"

/* Write the first-parent line of the project's branch, as its mirror has it, to the store, where
 * its tip is another than the store's. Blocking (git runs). */
TIDE_CHECK enum tide_rc tide_line_follow(struct tide_store *store, const struct tide_catalog *c,
                                         struct tide_error *e);

/* Up to `limit` commits of the first-parent line of `branch` (NULL: the project's), newest first;
 * the caller frees each with tide_commit_clear, and the array. INVALID names the field `branch`.
 * Blocking (git runs). */
TIDE_CHECK enum tide_rc tide_line_list(const struct tide_catalog *c, const char *branch,
                                       size_t limit, struct tide_commit **out, size_t *n,
                                       struct tide_error *e);

/* The whole line of `branch`, oldest first; its commits are put into the store. The caller frees
 * with tide_line_commits_free. INVALID names the field `branch`. Blocking (git runs). */
TIDE_CHECK enum tide_rc tide_line_read(struct tide_store *store, const struct tide_catalog *c,
                                       const char *branch, struct tide_line_commit **out, size_t *n,
                                       struct tide_error *e);

#endif
