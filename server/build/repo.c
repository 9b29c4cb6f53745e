/* repo.c - see repo.h.
 *
 * The mirror is a bare repository which every sync makes equal to its source: all refs under their
 * own names, and the branch that is measured, else the source's HEAD (a branch or a detached
 * commit), as refs/tidemark/HEAD, which the mirror's own HEAD points to, so that HEAD~3 means the
 * same here as there. Refs that vanished from the source are pruned; commits never are, so that one
 * which was measured and then rewritten away can still be built. */
#include "build/mirror.h"

#include "base/clock.h"
#include "base/file.h"
#include "build/command.h"
#include "build/scratch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A path made absolute, a URL as it is. HOST:PATH, scp's way, is a URL unless such a file exists.
 */
static enum tide_rc find_source(const char *source, struct tide_repo *r, struct tide_error *e)
{
    enum tide_rc rc = tide_git_check_text(source, "repo", "the repository", e);
    if (rc) return rc;
    r->source = realpath(source, NULL);
    r->local = r->source;
    if (r->local) return TIDE_OK;
    const char *colon = strchr(source, ':');
    if (source[0] == '/' || source[0] == '.' || !colon)
        return tide_fail_field(e, "repo", "there is no repository at %s: %s", source,
                               strerror(errno));
    r->source = strdup(source);
    return r->source ? TIDE_OK : tide_fail(e, TIDE_NOMEM, "open the repository %s", source);
}

/* git-check-ref-format(1), as far as a name could be taken for more than one. */
static enum tide_rc find_branch(const char *branch, char **out, struct tide_error *e)
{
    bool head = !branch || !*branch;
    enum tide_rc rc = head ? TIDE_OK : tide_git_check_text(branch, "branch", "the branch", e);
    if (rc) return rc;
    if (!head && (strpbrk(branch, " ~^:?*[\\") || strstr(branch, "..") || strstr(branch, "@{")))
        return tide_fail_field(e, "branch", "\"%.200s\" cannot be the name of a branch", branch);
    *out = head ? strdup("+HEAD:" TIDE_HEAD_REF)
                : tide_format("+refs/heads/%s:" TIDE_HEAD_REF, branch);
    return *out ? TIDE_OK : tide_fail(e, TIDE_NOMEM, "open the repository");
}

static enum tide_rc make_mirror(struct tide_repo *r, struct tide_error *e)
{
    static const char *const init[] = {"init", "--bare", "--quiet", "--template=", NULL};
    static const char *const head[] = {"symbolic-ref", "HEAD", TIDE_HEAD_REF, NULL};
    static const char *const prune[] = {"worktree", "prune", "--expire=now", NULL};
    int lock;
    enum tide_rc rc = tide_mirror_lock(r, &lock, e);
    if (rc) return rc;
    tide_mirror_clear_leftovers(r);
    rc = tide_git(r, init, NULL, e);
    if (!rc) rc = tide_git(r, head, NULL, e);
    if (!rc) rc = tide_scratch_sweep(r->trees, e);
    if (!rc) rc = tide_git(r, prune, NULL, e);
    tide_mirror_unlock(lock);
    return rc;
}

/* Make the folder and give its absolute path. */
static enum tide_rc settle(const char *folder, char **out, struct tide_error *e)
{
    enum tide_rc rc = tide_file_make_folder(folder, 0755, e);
    if (rc) return rc;
    *out = realpath(folder, NULL);
    return *out ? TIDE_OK : tide_fail_errno(e, "open folder %s", folder);
}

static void destroy(struct tide_repo *r)
{
    if (r->hold >= 0) close(r->hold);
    free(r->source);
    free(r->branch);
    free(r->mirror);
    free(r->trees);
    free(r);
}

/* Take what `r` names so far and finish it; r is taken over, on failure too. */
static enum tide_rc open_take(struct tide_repo *r, const char *mirror, const char *worktrees,
                              struct tide_repo **out, struct tide_error *e)
{
    enum tide_rc rc = settle(mirror, &r->mirror, e);
    if (!rc) rc = settle(worktrees, &r->trees, e);
    if (!rc) rc = make_mirror(r, e);
    if (!rc) rc = tide_scratch_hold(r->trees, &r->hold, e);
    if (rc)
        destroy(r);
    else
        *out = r;
    return rc;
}

static enum tide_rc pass_on(const struct tide_error *why, struct tide_error *e)
{
    if (e) *e = *why;
    return why->rc;
}

/* A new one, of nothing yet; NULL with the reason. */
static struct tide_repo *make(const char *source, const atomic_bool *stop, struct tide_error *e)
{
    char *program = tide_build_which("git");
    struct tide_repo *r = program ? calloc(1, sizeof *r) : NULL;
    if (!program)
        tide_fail(e, TIDE_ABSENT, "git is not installed: `apt-get install git`");
    else if (!r)
        tide_fail(e, TIDE_NOMEM, "open the repository %s", source);
    free(program);
    if (!r) return NULL;
    r->references = 1;
    r->hold = -1;
    r->stop = stop;
    return r;
}

enum tide_rc tide_repo_open(const char *source, const char *branch, const char *mirror,
                            const char *worktrees, const atomic_bool *stop, struct tide_repo **out,
                            struct tide_error *e)
{
    struct tide_error why = {0};
    struct tide_repo *r = make(source, stop, &why);
    *out = NULL;
    if (!r) return pass_on(&why, e);
    enum tide_rc rc = find_source(source, r, e);
    if (!rc) rc = find_branch(branch, &r->branch, e);
    if (!rc) return open_take(r, mirror, worktrees, out, e);
    destroy(r);
    return rc;
}

