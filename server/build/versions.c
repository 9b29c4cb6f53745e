/* versions.c - a folder of released versions, made into the commits of a mirror; see repo.h.
 *
 * The work is versions.py's, embedded beside the schema: it reads sdists, folders and wheels and
 * hands them to `git fast-import`, so that nothing is unpacked to a disk. The mirror's HEAD is the
 * newest version, each version is a tag, and TIDE_REPO_BESIDE is what else stands in the folder. */
#include "build/mirror.h"

#include "build/command.h"

#include <stdlib.h>
#include <string.h>

extern const char tide_versions_py[];

static bool put_words(const struct tide_repo *r, const char *state, char ***words)
{
    static const char *const import[] = {"fast-import", "--quiet", "--force", "--done", NULL};
    const char *const script[] = {"python3",        "-I",      "-B",  "-c",
                                  tide_versions_py, r->source, state, NULL};
    return tide_git_put_all(words, script) && tide_git_put_command(r, NULL, import, words);
}

static enum tide_rc import(const struct tide_repo *r, struct tide_error *e)
{
    char **words = NULL, *state = tide_format("%s/versions.json", r->mirror);
    struct tide_str complaint = {0};
    bool put = state && put_words(r, state, &words);
    const struct tide_command c = {.argv = (const char *const *)words,
                                   .folder = "/",
                                   .environment = tide_git_settings,
                                   .log = -1,
                                   .deadline_s = TIDE_FETCH_DEADLINE_S,
                                   .stop = r->stop};
    enum tide_rc rc = put ? tide_build_run(&c, NULL, &complaint, e)
                          : tide_fail(e, TIDE_NOMEM, "read the versions");
    char *line = complaint.at ? tide_git_complaint(complaint.at) : NULL;
    if (rc == TIDE_FAILED && line) rc = tide_fail_field(e, "versions", "%.600s", line);
    free(line);
    free(state);
    tide_str_free(&complaint);
    tide_build_words_free(words);
    return rc;
}

enum tide_rc tide_mirror_import(const struct tide_repo *r, struct tide_error *e)
{
    char *python = tide_build_which("python3");
    int lock;
    free(python);
    if (!python)
        return tide_fail(e, TIDE_ABSENT, "python3 is not installed: `apt-get install python3`");
    enum tide_rc rc = tide_mirror_lock(r, &lock, e);
    if (rc) return rc;
    rc = import(r, e);
    if (rc) tide_mirror_clear_leftovers(r);
    tide_mirror_unlock(lock);
    return rc;
}
