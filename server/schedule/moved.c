/* moved.c - see moved.h. It goes by what the store and the repository hold, and not by what the
 * last import changed: a daemon that was killed between the two finds the same to do. */
#include "schedule/moved.h"

#include <stdlib.h>
#include <string.h>

#define VERSIONS_MAX 100000

struct line {
    struct tide_commit *commits;
    size_t n;
};

static const struct tide_commit *find_hash(const struct line *line, const char *sha)
{
    for (size_t i = 0; i < line->n; i++)
        if (!strncmp(line->commits[i].sha, sha, strlen(line->commits[i].sha)))
            return &line->commits[i];
    return NULL;
}

static const struct tide_commit *find_version(const struct line *line, const char *version)
{
    for (size_t i = 0; i < line->n; i++)
        if (!strcmp(line->commits[i].subject, version)) return &line->commits[i];
    return NULL;
}

/* `known` is "HASH VERSION" of a commit in the store. */
static enum tide_rc follow(const struct tide_catalog *c, struct tide_store *store,
                           const struct line *line, const char *known, struct tide_error *e)
{
    char old[65], new[65];
    size_t length = strcspn(known, " ");
    const struct tide_commit *now = find_version(line, known + length + 1);
    if (!now || find_hash(line, known) || length > 64) return TIDE_OK;
    char *sha = strndup(known, length);
    enum tide_rc rc = sha ? tide_repo_tree(c->repo, sha, "", old, e)
                          : tide_fail(e, TIDE_NOMEM, "follow the versions");
    if (rc == TIDE_ABSENT) {
        free(sha);
        return TIDE_OK;
    }
    if (!rc) rc = tide_repo_tree(c->repo, now->sha, "", new, e);
    const struct tide_commit_row row = {now->sha, now->subject, now->author, now->committed_ns};
    if (!rc && !strcmp(old, new)) rc = tide_store_move_commit(store, c->project, sha, &row, e);
    free(sha);
    return rc;
}

enum tide_rc tide_moved_follow(const struct tide_catalog *c, struct tide_store *store,
                               struct tide_error *e)
{
    struct line line = {0};
    struct tide_str known = {0};
    if (!*c->row.versions) return TIDE_OK;
    enum tide_rc rc =
        tide_repo_list(c->repo, "HEAD", NULL, VERSIONS_MAX, &line.commits, &line.n, e);
    if (!rc) rc = tide_store_project_commits(store, c->project, &known, e);
    for (size_t at = 0; !rc && at < known.length; at += strlen(known.at + at) + 1)
        rc = follow(c, store, &line, known.at + at, e);
    for (size_t i = 0; i < line.n; i++)
        tide_commit_clear(&line.commits[i]);
    free(line.commits);
    tide_str_free(&known);
    return rc;
}
