/* repo.c - see repo.h.
 *
 * The mirror is a bare repository which every sync makes equal to its source: all refs under their
 * own names, and the branch that is measured, else the source's HEAD (a branch or a detached
 * commit), as refs/tidemark/HEAD, which the mirror's own HEAD points to, so that HEAD~3 means the
 * same here as there. Refs that vanished from the source are pruned; commits never are, so that one
 * which was measured and then rewritten away can still be built.
 *
 * Submodules are cloned into the worktree, which takes them along when it goes. What they are
 * called in the mirror's configuration is written there by git under the lock. A repository on this
 * machine may have submodules on this machine (git's file protocol); one from elsewhere may not.
 *
 * git is run as a program. What a hook or a shell set for another repository (GIT_DIR and its kin)
 * is taken out of its environment; hooks, background maintenance and prompts are off; replaced
 * objects are seen as they are. A git that was killed leaves lock files behind: they are cleared
 * while we hold the mirror, so no other git of ours can own them.
 *
 * Locks: the mirror folder (flock) serialises what writes to it, between threads and processes
 * alike; resolving and listing only read and take none. The worktrees folder is held as scratch.h
 * says while the repository is open. */
#include "build/repo.h"

#include "base/file.h"
#include "base/process.h"
#include "base/utf8.h"
#include "build/command.h"
#include "build/scratch.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define FETCH_DEADLINE_S 600
#define GIT_DEADLINE_S   120
#define REV_LONGEST      1000
#define HEAD_REF         "refs/tidemark/HEAD"

struct tide_repo {
    atomic_uint references;
    char *source; /* absolute path or URL */
    char *branch; /* refspec that brings HEAD */
    bool local;   /* the source is a path */
    char *mirror; /* absolute */
    char *trees;  /* absolute: the folder of worktrees */
    int hold;     /* on trees; -1: none */
    const atomic_bool *stop;
};

/* What `git rev-parse --local-env-vars` lists, and what would make git ask somebody. */
static const char foreign[] =
    "env -u GIT_DIR -u GIT_WORK_TREE -u GIT_INDEX_FILE -u GIT_PREFIX -u GIT_OBJECT_DIRECTORY "
    "-u GIT_ALTERNATE_OBJECT_DIRECTORIES -u GIT_COMMON_DIR -u GIT_NAMESPACE -u GIT_CONFIG "
    "-u GIT_CONFIG_PARAMETERS -u GIT_CONFIG_COUNT -u GIT_GRAFT_FILE -u GIT_SHALLOW_FILE "
    "-u GIT_REPLACE_REF_BASE -u GIT_IMPLICIT_WORK_TREE -u GIT_INTERNAL_SUPER_PREFIX "
    "-u GIT_QUARANTINE_PATH -u GIT_CEILING_DIRECTORIES -u GIT_DEFAULT_HASH -u GIT_TRACE "
    "-u GIT_ASKPASS -u SSH_ASKPASS git";

static const char *const settings[] = {"GIT_TERMINAL_PROMPT=0",
                                       "GIT_NO_REPLACE_OBJECTS=1",
                                       "GIT_LITERAL_PATHSPECS=1",
                                       "LC_ALL=C",
                                       "LANGUAGE=C",
                                       NULL};

static const char *const options[] = {"-c", "gc.auto=0",
                                      "-c", "maintenance.auto=false",
                                      "-c", "core.hooksPath=/dev/null",
                                      "-c", "advice.detachedHead=false",
                                      "-c", "log.showSignature=false",
                                      NULL};

static bool put_all(char ***words, const char *const *more)
{
    for (; *more; more++)
        if (!tide_build_words_put(words, *more)) return false;
    return true;
}

/* Run git with these arguments: in the worktree, or where that is NULL on the mirror. `complaint`
 * gets its standard error. */
