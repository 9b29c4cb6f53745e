/* worktree.c - commits of a mirror, checked out; see repo.h.
 *
 * Submodules are cloned into the worktree, which takes them along when it goes. What they are
 * called in the mirror's configuration is written there by git under the lock. A repository on this
 * machine may have submodules on this machine (git's file protocol); one from elsewhere may not. */
#include "build/mirror.h"

#include "base/file.h"
#include "build/scratch.h"

#include <stdio.h>
#include <stdlib.h>

/* What git is told so that submodules are found: relative addresses count from the source. */
static enum tide_rc add_submodules(const struct tide_repo *r, const char *worktree,
                                   const char *part, struct tide_error *e)
{
    char *list = tide_format("%s/.gitmodules", worktree);
    char *origin = tide_format("remote.origin.url=%s", r->source);
    enum tide_rc rc = list && origin ? TIDE_OK : tide_fail(e, TIDE_NOMEM, "check out a commit");
    bool any = !rc && tide_file_exists(list);
    free(list);
    const char *allow = r->local ? "protocol.file.allow=always" : "protocol.file.allow=never";
    const char *const sync[] = {"-c", origin, "-c", allow, "submodule", "sync", "--quiet", NULL};
    const char *const update[] = {
        "-c",     origin,    "-c",          allow, "submodule",        "update",
        "--init", "--quiet", "--recursive", "--",  *part ? part : ".", NULL};
    if (any) rc = tide_git_in(r, worktree, "submodule sync", sync, TIDE_GIT_DEADLINE_S, NULL, e);
    if (any && !rc)
        rc = tide_git_in(r, worktree, "submodule update", update, TIDE_FETCH_DEADLINE_S, NULL, e);
    free(origin);
    return rc;
}

/* Of the folder alone; its submodules are listed at the top. */
static enum tide_rc check_part_out(const struct tide_repo *r, const char *sha, const char *worktree,
                                   const char *part, struct tide_error *e)
{
    const char *const args[] = {"checkout", "--quiet", sha, "--", part, NULL};
    const char *const list[] = {"checkout", "--quiet", sha, "--", ".gitmodules", NULL};
    struct tide_str found = {0};
    enum tide_rc rc = tide_git_in(r, worktree, args[0], args, TIDE_GIT_DEADLINE_S, NULL, e);
    const char *const seek[] = {"ls-tree", "--name-only", sha, "--", ".gitmodules", NULL};
    if (!rc) rc = tide_git(r, seek, &found, e);
    if (!rc && found.length)
        rc = tide_git_in(r, worktree, list[0], list, TIDE_GIT_DEADLINE_S, NULL, e);
    tide_str_free(&found);
    return rc;
}

static enum tide_rc add_worktree(const struct tide_repo *r, const char *sha, const char *part,
                                 const char *folder, struct tide_error *e)
{
    const char *const args[] = {"worktree", "add",     "--quiet",
                                "--detach", "--force", *part ? "--no-checkout" : "--checkout",
                                folder,     sha,       NULL};
    int lock;
    enum tide_rc rc = tide_mirror_lock(r, &lock, e);
    if (rc) return rc;
    rc = tide_git(r, args, NULL, e);
    if (!rc && *part) rc = check_part_out(r, sha, folder, part, e);
    if (!rc) rc = add_submodules(r, folder, part, e);
    tide_mirror_unlock(lock);
    if (rc == TIDE_FAILED && e) e->rc = TIDE_IO;
    return rc == TIDE_FAILED ? TIDE_IO : rc; /* the machine's fault: the commit is there */
}

enum tide_rc tide_repo_checkout(struct tide_repo *r, const char *sha, const char *part,
                                char **folder, struct tide_error *e)
{
    char name[13], tree[65];
    *folder = NULL;
    enum tide_rc rc =
        *part ? tide_repo_tree(r, sha, part, tree, e) : tide_git_require_commit(r, sha, e);
    if (rc) return rc;
    snprintf(name, sizeof name, "%.12s", sha);
    rc = tide_scratch_make(r->trees, name, folder, e);
    if (!rc) rc = add_worktree(r, sha, part, *folder, e);
    if (rc) tide_repo_release(r, folder);
    return rc;
}

static enum tide_rc prune(const struct tide_repo *r)
{
    static const char *const words[] = {"worktree", "prune", "--expire=now", NULL};
    int lock;
    enum tide_rc rc = tide_mirror_lock(r, &lock, NULL);
    if (rc) return rc;
    rc = tide_git(r, words, NULL, NULL);
    tide_mirror_unlock(lock);
    return rc;
}

void tide_repo_release(struct tide_repo *r, char **folder)
{
    struct tide_repo unstoppable = *r; /* tidying is what a stop waits for */
    if (!*folder) return;
    unstoppable.stop = NULL;
    enum tide_rc rc = tide_file_remove_tree(*folder, NULL);
    if (!rc) rc = prune(&unstoppable);
    (void)rc; /* what stays is swept when the repository is opened next */
    free(*folder);
    *folder = NULL;
}
