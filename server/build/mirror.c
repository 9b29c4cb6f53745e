/* mirror.c - see mirror.h.
 *
 * git is run as a program. What a hook or a shell set for another repository (GIT_DIR and its kin)
 * is taken out of its environment; hooks, background maintenance and prompts are off; replaced
 * objects are seen as they are. A git that was killed leaves lock files behind: they are cleared
 * while we hold the mirror, so no other git of ours can own them. */
#include "build/mirror.h"

#include "base/file.h"
#include "build/command.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define REV_LONGEST 1000

/* What `git rev-parse --local-env-vars` lists, and what would make git ask somebody. */
static const char foreign[] =
    "env -u GIT_DIR -u GIT_WORK_TREE -u GIT_INDEX_FILE -u GIT_PREFIX -u GIT_OBJECT_DIRECTORY "
    "-u GIT_ALTERNATE_OBJECT_DIRECTORIES -u GIT_COMMON_DIR -u GIT_NAMESPACE -u GIT_CONFIG "
    "-u GIT_CONFIG_PARAMETERS -u GIT_CONFIG_COUNT -u GIT_GRAFT_FILE -u GIT_SHALLOW_FILE "
    "-u GIT_REPLACE_REF_BASE -u GIT_IMPLICIT_WORK_TREE -u GIT_INTERNAL_SUPER_PREFIX "
    "-u GIT_QUARANTINE_PATH -u GIT_CEILING_DIRECTORIES -u GIT_DEFAULT_HASH -u GIT_TRACE "
    "-u GIT_ASKPASS -u SSH_ASKPASS git";

const char *const tide_git_settings[] = {"GIT_TERMINAL_PROMPT=0",
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

bool tide_git_put_all(char ***words, const char *const *more)
{
    for (; *more; more++)
        if (!tide_build_words_put(words, *more)) return false;
    return true;
}

bool tide_git_put_command(const struct tide_repo *r, const char *worktree, const char *const *args,
                          char ***words)
{
    char *folder = worktree ? NULL : tide_format("--git-dir=%s", r->mirror);
    bool put = tide_build_words_add(words, foreign) &&
               (worktree || (folder && tide_build_words_put(words, folder))) &&
               tide_git_put_all(words, options) && tide_git_put_all(words, args);
    free(folder);
    return put;
}

static enum tide_rc run(const struct tide_repo *r, const char *worktree, const char *const *args,
                        const char *input, int deadline_s, struct tide_str *out,
                        struct tide_str *complaint, struct tide_error *e)
{
    char **argv = NULL;
    if (r->stop && *r->stop) return tide_fail(e, TIDE_STOPPED, "run git: stopped");
    bool put = tide_git_put_command(r, worktree, args, &argv);
    const struct tide_command c = {.argv = (const char *const *)argv,
                                   .folder = worktree ? worktree : "/",
                                   .environment = tide_git_settings,
                                   .input = input,
                                   .log = -1,
                                   .deadline_s = deadline_s,
                                   .stop = r->stop};
    enum tide_rc rc =
        put ? tide_build_run(&c, out, complaint, e) : tide_fail(e, TIDE_NOMEM, "run git");
    tide_build_words_free(argv);
    return rc;
}

enum tide_rc tide_git_run(const struct tide_repo *r, const char *worktree, const char *const *args,
                          int deadline_s, struct tide_str *out, struct tide_str *complaint,
                          struct tide_error *e)
{
    return run(r, worktree, args, NULL, deadline_s, out, complaint, e);
}

char *tide_git_complaint(const char *text)
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

enum tide_rc tide_git_describe(const char *verb, const struct tide_str *complaint,
                               struct tide_error *e)
{
    char *line = tide_git_complaint(complaint->at ? complaint->at : "");
    if (line) tide_fail(e, TIDE_FAILED, "git %s: %s", verb, line);
    free(line);
    return TIDE_FAILED;
}

enum tide_rc tide_git_in(const struct tide_repo *r, const char *worktree, const char *verb,
                         const char *const *args, int deadline_s, struct tide_str *out,
                         struct tide_error *e)
{
    struct tide_str complaint = {0};
    enum tide_rc rc = tide_git_run(r, worktree, args, deadline_s, out, &complaint, e);
    if (rc == TIDE_FAILED) rc = tide_git_describe(verb, &complaint, e);
    tide_str_free(&complaint);
    return rc;
}

enum tide_rc tide_git(const struct tide_repo *r, const char *const *args, struct tide_str *out,
                      struct tide_error *e)
{
    return tide_git_in(r, NULL, args[0], args, TIDE_GIT_DEADLINE_S, out, e);
}

static enum tide_rc write_all(int fd, const struct tide_str *input, struct tide_error *e)
{
    size_t done = 0;
    while (done < input->length) {
        ssize_t n = write(fd, input->at + done, input->length - done);
        if (n < 0) return tide_fail_errno(e, "hand a list to git");
        done += (size_t)n;
    }
    return TIDE_OK;
}

enum tide_rc tide_git_fed(const struct tide_repo *r, const char *const *args,
                          const struct tide_str *input, struct tide_str *out, struct tide_error *e)
{
    char file[40]; /* of the child, which has the descriptor until it becomes git */
    struct tide_str complaint = {0};
    int fd = memfd_create("git", MFD_CLOEXEC);
    if (fd < 0) return tide_fail_errno(e, "hand a list to git");
    snprintf(file, sizeof file, "/proc/self/fd/%d", fd);
    enum tide_rc rc = write_all(fd, input, e);
    if (!rc) rc = run(r, NULL, args, file, TIDE_GIT_DEADLINE_S, out, &complaint, e);
    if (rc == TIDE_FAILED) rc = tide_git_describe(args[0], &complaint, e);
    tide_str_free(&complaint);
    close(fd);
    return rc;
}

enum tide_rc tide_mirror_lock(const struct tide_repo *r, int *lock, struct tide_error *e)
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

void tide_mirror_unlock(int lock)
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

void tide_mirror_clear_leftovers(const struct tide_repo *r)
{
    nftw(r->mirror, clear_leftover, 16, FTW_PHYS);
}

enum tide_rc tide_git_check_text(const char *text, const char *field, const char *what,
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

bool tide_mirror_is_shallow(const struct tide_repo *r)
{
    char *file = tide_format("%s/shallow", r->mirror);
    struct stat facts;
    bool shallow = file && !stat(file, &facts) && facts.st_size > 0;
    free(file);
    return shallow;
}