static enum tide_rc run_git(const struct tide_repo *r, const char *worktree,
                            const char *const *args, int deadline_s, struct tide_str *out,
                            struct tide_str *complaint, struct tide_error *e)
{
    enum tide_rc rc = TIDE_OK;
    char **argv = NULL;
    if (r->stop && *r->stop) return tide_fail(e, TIDE_STOPPED, "run git: stopped");
    char *folder = worktree ? NULL : tide_format("--git-dir=%s", r->mirror);
    if (!tide_build_words_add(&argv, foreign) ||
        !(worktree || (folder && tide_build_words_put(&argv, folder))) ||
        !put_all(&argv, options) || !put_all(&argv, args)) {
        rc = tide_fail(e, TIDE_NOMEM, "run git");
        goto out;
    }
    const struct tide_command c = {.argv = (const char *const *)argv,
                                   .folder = worktree ? worktree : "/",
                                   .environment = settings,
                                   .log = -1,
                                   .deadline_s = deadline_s,
                                   .stop = r->stop};
    rc = tide_build_run(&c, out, complaint, e);
out:
    tide_build_words_free(argv);
    free(folder);
    return rc;
}

/* Git's own words: the first line that is fatal, else the last; NULL when it said nothing. */
static char *find_complaint(const char *text)
{
    const char *fatal = strstr(text, "fatal: ");
    if (fatal) {
        fatal += strlen("fatal: ");
        return strndup(fatal, strcspn(fatal, "\n"));
    }
    char *line = tide_build_last_line(text);
    if (line && *line) return line;
    free(line);
    return NULL;
}

static enum tide_rc describe_git(const char *verb, const struct tide_str *complaint,
                                 struct tide_error *e)
{
    char *line = find_complaint(complaint->at ? complaint->at : "");
    if (line) tide_fail(e, TIDE_FAILED, "git %s: %s", verb, line);
    free(line);
    return TIDE_FAILED;
}

/* In the worktree, or on the mirror where that is NULL; `verb` is what the error calls it. */
static enum tide_rc git_in(const struct tide_repo *r, const char *worktree, const char *verb,
                           const char *const *args, int deadline_s, struct tide_str *out,
                           struct tide_error *e)
{
    struct tide_str complaint = {0};
    enum tide_rc rc = run_git(r, worktree, args, deadline_s, out, &complaint, e);
    if (rc == TIDE_FAILED) rc = describe_git(verb, &complaint, e);
    tide_str_free(&complaint);
    return rc;
}

static enum tide_rc git(const struct tide_repo *r, const char *const *args, struct tide_str *out,
                        struct tide_error *e)
{
    return git_in(r, NULL, args[0], args, GIT_DEADLINE_S, out, e);
}

static enum tide_rc lock_mirror(const struct tide_repo *r, int *lock, struct tide_error *e)
{
    *lock = open(r->mirror, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*lock < 0) return tide_fail_errno(e, "open the mirror %s", r->mirror);
    while (flock(*lock, LOCK_EX | LOCK_NB)) {
        enum tide_rc rc = TIDE_OK;
        if (errno != EWOULDBLOCK && errno != EINTR)
            rc = tide_fail_errno(e, "lock the mirror %s", r->mirror);
        else if (r->stop && *r->stop)
            rc = tide_fail(e, TIDE_STOPPED, "lock the mirror %s: stopped", r->mirror);
        if (rc) {
            close(*lock);
            *lock = -1;
            return rc;
        }
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    }
    return TIDE_OK;
}

static void unlock_mirror(int lock)
{
    if (lock < 0) return;
    flock(lock, LOCK_UN); /* at once, though a child between fork and exec has the descriptor too */
    close(lock);
}

/* MIRROR/worktrees/NAME/locked, which a worktree has until git has added it whole. */
static bool marks_half_worktree(const char *path, const struct FTW *where)
{
    static const char place[] = "/worktrees/";
    if (where->level != 3 || strcmp(path + where->base, "locked") != 0) return false;
    const char *name = path + where->base - 1; /* the slash behind NAME */
    while (name > path && name[-1] != '/')
        name--;
    size_t before = (size_t)(name - path), n = sizeof place - 1;
    return before >= n && !strncmp(name - n, place, n);
}

