/* toolchain.c - see toolchain.h.
 *
 * Work goes on in CACHE/tmp and is renamed into place when it has ended, so a name in CACHE/builds
 * or CACHE/workers never stands for half a build. */
#include "build/toolchain.h"

#include "base/file.h"
#include "base/str.h"
#include "build/command.h"
#include "build/scratch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum tide_rc tide_toolchain_need(const char *program, const char *package, struct tide_error *e)
{
    char *path = tide_build_which(program);
    free(path);
    return path ? TIDE_OK
                : tide_fail(e, TIDE_ABSENT, "%s is not installed: `apt-get install %s`", program,
                            package);
}

enum tide_rc tide_toolchain_compiler(const atomic_bool *stop, char **out, struct tide_error *e)
{
    static const char *const argv[] = {"cc", "--version", NULL};
    static const char *const settings[] = {"LC_ALL=C", "LANGUAGE=C", NULL};
    const struct tide_command c = {
        .argv = argv, .environment = settings, .log = -1, .deadline_s = 30, .stop = stop};
    struct tide_str text = {0};
    *out = NULL;
    enum tide_rc rc = tide_toolchain_need("cc", "build-essential", e);
    if (!rc) rc = tide_build_run(&c, &text, NULL, e);
    if (!rc) {
        *out = strndup(text.at ? text.at : "", text.at ? strcspn(text.at, "\n") : 0);
        if (!*out) rc = tide_fail(e, TIDE_NOMEM, "ask the compiler for its version");
    }
    tide_str_free(&text);
    return rc;
}

enum tide_rc tide_toolchain_folder(const char *folder, bool make, char **out, struct tide_error *e)
{
    *out = NULL;
    enum tide_rc rc = make ? tide_file_make_folder(folder, 0755, e) : TIDE_OK;
    if (rc) return rc;
    *out = realpath(folder, NULL);
    return *out ? TIDE_OK : tide_fail_errno(e, "open folder %s", folder);
}

enum tide_rc tide_bench_open(struct tide_bench *t, const char *cache, const char *key,
                             const atomic_bool *stop, struct tide_error *e)
{
    *t = (struct tide_bench){.hold = -1, .steps = {.log = -1}};
    t->temporary = tide_format("%s/tmp", cache);
    if (!t->temporary) return tide_fail(e, TIDE_NOMEM, "start a build");
    enum tide_rc rc = tide_scratch_hold(t->temporary, &t->hold, e);
    if (!rc) rc = tide_scratch_make(t->temporary, key, &t->folder, e);
    if (rc) return rc;
    t->log = tide_format("%s/log", t->folder);
    if (!t->log) return tide_fail(e, TIDE_NOMEM, "start a build");
    t->steps = (struct tide_steps){.log = -1,
                                   .path = t->log,
                                   .folder = t->folder,
                                   .deadline_s = TIDE_BUILD_DEADLINE_S,
                                   .stop = stop};
    return tide_steps_open(&t->steps, e);
}

static enum tide_rc make_parent(const char *path, struct tide_error *e)
{
    const char *slash = strrchr(path, '/');
    char *parent = strndup(path, slash ? (size_t)(slash - path) : 0);
    enum tide_rc rc = parent ? tide_file_make_folder(parent, 0755, e)
                             : tide_fail(e, TIDE_NOMEM, "make the folder of %s", path);
    free(parent);
    return rc;
}

enum tide_rc tide_bench_keep(struct tide_bench *t, const char *folder, const char *product,
                             struct tide_error *e)
{
    enum tide_rc rc = make_parent(folder, e);
    if (rc || tide_file_exists(product))
        return rc; /* another daemon was first: same key, same build */
    rc = tide_file_remove_tree(folder, e);
    if (rc) return rc;
    tide_steps_close(&t->steps);
    if (rename(t->folder, folder)) return tide_fail_errno(e, "rename %s to %s", t->folder, folder);
    free(t->folder);
    t->folder = NULL;
    return TIDE_OK;
}

void tide_bench_close(struct tide_bench *t)
{
    tide_steps_close(&t->steps);
    /* What cannot be removed now is swept with the rest of CACHE/tmp at a later plan. */
    if (t->folder && tide_file_remove_tree(t->folder, NULL)) {}
    if (t->hold >= 0) close(t->hold);
    free(t->temporary);
    free(t->folder);
    free(t->log);
    *t = (struct tide_bench){.hold = -1, .steps = {.log = -1}};
}
