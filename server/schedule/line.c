/* line.c - see line.h. */
#include "schedule/line.h"

#include <stdlib.h>
#include <string.h>

#define BRANCH_MAX 1000000 /* commits of a branch that are put in order */

enum tide_rc tide_line_follow(struct tide_store *store, const struct tide_catalog *c,
                              struct tide_error *e)
{
    char known[65];
    struct tide_commit tip = {0}, *line = NULL;
    struct tide_commit_row *rows = NULL;
    int64_t *ids = NULL;
    size_t n = 0;
    enum tide_rc rc = tide_repo_resolve(c->repo, "HEAD", &tip, e);
    if (!rc) rc = tide_store_line_tip(store, c->project, known, e);
    if (!rc && strcmp(known, tip.sha) != 0) {
        rc = tide_repo_list(c->repo, "HEAD", NULL, BRANCH_MAX, &line, &n, e);
        rows = calloc(n + 1, sizeof *rows);
        ids = calloc(n + 1, sizeof *ids);
        if (!rc && (!rows || !ids)) rc = tide_fail(e, TIDE_NOMEM, "order the commits");
        for (size_t i = 0; i < n && !rc; i++) /* oldest first */
            rows[n - 1 - i] = (struct tide_commit_row){line[i].sha, line[i].subject, line[i].author,
                                                       line[i].committed_ns};
        if (!rc) rc = tide_store_put_commits(store, c->project, rows, n, ids, e);
        if (!rc) rc = tide_store_put_line(store, c->project, ids, n, e);
    }
    for (size_t i = 0; i < n; i++)
        tide_commit_clear(&line[i]);
    free(line);
    free(rows);
    free(ids);
    tide_commit_clear(&tip);
    return rc;
}