static int clear_leftover(const char *path, const struct stat *facts, int type, struct FTW *where)
{
    (void)facts;
    const char *name = path + where->base;
    size_t length = strlen(name);
    bool lock = length > 5 && !strcmp(name + length - 5, ".lock");
    lock = lock || marks_half_worktree(path, where);
    if (type == FTW_F && (lock || !strncmp(name, "tmp_", 4))) unlink(path);
    return 0;
}

/* What a killed git leaves: locks, which make the next one refuse, half-received packs, and
 * half-added worktrees, which are pruned once they are not locked. The mirror is ours. */
static void clear_leftovers(const struct tide_repo *r)
{
    nftw(r->mirror, clear_leftover, 16, FTW_PHYS);
}

static enum tide_rc check_text(const char *text, const char *field, const char *what,
                               struct tide_error *e)
{
    size_t length = strlen(text);
    if (!length) return tide_fail_field(e, field, "%s is empty", what);
    if (length > REV_LONGEST)
        return tide_fail_field(e, field, "%s is longer than %d bytes", what, REV_LONGEST);
    if (text[0] == '-') return tide_fail_field(e, field, "%s begins with '-'", what);
    for (const char *p = text; *p; p++)
        if (iscntrl((unsigned char)*p))
            return tide_fail_field(e, field, "%s holds a control character", what);
    return TIDE_OK;
}

/* A path made absolute, a URL as it is. HOST:PATH, scp's way, is a URL unless such a file exists.
 */
static enum tide_rc find_source(const char *source, struct tide_repo *r, struct tide_error *e)
{
    enum tide_rc rc = check_text(source, "repo", "the repository", e);
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
    enum tide_rc rc = head ? TIDE_OK : check_text(branch, "branch", "the branch", e);
    if (rc) return rc;
    if (!head && (strpbrk(branch, " ~^:?*[\\") || strstr(branch, "..") || strstr(branch, "@{")))
        return tide_fail_field(e, "branch", "\"%.200s\" cannot be the name of a branch", branch);
    *out = head ? strdup("+HEAD:" HEAD_REF) : tide_format("+refs/heads/%s:" HEAD_REF, branch);
    return *out ? TIDE_OK : tide_fail(e, TIDE_NOMEM, "open the repository");
}

