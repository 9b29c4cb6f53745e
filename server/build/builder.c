/* builder.c - see builder.h.
 *
 * A build is known by its key and made on a bench: CACHE/tmp/KEY.XXXXXX holds
 *
 *   log      all that the steps said
 *   source   a link to the worktree: the paths that the compiler sees are the same below the folder
 *            for every commit, so ccache knows a source again that did not change between two
 *            commits
 *   prefix   what the recipe (build/follow.h) leaves, beside folders of its own
 *
 * and is renamed to CACHE/builds/KEY at the end, with log and prefix alone. Of a commit that does
 * not build only the log is kept there. */
#include "build/builder.h"

#include "base/file.h"
#include "build/command.h"
#include "build/follow.h"
#include "build/scratch.h"
#include "build/toolchain.h"

#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Part of every key: a change of what a recipe does makes other builds. */
#define RECIPES    "recipes 1"
#define LIVE_BLOCK 65536
#define PATHS_DEEP 16 /* folders down to where site-packages is looked for */

struct tide_survey {
    const struct tide_subject *subject;
    const char *const *shas;
    size_t n;
    char (*contents)[65]; /* of the folder that is built, at each commit */
    char *cache, *compiler, *flags, *recipe;
};

static bool names_the_commit(const struct tide_recipe *r)
{
    for (char **line = r->commands; line && *line; line++)
        if (strstr(*line, "{commit}")) return true;
    return false;
}

/* What the recipe is given beside what every build has; shown, and part of the key. */
static char *describe_flags(const struct tide_recipe *r)
{
    struct tide_str s = {0};
    tide_str_put(&s, tide_follow_defaults(r->kind));
    for (char **flag = r->flags; flag && *flag; flag++) {
        if (s.length) tide_str_put(&s, " ");
        tide_steps_quote(&s, *flag);
    }
    return tide_str_take(&s);
}

static enum tide_rc sweep(const char *cache, struct tide_error *e)
{
    char *temporary = tide_format("%s/tmp", cache);
    enum tide_rc rc =
        temporary ? tide_scratch_sweep(temporary, e) : tide_fail(e, TIDE_NOMEM, "plan a build");
    free(temporary);
    return rc;
}

/* What goes in: the content of the folder that is built. Where there is none the build fails, and
 * says so, for each commit. */
static enum tide_rc find_contents(struct tide_survey *s, struct tide_error *e)
{
    const struct tide_recipe *r = s->subject->recipe;
    enum tide_rc rc = TIDE_OK;
    if (!names_the_commit(r))
        rc = tide_repo_trees(s->subject->repo, s->shas, s->n, r->folder, s->contents, e);
    for (size_t i = 0; i < s->n && !rc; i++)
        if (!*s->contents[i]) snprintf(s->contents[i], 65, "%s", s->shas[i]);
    return rc;
}

enum tide_rc tide_survey_make(const struct tide_builder *b, const struct tide_subject *subject,
                              const char *const *shas, size_t n, struct tide_survey **out,
                              struct tide_error *e)
{
    struct tide_survey *s = calloc(1, sizeof *s);
    *out = NULL;
    if (!s) return tide_fail(e, TIDE_NOMEM, "plan a build");
    *s = (struct tide_survey){.subject = subject, .shas = shas, .n = n};
    s->contents = calloc(n + 1, sizeof *s->contents);
    s->flags = describe_flags(subject->recipe);
    s->recipe = tide_recipe_text(subject->recipe);
    bool made = s->contents && s->flags && s->recipe;
    enum tide_rc rc = made ? tide_toolchain_folder(b->cache, true, &s->cache, e)
                           : tide_fail(e, TIDE_NOMEM, "plan a build");
    if (!rc) rc = sweep(s->cache, e);
    if (!rc) rc = tide_toolchain_compiler(b->stop, &s->compiler, e);
    if (!rc) rc = find_contents(s, e);
    if (rc)
        tide_survey_free(s);
    else
        *out = s;
    return rc;
}

