/* line.c - see line.h. */
#include "schedule/line.h"

#include "base/str.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define BRANCH_MAX 1000000 /* commits of a branch that are put in order */

static void free_commits(struct tide_commit *line, size_t n)
{
    for (size_t i = 0; i < n; i++)
        tide_commit_clear(&line[i]);
    free(line);
}

enum tide_rc tide_line_list(const struct tide_catalog *c, const char *branch, size_t limit,
                            struct tide_commit **out, size_t *n, struct tide_error *e)
{
    if (!branch) return tide_repo_list(c->repo, "HEAD", NULL, limit, out, n, e);
    char *ref = tide_format("refs/heads/%s", branch);
    if (!ref) return tide_fail(e, TIDE_NOMEM, "list a branch");
    bool name = !strpbrk(branch, "~^:?*[\\ ") && !strstr(branch, "@{") && !strstr(branch, "..");
    enum tide_rc rc = name ? tide_repo_list(c->repo, ref, NULL, limit, out, n, e) : TIDE_INVALID;
    free(ref);
    if (rc == TIDE_INVALID) tide_fail_field(e, "branch", "there is no branch \"%.200s\"", branch);
    return rc;
}

/* Put the n commits of a line, newest first, into the store; ids[] are theirs, oldest first. */
static enum tide_rc put_commits(struct tide_store *store, int64_t project,
                                const struct tide_commit *line, size_t n, int64_t *ids,
                                struct tide_error *e)
{
    struct tide_commit_row *rows = calloc(n + 1, sizeof *rows);
    if (!rows) return tide_fail(e, TIDE_NOMEM, "order the commits");
    for (size_t i = 0; i < n; i++)
        rows[n - 1 - i] = (struct tide_commit_row){line[i].sha, line[i].subject, line[i].author,
                                                   line[i].committed_ns};
    enum tide_rc rc = tide_store_put_commits(store, project, rows, n, ids, e);
    free(rows);
    return rc;
}

enum tide_rc tide_line_follow(struct tide_store *store, const struct tide_catalog *c,
                              struct tide_error *e)
{
    char known[65];
    struct tide_commit tip = {0}, *line = NULL;
    int64_t *ids = NULL;
    size_t n = 0;
    enum tide_rc rc = tide_repo_resolve(c->repo, "HEAD", &tip, e);
    if (!rc) rc = tide_store_line_tip(store, c->project, known, e);
    if (!rc && strcmp(known, tip.sha) != 0) {
        rc = tide_line_list(c, NULL, BRANCH_MAX, &line, &n, e);
        ids = calloc(n + 1, sizeof *ids);
        if (!rc && !ids) rc = tide_fail(e, TIDE_NOMEM, "order the commits");
        if (!rc) rc = put_commits(store, c->project, line, n, ids, e);
        if (!rc) rc = tide_store_put_line(store, c->project, ids, n, e);
    }
    free_commits(line, n);
    free(ids);
    tide_commit_clear(&tip);
    return rc;
}

enum tide_rc tide_line_read(struct tide_store *store, const struct tide_catalog *c,
                            const char *branch, struct tide_line_commit **out, size_t *n,
                            struct tide_error *e)
{
    struct tide_commit *line = NULL;
    *out = NULL;
    *n = 0;
    enum tide_rc rc = tide_line_list(c, branch, BRANCH_MAX, &line, n, e);
    if (rc) return rc;
    int64_t *ids = calloc(*n + 1, sizeof *ids);
    *out = calloc(*n + 1, sizeof **out);
    if (!ids || !*out)
        rc = tide_fail(e, TIDE_NOMEM, "read a branch");
    else
        rc = put_commits(store, c->project, line, *n, ids, e);
    for (size_t i = 0; i < *n && !rc; i++) {
        struct tide_commit *from = &line[*n - 1 - i];
        struct tide_line_commit *to = &(*out)[i];
        *to = (struct tide_line_commit){.id = ids[i], .committed_ns = from->committed_ns};
        memcpy(to->sha, from->sha, sizeof to->sha);
        to->subject = from->subject; /* moved */
        from->subject = NULL;
    }
    free_commits(line, *n);
    free(ids);
    if (!rc) return TIDE_OK;
    free(*out); /* nothing was moved into it */
    *out = NULL;
    *n = 0;
    return rc;
}