static enum tide_rc make_mirror(struct tide_repo *r, struct tide_error *e)
{
    static const char *const init[] = {"init", "--bare", "--quiet", "--template=", NULL};
    static const char *const head[] = {"symbolic-ref", "HEAD", HEAD_REF, NULL};
    static const char *const prune[] = {"worktree", "prune", "--expire=now", NULL};
    int lock;
    enum tide_rc rc = lock_mirror(r, &lock, e);
    if (rc) return rc;
    clear_leftovers(r);
    rc = git(r, init, NULL, e);
    if (!rc) rc = git(r, head, NULL, e);
    if (!rc) rc = tide_scratch_sweep(r->trees, e);
    if (!rc) rc = git(r, prune, NULL, e);
    unlock_mirror(lock);
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

enum tide_rc tide_repo_open(const char *source, const char *branch, const char *mirror,
                            const char *worktrees, const atomic_bool *stop, struct tide_repo **out,
                            struct tide_error *e)
{
    enum tide_rc rc = TIDE_OK;
    *out = NULL;
    char *program = tide_build_which("git");
    struct tide_repo *r = calloc(1, sizeof *r);
    if (!r) {
        rc = tide_fail(e, TIDE_NOMEM, "open the repository %s", source);
        goto out;
    }
    r->references = 1;
    r->hold = -1;
    r->stop = stop;
    if (!program) {
        rc = tide_fail(e, TIDE_ABSENT, "git is not installed: `apt-get install git`");
        goto out;
    }
    rc = find_source(source, r, e);
    if (!rc) rc = find_branch(branch, &r->branch, e);
    if (!rc) rc = settle(mirror, &r->mirror, e);
    if (!rc) rc = settle(worktrees, &r->trees, e);
    if (!rc) rc = make_mirror(r, e);
    if (!rc) rc = tide_scratch_hold(r->trees, &r->hold, e);
    if (rc) goto out;
    *out = r;
    r = NULL;
out:
    tide_repo_close(r);
    free(program);
    return rc;
}

struct tide_repo *tide_repo_ref(struct tide_repo *r)
{
    r->references++;
    return r;
}

void tide_repo_close(struct tide_repo *r)
{
    if (!r || --r->references) return;
    if (r->hold >= 0) close(r->hold);
    free(r->source);
    free(r->branch);
    free(r->mirror);
    free(r->trees);
    free(r);
}

static bool is_shallow(const struct tide_repo *r)
{
    char *file = tide_format("%s/shallow", r->mirror);
    struct stat facts;
    bool shallow = file && !stat(file, &facts) && facts.st_size > 0;
    free(file);
    return shallow;
}

/* Fetch all refs, with the source's HEAD or (a source whose HEAD is unborn has none) without. */
static enum tide_rc fetch(const struct tide_repo *r, bool with_head, struct tide_str *complaint,
                          struct tide_error *e)
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
    if (is_shallow(r)) args[n++] = "--unshallow"; /* as deep as the source has become */
    args[n++] = "--";
    args[n++] = r->source;
    args[n++] = "+refs/*:refs/*";
    args[n++] = "^refs/tidemark/*"; /* a source that is a mirror of ours has one of its own */
    if (with_head) args[n++] = r->branch;
    args[n] = NULL;
    return run_git(r, NULL, args, FETCH_DEADLINE_S, NULL, complaint, e);
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
    return describe_git("fetch", complaint, e);
}

/* The source has no commit at its HEAD: HEAD must name none here either, and some other ref must
 * exist. */
static enum tide_rc sync_unborn(const struct tide_repo *r, struct tide_str *complaint,
                                struct tide_error *e)
{
    static const char *const drop[] = {"update-ref", "-d", HEAD_REF, NULL};
    static const char *const refs[] = {"for-each-ref", "--count=1", NULL};
    struct tide_str found = {0};
    tide_str_free(complaint);
    enum tide_rc rc = fetch(r, false, complaint, e);
    if (rc == TIDE_FAILED) rc = describe_fetch(r, complaint, e);
    if (!rc) rc = git(r, drop, NULL, e);
    if (!rc) rc = git(r, refs, &found, e);
    if (!rc && !found.length)
        rc = tide_fail_field(e, "repo", "%s has no commit yet: commit something first", r->source);
    tide_str_free(&found);
    return rc;
}

enum tide_rc tide_repo_sync(struct tide_repo *r, struct tide_error *e)
{
    struct tide_str complaint = {0};
    int lock;
    enum tide_rc rc = lock_mirror(r, &lock, e);
    if (rc) return rc;
    rc = fetch(r, true, &complaint, e);
    if (rc == TIDE_FAILED && complaint.at && strstr(complaint.at, "find remote ref HEAD"))
        rc = sync_unborn(r, &complaint, e);
    else if (rc == TIDE_FAILED)
        rc = describe_fetch(r, &complaint, e);
    if (rc) clear_leftovers(r);
    unlock_mirror(lock);
    tide_str_free(&complaint);
    return rc;
}

static bool is_sha(const char *text)
{
    size_t length = strspn(text, "0123456789abcdef");
    return (length == 40 || length == 64) && text[length] == '\0';
}

