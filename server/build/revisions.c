/* revisions.c - from the names of commits to commits, and what a commit holds; see repo.h. */
#include "build/mirror.h"

#include "base/utf8.h"
#include "build/command.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_sha(const char *text)
{
    size_t length = strspn(text, "0123456789abcdef");
    return (length == 40 || length == 64) && text[length] == '\0';
}

/* Whether the first n bytes are a whole hash. */
static bool is_sha_start(const char *text, size_t n)
{
    return (n == 40 || n == 64) && strspn(text, "0123456789abcdef") == n;
}

/* What makes a name mean a commit. ":/words" seeks one by its message and takes all that follows as
 * words. */
static const char *peeling(const char *rev)
{
    return strncmp(rev, ":/", 2) == 0 ? "" : "^{commit}";
}

/* The hash that `rev` names; ABSENT for none. */
static enum tide_rc find_sha(const struct tide_repo *r, const char *rev, char sha[65],
                             struct tide_error *e)
{
    char *peeled = tide_format("%s%s", rev, peeling(rev));
    struct tide_str out = {0};
    if (!peeled) return tide_fail(e, TIDE_NOMEM, "find the commit %s", rev);
    const char *const args[] = {"rev-parse", "--verify", "--end-of-options", peeled, NULL};
    enum tide_rc rc = tide_git(r, args, &out, e);
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
                       : tide_mirror_is_shallow(r)
                           ? ": the clone is shallow, deepen it with `git fetch "
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
    enum tide_rc rc = tide_git_check_text(rev, "commits", "the commit's name", e);
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
    if (tide_git_put_all(&args, first) && tide_git_put_all(&args, which) &&
        tide_git_put_all(&args, last))
        rc = tide_git(r, (const char *const *)args, &text, e);
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

enum tide_rc tide_repo_merge_base(struct tide_repo *r, const char *a, const char *b, char sha[65],
                                  struct tide_error *e)
{
    const char *const args[] = {"merge-base", a, b, NULL};
    struct tide_str out = {0};
    *sha = '\0';
    enum tide_rc rc = tide_git(r, args, &out, e);
    if (!rc)
        snprintf(sha, 65, "%.*s", (int)strcspn(out.at ? out.at : "", "\n"), out.at ? out.at : "");
    tide_str_free(&out);
    if (rc == TIDE_FAILED || (!rc && !*sha))
        return tide_fail(e, TIDE_ABSENT, "%.12s and %.12s have no common ancestor", a, b);
    return rc;
}

enum tide_rc tide_repo_tagged(struct tide_repo *r, size_t limit, struct tide_commit **out,
                              size_t *n, struct tide_error *e)
{
    static const char *const which[] = {"--no-walk=sorted", "--tags", NULL};
    return list_log(r, which, NULL, limit, out, n, e);
}

enum tide_rc tide_repo_tags(struct tide_repo *r, struct tide_str *out, struct tide_error *e)
{
    static const char *const args[] = {
        "for-each-ref",
        "--format=%(if)%(*objectname)%(then)%(*objectname)%(else)%(objectname)%(end) "
        "%(refname:lstrip=2)",
        "refs/tags", NULL};
    return tide_git(r, args, out, e);
}

enum tide_rc tide_repo_branches(struct tide_repo *r, struct tide_str *out, struct tide_error *e)
{
    static const char *const args[] = {
        "for-each-ref", "--sort=-committerdate",
        "--format=%(objectname) %(committerdate:unix) %(refname:lstrip=2)", "refs/heads", NULL};
    return tide_git(r, args, out, e);
}

/* ---- many at once ---- */

/* The hash in the line at *p, "HASH commit SIZE", which is moved behind it; "" where the line tells
 * that there is no such commit. It repeats the name then, which may look like anything. */
static void take_hash(const char **p, char sha[65])
{
    static const char commit[] = " commit ";
    size_t n = strcspn(*p, "\n"), id = strcspn(*p, " \n"), size = id + sizeof commit - 1;
    bool found = size < n && is_sha_start(*p, id) && !strncmp(*p + id, commit, sizeof commit - 1) &&
                 strspn(*p + size, "0123456789") == n - size;
    snprintf(sha, 65, "%.*s", found ? (int)id : 0, *p);
    *p += n + ((*p)[n] == '\n');
}

/* The hashes that the names mean, by one git; "" of those that it knows none for. There are names
 * that it dies of, such as @{1} without a log: those behind one are not answered either. */
static enum tide_rc find_shas(const struct tide_repo *r, const char *const *revs, size_t n,
                              char (*shas)[65], struct tide_error *e)
{
    static const char *const args[] = {"cat-file", "--batch-check", NULL};
    struct tide_str asked = {0}, answer = {0};
    for (size_t i = 0; i < n; i++)
        tide_str_printf(&asked, "%s%s\n", revs[i], peeling(revs[i]));
    enum tide_rc rc = asked.failed ? tide_fail(e, TIDE_NOMEM, "find commits")
                                   : tide_git_fed(r, args, &asked, &answer, e);
    if (rc == TIDE_FAILED) rc = TIDE_OK;
    const char *p = answer.at ? answer.at : "";
    for (size_t i = 0; i < n && !rc; i++)
        take_hash(&p, shas[i]);
    tide_str_free(&asked);
    tide_str_free(&answer);
    return rc;
}

static enum tide_rc copy_commit(const struct tide_commit *from, struct tide_commit *out,
                                struct tide_error *e)
{
    *out = *from;
    out->subject = strdup(from->subject);
    out->author = strdup(from->author);
    if (out->subject && out->author) return TIDE_OK;
    tide_commit_clear(out);
    return tide_fail(e, TIDE_NOMEM, "find commits");
}

/* Git tells of a commit once, however often it is named. */
static enum tide_rc hand_out(const struct tide_commit *found, size_t n_found, char (*shas)[65],
                             size_t n, struct tide_commit *out, struct tide_error *e)
{
    enum tide_rc rc = TIDE_OK;
    for (size_t i = 0; i < n && !rc; i++) {
        size_t k = 0;
        while (k < n_found && strcmp(found[k].sha, shas[i]) != 0)
            k++;
        rc = k < n_found ? copy_commit(&found[k], &out[i], e)
                         : tide_fail(e, TIDE_CORRUPT, "git log answered nothing for %s", shas[i]);
    }
    for (size_t i = 0; i < n && rc; i++)
        tide_commit_clear(&out[i]);
    return rc;
}

static enum tide_rc read_commits(const struct tide_repo *r, char (*shas)[65], size_t n,
                                 struct tide_commit *out, struct tide_error *e)
{
    struct tide_commit *found = NULL;
    size_t n_found = 0;
    const char **which = calloc(n + 2, sizeof *which);
    if (!which) return tide_fail(e, TIDE_NOMEM, "find commits");
    which[0] = "--no-walk=unsorted";
    for (size_t i = 0; i < n; i++)
        which[i + 1] = shas[i];
    enum tide_rc rc = list_log(r, which, NULL, n, &found, &n_found, e);
    if (!rc) rc = hand_out(found, n_found, shas, n, out, e);
    free_commits(found, n_found);
    free(which);
    return rc;
}

enum tide_rc tide_repo_resolve_all(struct tide_repo *r, const char *const *revs, size_t n,
                                   struct tide_commit *out, size_t *bad, struct tide_error *e)
{
    enum tide_rc rc = TIDE_OK;
    char(*shas)[65] = calloc(n + 1, sizeof *shas);
    for (size_t i = 0; i < n; i++)
        out[i] = (struct tide_commit){0};
    *bad = n;
    if (!shas) return tide_fail(e, TIDE_NOMEM, "find commits");
    for (size_t i = 0; i < n && !rc; i++) {
        rc = tide_git_check_text(revs[i], "commits", "the commit's name", e);
        if (rc) *bad = i;
    }
    if (!rc && n) rc = find_shas(r, revs, n, shas, e);
    for (size_t i = 0; i < n && !rc; i++) {
        if (!*shas[i]) rc = require_sha(r, revs[i], shas[i], e); /* which says what is wrong */
        if (rc) *bad = i;
    }
    if (!rc && n) rc = read_commits(r, shas, n, out, e);
    free(shas);
    return rc;
}

enum tide_rc tide_repo_resolve(struct tide_repo *r, const char *rev, struct tide_commit *out,
                               struct tide_error *e)
{
    size_t bad;
    return tide_repo_resolve_all(r, &rev, 1, out, &bad, e);
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
    enum tide_rc rc = tide_git(r, args, out, e);
    if (!rc && !out->length)
        rc = tide_fail(e, TIDE_ABSENT, "commit %.12s has no folder %s", sha, folder);
    return rc;
}

enum tide_rc tide_git_require_commit(struct tide_repo *r, const char *sha, struct tide_error *e)
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
    enum tide_rc rc = tide_git_require_commit(r, sha, e);
    if (rc) return rc;
    char *all = tide_format("%s^{tree}", sha);
    if (!all) return tide_fail(e, TIDE_NOMEM, "find a folder");
    const char *const args[] = {"rev-parse", "--verify", all, NULL};
    rc = *folder ? find_entry(r, sha, folder, &out, e) : tide_git(r, args, &out, e);
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

/* What the line at *p tells, "ID TYPE SIZE" or "NAME missing"; *p is moved behind it. Gives the id
 * of a tree, else "". False for what is missing. */
static bool take_object(const char **p, char tree[65])
{
    size_t n = strcspn(*p, "\n"), id = strcspn(*p, " \n");
    bool there = n > id && is_sha_start(*p, id) && strncmp(*p + id, " missing", n - id) != 0;
    bool is_tree = there && !strncmp(*p + id, " tree ", 6);
    snprintf(tree, 65, "%.*s", is_tree ? (int)id : 0, *p);
    *p += n + ((*p)[n] == '\n');
    return there;
}

/* A folder that is a submodule is no object here: what lists submodules tells that there may be
 * one. */
static enum tide_rc read_trees(struct tide_repo *r, const char *const *shas, size_t n,
                               const char *folder, const char *text, char (*trees)[65],
                               struct tide_error *e)
{
    char list[65];
    for (size_t i = 0; i < n; i++) {
        bool there = take_object(&text, trees[i]), lists = take_object(&text, list);
        enum tide_rc rc =
            !there && lists ? tide_repo_tree(r, shas[i], folder, trees[i], e) : TIDE_OK;
        if (rc == TIDE_ABSENT)
            *trees[i] = '\0';
        else if (rc)
            return rc;
    }
    return TIDE_OK;
}

enum tide_rc tide_repo_trees(struct tide_repo *r, const char *const *shas, size_t n,
                             const char *folder, char (*trees)[65], struct tide_error *e)
{
    static const char *const args[] = {"cat-file", "--batch-check", NULL};
    struct tide_str asked = {0}, answer = {0};
    for (size_t i = 0; i < n; i++) {
        if (!is_sha(shas[i]))
            return tide_fail_field(e, "commits", "\"%.80s\" is no whole hash", shas[i]);
        tide_str_printf(&asked, *folder ? "%s:%s\n" : "%s^{tree}\n", shas[i], folder);
        tide_str_printf(&asked, "%s:.gitmodules\n", shas[i]);
    }
    enum tide_rc rc = asked.failed ? tide_fail(e, TIDE_NOMEM, "find what commits hold") : TIDE_OK;
    if (!rc && n) rc = tide_git_fed(r, args, &asked, &answer, e);
    if (!rc && n) rc = read_trees(r, shas, n, folder, answer.at ? answer.at : "", trees, e);
    tide_str_free(&asked);
    tide_str_free(&answer);
    return rc;
}

enum tide_rc tide_repo_names(struct tide_repo *r, const char *sha, const char *folder,
                             struct tide_str *out, struct tide_error *e)
{
    char tree[65];
    enum tide_rc rc = tide_repo_tree(r, sha, folder, tree, e);
    const char *const args[] = {"ls-tree", "-z", "--name-only", "--full-tree", tree, NULL};
    return rc ? rc : tide_git(r, args, out, e);
}