enum tide_rc tide_repo_open_versions(const char *folder, const char *mirror, const char *worktrees,
                                     const atomic_bool *stop, struct tide_repo **out,
                                     struct tide_error *e)
{
    struct stat facts;
    struct tide_error why = {0};
    struct tide_repo *r = make(folder, stop, &why);
    *out = NULL;
    if (!r) return pass_on(&why, e);
    r->versions = r->local = true;
    r->source = realpath(folder, NULL);
    if (r->source && !stat(r->source, &facts) && S_ISDIR(facts.st_mode))
        return open_take(r, mirror, worktrees, out, e);
    destroy(r);
    return tide_fail_field(e, "versions", "there is no folder %s", folder);
}

struct tide_repo *tide_repo_ref(struct tide_repo *r)
{
    r->references++;
    return r;
}

void tide_repo_close(struct tide_repo *r)
{
    if (r && !--r->references) destroy(r);
}

/* Fetch all refs, with the source's HEAD or (a source whose HEAD is unborn has none) without. */
static enum tide_rc fetch(const struct tide_repo *r, bool with_head, int patience_s,
                          struct tide_str *complaint, struct tide_error *e)
{
    const char *args[16];
    size_t n = 0;
    args[n++] = "fetch";
    args[n++] = "--quiet";
    args[n++] = "--prune";
    args[n++] = "--no-tags"; /* the refspecs bring them */
    args[n++] = "--no-write-fetch-head";
    args[n++] = "--no-recurse-submodules";
    args[n++] = "--update-shallow";
    if (tide_mirror_is_shallow(r)) args[n++] = "--unshallow"; /* as deep as the source has become */
    args[n++] = "--";
    args[n++] = r->source;
    args[n++] = "+refs/*:refs/*";
    args[n++] = "^refs/tidemark/*"; /* a source that is a mirror of ours has one of its own */
    if (with_head) args[n++] = r->branch;
    args[n] = NULL;
    int64_t until_ns = tide_clock_monotonic_ns() + (int64_t)patience_s * 1000000000;
    enum tide_rc rc = tide_git_run(r, NULL, args, patience_s, NULL, complaint, e);
    if (rc != TIDE_FAILED || tide_clock_monotonic_ns() < until_ns) return rc;
    return tide_fail(e, TIDE_BUSY,
                     "%s did not answer within %d s: see whether `git fetch` from it works on this "
                     "machine, and ask again",
                     r->source, patience_s);
}

/* Say what to do about a fetch that failed. */
static enum tide_rc describe_fetch(const struct tide_repo *r, const struct tide_str *complaint,
                                   struct tide_error *e)
{
    const char *text = complaint->at ? complaint->at : "";
    if (strstr(text, "dubious ownership"))
        return tide_fail(e, TIDE_FAILED,
                         "%s belongs to another user, and git refuses to read it; allow it with "
                         "`git config --global --add safe.directory '%s'` (for a checkout, of its "
                         ".git folder too)",
                         r->source, r->source);
    if (strstr(text, "does not appear to be a git repository"))
        return tide_fail_field(e, "repo",
                               "%s is no git repository: name the folder that holds .git, a bare "
                               "repository or a URL",
                               r->source);
    if (strstr(text, "find remote ref refs/heads/"))
        return tide_fail_field(e, "branch", "%s has no branch %.*s", r->source,
                               (int)strcspn(r->branch + strlen("+refs/heads/"), ":"),
                               r->branch + strlen("+refs/heads/"));
    return tide_git_describe("fetch", complaint, e);
}

/* The source has no commit at its HEAD: HEAD must name none here either, and some other ref must
 * exist. */
static enum tide_rc sync_unborn(const struct tide_repo *r, int patience_s,
                                struct tide_str *complaint, struct tide_error *e)
{
    static const char *const drop[] = {"update-ref", "-d", TIDE_HEAD_REF, NULL};
    static const char *const refs[] = {"for-each-ref", "--count=1", NULL};
    struct tide_str found = {0};
    tide_str_free(complaint);
    enum tide_rc rc = fetch(r, false, patience_s, complaint, e);
    if (rc == TIDE_FAILED) rc = describe_fetch(r, complaint, e);
    if (!rc) rc = tide_git(r, drop, NULL, e);
    if (!rc) rc = tide_git(r, refs, &found, e);
    if (!rc && !found.length)
        rc = tide_fail_field(e, "repo", "%s has no commit yet: commit something first", r->source);
    tide_str_free(&found);
    return rc;
}

enum tide_rc tide_repo_sync(struct tide_repo *r, int patience_s, struct tide_error *e)
{
    struct tide_str complaint = {0};
    int lock;
    if (r->versions) return tide_mirror_import(r, e);
    enum tide_rc rc = tide_mirror_lock(r, &lock, e);
    if (rc) return rc;
    rc = fetch(r, true, patience_s, &complaint, e);
    if (rc == TIDE_FAILED && complaint.at && strstr(complaint.at, "find remote ref HEAD"))
        rc = sync_unborn(r, patience_s, &complaint, e);
    else if (rc == TIDE_FAILED)
        rc = describe_fetch(r, &complaint, e);
    if (rc) tide_mirror_clear_leftovers(r);
    tide_mirror_unlock(lock);
    tide_str_free(&complaint);
    return rc;
}