/* The hash that `rev` names; ABSENT for none. */
static enum tide_rc find_sha(const struct tide_repo *r, const char *rev, char sha[65],
                             struct tide_error *e)
{
    /* ":/words" seeks a commit by its message and takes all that follows as words. */
    char *peeled = tide_format("%s%s", rev, strncmp(rev, ":/", 2) == 0 ? "" : "^{commit}");
    struct tide_str out = {0};
    if (!peeled) return tide_fail(e, TIDE_NOMEM, "find the commit %s", rev);
    const char *const args[] = {"rev-parse", "--verify", "--end-of-options", peeled, NULL};
    enum tide_rc rc = git(r, args, &out, e);
    if (!rc)
        snprintf(sha, 65, "%.*s", (int)strcspn(out.at ? out.at : "", "\n"), out.at ? out.at : "");
    if (!rc && !is_sha(sha)) rc = tide_fail(e, TIDE_FAILED, "git rev-parse answered out of shape");
    if (rc == TIDE_FAILED) rc = TIDE_ABSENT;
    tide_str_free(&out);
    free(peeled);
    return rc;
}

/* One commit from its four terminated fields at *p, which is moved behind them. */
static enum tide_rc parse_commit(const char **p, const char *end, struct tide_commit *out,
                                 struct tide_error *e)
{
    const char *field[4];
    for (size_t i = 0; i < 4; i++) {
        field[i] = *p;
        const char *stop = memchr(*p, '\0', (size_t)(end - *p));
        if (!stop) return tide_fail(e, TIDE_CORRUPT, "git log answered out of shape");
        *p = stop + 1;
    }
    if (!is_sha(field[0])) return tide_fail(e, TIDE_CORRUPT, "git log answered out of shape");
    memcpy(out->sha, field[0], strlen(field[0]) + 1);
    out->committed_ns = (int64_t)strtoll(field[1], NULL, 10) * 1000000000;
    out->author = tide_utf8_copy(field[2]);
    out->subject = tide_utf8_copy(field[3]);
    if (out->author && out->subject) return TIDE_OK;
    tide_commit_clear(out);
    return tide_fail(e, TIDE_NOMEM, "read a commit");
}

static void free_commits(struct tide_commit *commits, size_t n)
{
    for (size_t i = 0; i < n; i++)
        tide_commit_clear(&commits[i]);
    free(commits);
}

static enum tide_rc parse_commits(const struct tide_str *text, size_t limit,
                                  struct tide_commit **out, size_t *n, struct tide_error *e)
{
    const char *p = text->at, *end = text->at + text->length;
    size_t count = 0, most = 0;
    for (const char *at = p; at < end; at++)
        most += *at == '\0';
    most = most / 4 < limit ? most / 4 : limit;
    struct tide_commit *commits = calloc(most ? most : 1, sizeof *commits);
    if (!commits) return tide_fail(e, TIDE_NOMEM, "list commits");
    for (; count < most; count++) {
        enum tide_rc rc = parse_commit(&p, end, &commits[count], e);
        if (!rc) continue;
        free_commits(commits, count);
        return rc;
    }
    *out = commits;
    *n = count;
    return TIDE_OK;
}

static enum tide_rc refuse_rev(const struct tide_repo *r, const char *rev,
                               const struct tide_error *cause, struct tide_error *e)
{
    const char *hint = strstr(cause->text, "ambiguous") ? ": the short hash is ambiguous"
                       : is_shallow(r) ? ": the clone is shallow, deepen it with `git fetch "
                                         "--unshallow`"
                                       : "";
    return tide_fail_field(e, "commits", "\"%.200s\" names no commit of %s%s", rev, r->source,
                           hint);
}

/* The hash of the commit that `rev` names. */
static enum tide_rc require_sha(const struct tide_repo *r, const char *rev, char sha[65],
                                struct tide_error *e)
{
    struct tide_error cause = {0};
    enum tide_rc rc = check_text(rev, "commits", "the commit's name", e);
    if (rc) return rc;
    rc = find_sha(r, rev, sha, &cause);
    if (rc == TIDE_ABSENT) return refuse_rev(r, rev, &cause, e);
    if (rc && e) *e = cause;
    return rc;
}

