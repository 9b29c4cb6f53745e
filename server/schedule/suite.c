/* suite.c - see suite.h. */
#include "schedule/suite.h"

#include "base/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *tide_suite_folder(const struct tide_places *p, int64_t project)
{
    return tide_format("%s/scenarios/%lld", p->data, (long long)project);
}

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* Put the folder of the tree into *out, which names where the project's scenarios stand then. */
static enum tide_rc export_suite(const struct tide_places *p, const struct tide_catalog *c,
                                 const char *sha, const char *tree, char **out,
                                 struct tide_error *e)
{
    char *suites = tide_suite_folder(p, c->project), *worktree = NULL, *from = NULL;
    char *parent = suites ? tide_format("%s/%s", suites, tree) : NULL;
    *out = parent ? tide_format("%s/%s", parent, last_part(c->row.scenarios)) : NULL;
    enum tide_rc rc = *out ? TIDE_OK : tide_fail(e, TIDE_NOMEM, "list the scenarios");
    if (rc || tide_file_exists(*out)) goto out;
    rc = tide_repo_checkout(c->repo, sha, c->row.scenarios, &worktree, e);
    if (!rc) rc = tide_file_make_folder(parent, 0755, e);
    if (!rc) {
        from = tide_format("%s/%s", worktree, c->row.scenarios);
        if (!from || rename(from, *out)) rc = tide_fail_errno(e, "keep the scenarios in %s", *out);
    }
    tide_repo_release(c->repo, &worktree);
out:
    if (rc) {
        free(*out);
        *out = NULL;
    }
    free(suites);
    free(parent);
    free(from);
    return rc;
}

/* The tree of the scenarios that the row names, at the branch's tip; of versions, beside them. */
static enum tide_rc find_tree(struct tide_repo *repo, const struct tide_project *row,
                              struct tide_commit *tip, char tree[65], struct tide_error *e)
{
    bool versions = *row->versions;
    enum tide_rc rc = tide_repo_resolve(repo, versions ? TIDE_REPO_BESIDE : "HEAD", tip, e);
    if (!rc) rc = tide_repo_tree(repo, tip->sha, row->scenarios, tree, e);
    if (rc == TIDE_ABSENT && versions)
        rc = tide_fail_field(e, "scenarios", "%s has no folder %s with files in it", row->versions,
                             row->scenarios);
    else if (rc == TIDE_ABSENT)
        rc =
            tide_fail_field(e, "scenarios", "commit %.12s, the tip of the branch, has no folder %s",
                            tip->sha, row->scenarios);
    return rc;
}

enum tide_rc tide_suite_find(const struct tide_places *p, struct tide_store *store, json_t *own,
                             const struct tide_catalog *old, const atomic_bool *stop,
                             struct tide_catalog *c, struct tide_error *e)
{
    struct tide_commit tip = {0};
    char *folder = NULL;
    enum tide_rc rc = TIDE_OK;
    if (!*c->row.scenarios) {
        c->described = json_incref(own);
        return tide_catalog_fill(c, store, e);
    }
    rc = find_tree(c->repo, &c->row, &tip, c->suite, e);
    if (!rc && old && !strcmp(old->suite, c->suite) &&
        !strcmp(old->row.scenarios, c->row.scenarios)) {
        c->described = json_incref(old->described);
    } else if (!rc) {
        rc = export_suite(p, c, tip.sha, c->suite, &folder, e);
        if (!rc) rc = tide_catalog_describe(p, &c->pythons, folder, stop, &c->described, e);
    }
    if (!rc) rc = tide_catalog_fill(c, store, e);
    tide_commit_clear(&tip);
    free(folder);
    return rc;
}

enum tide_rc tide_suite_check(struct tide_repo *repo, const struct tide_project *row,
                              struct tide_error *e)
{
    struct tide_commit tip = {0};
    char tree[65];
    if (!*row->scenarios) return TIDE_OK;
    enum tide_rc rc = find_tree(repo, row, &tip, tree, e);
    tide_commit_clear(&tip);
    return rc;
}