void tide_survey_free(struct tide_survey *s)
{
    if (!s) return;
    free(s->contents);
    free(s->cache);
    free(s->compiler);
    free(s->flags);
    free(s->recipe);
    free(s);
}

static enum tide_rc make_key(const struct tide_survey *s, size_t i,
                             const struct tide_python *python, char key[TIDE_HASH_TEXT],
                             struct tide_error *e)
{
    struct tide_str text = {0};
    tide_str_printf(&text, "%s\n%lld\n%s\n%s\n%s\n%s\n%s\n", RECIPES,
                    (long long)s->subject->project, s->contents[i], s->recipe, python->identity,
                    s->flags, s->compiler);
    bool failed = text.failed;
    if (!failed) tide_hash_text(text.at, text.length, key);
    tide_str_free(&text);
    return failed ? tide_fail(e, TIDE_NOMEM, "plan a build") : TIDE_OK;
}

static enum tide_rc refuse_unusable(const struct tide_python *python, struct tide_error *e)
{
    return python->reason ? tide_fail_field(e, "pythons", "%s cannot be used: %s", python->name,
                                            python->reason)
                          : TIDE_OK;
}

enum tide_rc tide_survey_plan(const struct tide_survey *s, size_t i,
                              const struct tide_python *python, struct tide_build *out,
                              struct tide_error *e)
{
    *out = (struct tide_build){0};
    enum tide_rc rc = refuse_unusable(python, e);
    if (!rc) rc = make_key(s, i, python, out->key, e);
    if (rc) return rc;
    out->flags = strdup(s->flags);
    out->compiler = strdup(s->compiler);
    out->folder = tide_format("%s/builds/%s", s->cache, out->key);
    out->prefix = tide_format("%s/builds/%s/prefix", s->cache, out->key);
    out->log = tide_format("%s/builds/%s/log", s->cache, out->key);
    if (!out->flags || !out->compiler || !out->folder || !out->prefix || !out->log) {
        tide_build_clear(out);
        return tide_fail(e, TIDE_NOMEM, "plan a build");
    }
    out->cached = tide_file_exists(out->prefix);
    return TIDE_OK;
}

enum tide_rc tide_builder_plan(const struct tide_builder *b, const struct tide_subject *subject,
                               const struct tide_python *python, struct tide_build *out,
                               struct tide_error *e)
{
    struct tide_survey *s = NULL;
    *out = (struct tide_build){0};
    enum tide_rc rc = refuse_unusable(python, e);
    if (!rc) rc = tide_survey_make(b, subject, &subject->sha, 1, &s, e);
    if (!rc) rc = tide_survey_plan(s, 0, python, out, e);
    tide_survey_free(s);
    return rc;
}

void tide_build_clear(struct tide_build *b)
{
    free(b->flags);
    free(b->compiler);
    free(b->folder);
    free(b->prefix);
    free(b->log);
    free(b->steps);
    *b = (struct tide_build){0};
}

/* Remove from the bench all but the log and, where it is kept, the prefix. */
static enum tide_rc trim(const char *folder, bool prefix, struct tide_error *e)
{
    enum tide_rc rc = TIDE_OK;
    DIR *d = opendir(folder);
    if (!d) return tide_fail_errno(e, "open folder %s", folder);
    for (struct dirent *entry; !rc && (entry = readdir(d));) {
        const char *name = entry->d_name;
        if (!strcmp(name, ".") || !strcmp(name, "..") || !strcmp(name, "log")) continue;
        if (prefix && !strcmp(name, "prefix")) continue;
        char *path = tide_format("%s/%s", folder, name);
        rc = path ? tide_file_remove_tree(path, e) : tide_fail(e, TIDE_NOMEM, "keep a build");
        free(path);
    }
    closedir(d);
    return rc;
}