/* What git log prints of `which`, NULL-terminated options and revisions. */
static enum tide_rc list_log(const struct tide_repo *r, const char *const *which, const char *path,
                             size_t limit, struct tide_commit **out, size_t *n,
                             struct tide_error *e)
{
    char most[32];
    char **args = NULL;
    struct tide_str text = {0};
    enum tide_rc rc = TIDE_OK;
    *out = NULL;
    *n = 0;
    snprintf(most, sizeof most, "--max-count=%zu", limit < INT_MAX ? limit : INT_MAX);
    const char *const first[] = {"log", "--no-color", "--encoding=UTF-8",
                                 "-z",  "--no-patch", "--format=%H%x00%ct%x00%an%x00%s",
                                 most,  NULL};
    const char *const last[] = {"--", path, NULL};
    if (put_all(&args, first) && put_all(&args, which) && put_all(&args, last))
        rc = git(r, (const char *const *)args, &text, e);
    else
        rc = tide_fail(e, TIDE_NOMEM, "list commits");
    if (!rc) rc = parse_commits(&text, limit, out, n, e);
    tide_str_free(&text);
    tide_build_words_free(args);
    return rc;
}

enum tide_rc tide_repo_list(struct tide_repo *r, const char *rev, const char *path, size_t limit,
                            struct tide_commit **out, size_t *n, struct tide_error *e)
{
    char sha[65];
    *out = NULL;
    *n = 0;
    enum tide_rc rc = require_sha(r, rev, sha, e);
    const char *const which[] = {"--first-parent", sha, NULL};
    return rc ? rc : list_log(r, which, path, limit, out, n, e);
}

enum tide_rc tide_repo_range(struct tide_repo *r, const char *from, const char *to, size_t limit,
                             struct tide_commit **out, size_t *n, struct tide_error *e)
{
    char first[66] = "^", last[65];
    *out = NULL;
    *n = 0;
    enum tide_rc rc = require_sha(r, from, first + 1, e);
    if (!rc) rc = require_sha(r, to, last, e);
    const char *const which[] = {"--first-parent", last, first, NULL};
    return rc ? rc : list_log(r, which, NULL, limit, out, n, e);
}

enum tide_rc tide_repo_tagged(struct tide_repo *r, size_t limit, struct tide_commit **out,
                              size_t *n, struct tide_error *e)
{
    static const char *const which[] = {"--no-walk=sorted", "--tags", NULL};
    return list_log(r, which, NULL, limit, out, n, e);
}

enum tide_rc tide_repo_resolve(struct tide_repo *r, const char *rev, struct tide_commit *out,
                               struct tide_error *e)
{
    struct tide_commit *found;
    size_t n;
    *out = (struct tide_commit){0};
    enum tide_rc rc = tide_repo_list(r, rev, NULL, 1, &found, &n, e);
    if (rc) return rc;
    if (n)
        *out = found[0];
    else
        rc = tide_fail(e, TIDE_CORRUPT, "git log answered nothing for %.200s", rev);
    free(found);
    return rc;
}

void tide_commit_clear(struct tide_commit *c)
{
    free(c->subject);
    free(c->author);
    *c = (struct tide_commit){0};
}

/* The entry of `folder` at the commit, or of all of it, as "MODE TYPE ID\tNAME\0"; ABSENT for none.
 */
static enum tide_rc find_entry(struct tide_repo *r, const char *sha, const char *folder,
                               struct tide_str *out, struct tide_error *e)
{
    const char *const args[] = {"ls-tree", "-d", "-z", "--full-tree", sha, "--", folder, NULL};
    enum tide_rc rc = git(r, args, out, e);
    if (!rc && !out->length)
        rc = tide_fail(e, TIDE_ABSENT, "commit %.12s has no folder %s", sha, folder);
    return rc;
}

static enum tide_rc require_commit(struct tide_repo *r, const char *sha, struct tide_error *e)
{
    char found[65];
    struct tide_error cause = {0};
    if (!is_sha(sha)) return tide_fail_field(e, "commits", "\"%.80s\" is no whole hash", sha);
    enum tide_rc rc = find_sha(r, sha, found, &cause);
    if (rc == TIDE_ABSENT)
        return tide_fail(e, TIDE_ABSENT, "commit %s is not in the mirror of %s", sha, r->source);
    if (rc && e) *e = cause;
    return rc;
}

enum tide_rc tide_repo_tree(struct tide_repo *r, const char *sha, const char *folder, char tree[65],
                            struct tide_error *e)
{
    struct tide_str out = {0};
    enum tide_rc rc = require_commit(r, sha, e);
    if (rc) return rc;
    char *all = tide_format("%s^{tree}", sha);
    if (!all) return tide_fail(e, TIDE_NOMEM, "find a folder");
    const char *const args[] = {"rev-parse", "--verify", all, NULL};
    rc = *folder ? find_entry(r, sha, folder, &out, e) : git(r, args, &out, e);
    if (!rc) {
        out.at[strcspn(out.at, "\t\n")] = '\0';
        const char *space = strrchr(out.at, ' ');
        snprintf(tree, 65, "%s", space ? space + 1 : out.at);
        if (!is_sha(tree)) rc = tide_fail(e, TIDE_CORRUPT, "git ls-tree answered out of shape");
    }
    tide_str_free(&out);
    free(all);
    return rc;
}

enum tide_rc tide_repo_names(struct tide_repo *r, const char *sha, const char *folder,
                             struct tide_str *out, struct tide_error *e)
{
    char tree[65];
    enum tide_rc rc = tide_repo_tree(r, sha, folder, tree, e);
    const char *const args[] = {"ls-tree", "-z", "--name-only", "--full-tree", tree, NULL};
    return rc ? rc : git(r, args, out, e);
}

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
    if (any) rc = git_in(r, worktree, "submodule sync", sync, GIT_DEADLINE_S, NULL, e);
    if (any && !rc) rc = git_in(r, worktree, "submodule update", update, FETCH_DEADLINE_S, NULL, e);
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
    enum tide_rc rc = git_in(r, worktree, args[0], args, GIT_DEADLINE_S, NULL, e);
    const char *const seek[] = {"ls-tree", "--name-only", sha, "--", ".gitmodules", NULL};
    if (!rc) rc = git(r, seek, &found, e);
    if (!rc && found.length) rc = git_in(r, worktree, list[0], list, GIT_DEADLINE_S, NULL, e);
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
    enum tide_rc rc = lock_mirror(r, &lock, e);
    if (rc) return rc;
    rc = git(r, args, NULL, e);
    if (!rc && *part) rc = check_part_out(r, sha, folder, part, e);
    if (!rc) rc = add_submodules(r, folder, part, e);
    unlock_mirror(lock);
    if (rc == TIDE_FAILED && e) e->rc = TIDE_IO;
    return rc == TIDE_FAILED ? TIDE_IO : rc; /* the machine's fault: the commit is there */
}

enum tide_rc tide_repo_checkout(struct tide_repo *r, const char *sha, const char *part,
                                char **folder, struct tide_error *e)
{
    char name[13], tree[65];
    *folder = NULL;
    enum tide_rc rc = *part ? tide_repo_tree(r, sha, part, tree, e) : require_commit(r, sha, e);
    if (rc) return rc;
    snprintf(name, sizeof name, "%.12s", sha);
    rc = tide_scratch_make(r->trees, name, folder, e);
    if (!rc) rc = add_worktree(r, sha, part, *folder, e);
    if (rc) tide_repo_release(r, folder);
    return rc;
}

void tide_repo_release(struct tide_repo *r, char **folder)
{
    static const char *const prune[] = {"worktree", "prune", "--expire=now", NULL};
    struct tide_repo unstoppable = *r; /* tidying is what a stop waits for */
    int lock;
    if (!*folder) return;
    unstoppable.stop = NULL;
    enum tide_rc rc = tide_file_remove_tree(*folder, NULL);
    if (!lock_mirror(&unstoppable, &lock, NULL)) {
        rc = git(&unstoppable, prune, NULL, NULL);
        unlock_mirror(lock);
    }
    (void)rc; /* what stays is swept when the repository is opened next */
    free(*folder);
    *folder = NULL;
}