/* That the commit holds what its recipe builds. */
static enum tide_rc check_source(const struct tide_steps *steps, const struct tide_subject *subject,
                                 const char *worktree, struct tide_error *e)
{
    static const char *const needed[TIDE_RECIPE_KINDS] = {
        [TIDE_RECIPE_CMAKE] = "CMakeLists.txt", [TIDE_RECIPE_SETUP_PY] = "setup.py"};
    const char *name = needed[subject->recipe->kind], *folder = subject->recipe->folder;
    const char *slash = *folder && name ? "/" : "";
    if (!name) name = "";
    char *file = tide_format("%s/%s%s%s", worktree, folder, slash, name);
    if (!file) return tide_fail(e, TIDE_NOMEM, "build an extension");
    bool there = tide_file_exists(file);
    free(file);
    if (there) return TIDE_OK;
    tide_steps_note(steps, "error: commit %s has no %s%s%s to build", subject->sha, folder, slash,
                    name);
    return tide_fail(e, TIDE_FAILED, "commit %.12s has no %s%s%s to build", subject->sha, folder,
                     slash, name);
}

/* A recipe that ran well and left nothing is one that does not fit. */
static enum tide_rc check_prefix(const struct tide_bench *bench, struct tide_error *e)
{
    char *prefix = tide_format("%s/prefix", bench->folder);
    if (!prefix) return tide_fail(e, TIDE_NOMEM, "keep a build");
    bool empty = !tide_file_exists(prefix) || !rmdir(prefix);
    free(prefix);
    if (!empty) return TIDE_OK;
    tide_steps_note(&bench->steps, "error: the recipe left nothing in the prefix");
    return tide_fail(e, TIDE_FAILED, "the recipe left nothing in the prefix");
}

/* The worktree, or for a folder that the commit does not have an empty one. */
static enum tide_rc check_out(const struct tide_steps *steps, const struct tide_subject *subject,
                              char **worktree, struct tide_error *e)
{
    const char *part = subject->recipe->folder;
    char tree[65];
    tide_steps_note(steps, "$ git worktree add --detach source %s", subject->sha);
    if (*part && tide_repo_tree(subject->repo, subject->sha, part, tree, NULL) == TIDE_ABSENT)
        part = ""; /* a commit without it is checked out whole, and found wanting */
    return tide_repo_checkout(subject->repo, subject->sha, part, worktree, e);
}

/* Check out and follow the recipe on the bench. The worktree is gone when it returns. */
static enum tide_rc build(struct tide_bench *bench, const struct tide_subject *subject,
                          const struct tide_python *python, const struct tide_build *plan,
                          struct tide_error *e)
{
    char *worktree = NULL;
    char *link = tide_format("%s/source", bench->folder);
    const struct tide_work work = {&bench->steps, subject->recipe, python,    subject->sha,
                                   bench->folder, plan->prefix,    plan->cpus};
    enum tide_rc rc;
    if (!link) return tide_fail(e, TIDE_NOMEM, "build an extension");
    tide_steps_note(&bench->steps, "# commit %s for CPython %s (%s), %s", subject->sha,
                    python->version, python->program, plan->compiler);
    rc = check_out(&bench->steps, subject, &worktree, e);
    if (rc) goto out;
    assert(worktree); /* what a checkout that went well gives */
    if (symlink(worktree, link)) {
        rc = tide_fail_errno(e, "link %s to %s", link, worktree);
        goto out;
    }
    rc = check_source(&bench->steps, subject, worktree, e);
    if (!rc) rc = tide_follow(&work, e);
    if (!rc) rc = check_prefix(bench, e);
out:
    tide_repo_release(subject->repo, &worktree);
    free(link);
    return rc;
}

/* Of a commit that does not build the log stays. Returns FAILED with *e as it is, or why even that
 * went wrong. */
static enum tide_rc keep_failure(struct tide_bench *bench, const struct tide_build *plan,
                                 struct tide_error *e)
{
    struct tide_error trouble = {0};
    enum tide_rc rc = trim(bench->folder, false, &trouble);
    if (!rc) rc = tide_bench_keep(bench, plan->folder, plan->prefix, &trouble);
    if (!rc) return TIDE_FAILED;
    if (e) *e = trouble;
    return rc;
}

enum tide_rc tide_builder_make(const struct tide_builder *b, const struct tide_subject *subject,
                               const struct tide_python *python, struct tide_build *plan,
                               struct tide_error *e)
{
    struct tide_bench bench;
    char *cache = NULL;
    if (plan->cached) return TIDE_OK;
    enum tide_rc rc = tide_follow_need(subject->recipe, e);
    if (!rc) rc = tide_toolchain_folder(b->cache, true, &cache, e);
    if (rc) return rc;
    rc = tide_bench_open(&bench, cache, plan->key, b->stop, e);
    if (!rc) rc = build(&bench, subject, python, plan, e);
    if (bench.steps.done) plan->steps = json_dumps(bench.steps.done, JSON_COMPACT);
    if (rc == TIDE_FAILED) {
        rc = keep_failure(&bench, plan, e);
    } else if (!rc) {
        rc = trim(bench.folder, true, e);
        if (!rc) rc = tide_bench_keep(&bench, plan->folder, plan->prefix, e);
    }
    tide_bench_close(&bench);
    free(cache);
    return rc;
}

/* ---- what is made of it ---- */

static bool is_site(const char *name)
{
    return !strcmp(name, "site-packages") || !strcmp(name, "dist-packages");
}

/* Append every site-packages below the folder. */
static enum tide_rc find_sites(const char *folder, int deep, char ***out, struct tide_error *e)
{
    enum tide_rc rc = TIDE_OK;
    struct stat facts;
    DIR *d = opendir(folder);
    if (!d) return tide_fail_errno(e, "open folder %s", folder);
    for (struct dirent *entry; !rc && (entry = readdir(d));) {
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
        char *path = tide_format("%s/%s", folder, entry->d_name);
        if (!path) rc = tide_fail(e, TIDE_NOMEM, "find what a build made");
        if (!rc && !lstat(path, &facts) && S_ISDIR(facts.st_mode)) {
            if (is_site(entry->d_name) && !tide_build_words_put(out, path))
                rc = tide_fail(e, TIDE_NOMEM, "find what a build made");
            else if (!is_site(entry->d_name) && deep > 1)
                rc = find_sites(path, deep - 1, out, e);
        }
        free(path);
    }
    closedir(d);
    return rc;
}

enum tide_rc tide_build_paths(const struct tide_build *b, char ***out, struct tide_error *e)
{
    *out = NULL;
    enum tide_rc rc = find_sites(b->prefix, PATHS_DEEP, out, e);
    if (!rc && !tide_build_words_put(out, b->prefix))
        rc = tide_fail(e, TIDE_NOMEM, "find what a build made");
    if (!rc) return TIDE_OK;
    tide_build_words_free(*out);
    *out = NULL;
    return rc;
}

static enum tide_rc read_from(const char *path, size_t from, struct tide_str *out,
                              struct tide_error *e)
{
    char block[LIVE_BLOCK];
    ssize_t n = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return tide_fail(e, TIDE_ABSENT, "the build has ended");
    while (!out->failed && (n = pread(fd, block, sizeof block, (off_t)from)) > 0) {
        tide_str_add(out, block, (size_t)n);
        from += (size_t)n;
    }
    close(fd);
    return n < 0 ? tide_fail_errno(e, "read %s", path) : TIDE_OK;
}

enum tide_rc tide_builder_live_log(const char *cache, const char *key, size_t from,
                                   struct tide_str *out, struct tide_error *e)
{
    glob_t found = {0};
    char *pattern = tide_format("%s/tmp/%s.*/log", cache, key);
    if (!pattern) return tide_fail(e, TIDE_NOMEM, "follow a build");
    enum tide_rc rc = glob(pattern, 0, NULL, &found)
                          ? tide_fail(e, TIDE_ABSENT, "no build is at work")
                          : read_from(found.gl_pathv[0], from, out, e);
    globfree(&found);
    free(pattern);
    return rc;
}
