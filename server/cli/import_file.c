/* import_file.c - `tidemark import`: a file as a run. Where a daemon serves the data folder it is
 * asked to do it, since one process alone may write the database; else this one takes the folder's
 * lock. */
#include "base/file.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/config.h"
#include "run/import.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

struct arguments {
    struct tide_common common;
    const char *file;
};

static error_t parse(int key, char *value, struct argp_state *state)
{
    struct arguments *a = state->input;
    switch (key) {
    case ARGP_KEY_ARG:
        if (a->file) argp_error(state, "one file at a time");
        a->file = value;
        return 0;
    case ARGP_KEY_END:
        if (!a->file) argp_error(state, "which file?");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

/* The descriptor that holds the lock of the data folder; -1 and OK when a daemon has it. */
static enum tide_rc lock_data(const char *data, int *lock, struct tide_error *e)
{
    char *path = tide_format("%s/lock", data);
    if (!path) return tide_fail(e, TIDE_NOMEM, "import a file");
    enum tide_rc rc = TIDE_OK;
    *lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (*lock < 0)
        rc = tide_fail_errno(e, "open %s", path);
    else if (flock(*lock, LOCK_EX | LOCK_NB)) {
        close(*lock);
        *lock = -1;
    }
    free(path);
    return rc;
}

static enum tide_rc import_here(const char *data, const char *name, const void *bytes, size_t n,
                                int64_t *run, struct tide_error *e)
{
    struct tide_store *store = NULL;
    struct tide_feed *feed = tide_feed_new();
    char *path = tide_format("%s/tidemark.db", data);
    enum tide_rc rc =
        feed && path ? tide_store_open(path, &store, e) : tide_fail(e, TIDE_NOMEM, "import a file");
    if (!rc) rc = tide_import(store, feed, name, bytes, n, run, e);
    tide_store_close(store);
    tide_feed_free(feed);
    free(path);
    return rc;
}

static enum tide_rc import_there(const char *data, const char *name, const void *bytes, size_t n,
                                 int64_t *run, struct tide_error *e)
{
    struct tide_str target = {0};
    json_t *answer = NULL;
    const char *last = strrchr(name, '/');
    tide_str_put(&target, "/api/v1/imports?name=");
    tide_client_escape(&target, last ? last + 1 : name);
    enum tide_rc rc = target.failed ? tide_fail(e, TIDE_NOMEM, "import a file")
                                    : tide_client_post(data, target.at, "application/octet-stream",
                                                       bytes, n, &answer, e);
    *run = json_integer_value(json_object_get(answer, "id"));
    json_decref(answer);
    tide_str_free(&target);
    return rc;
}

static enum tide_rc read_input(const char *path, char **bytes, size_t *n, struct tide_error *e)
{
    struct stat facts;
    if (stat(path, &facts)) return tide_fail_errno(e, "open %s", path);
    if (!S_ISREG(facts.st_mode)) return tide_fail(e, TIDE_INVALID, "%s is not a file", path);
    if (facts.st_size > (off_t)TIDE_IMPORT_MAX)
        return tide_fail(e, TIDE_INVALID, "%s is larger than %u MiB", path, TIDE_IMPORT_MAX >> 20);
    return tide_file_read(path, TIDE_IMPORT_MAX, bytes, n, e);
}

static void tell(const struct arguments *a, int64_t run)
{
    if (a->common.json)
        printf("{\"id\": %lld}\n", (long long)run);
    else
        printf("%lld\n", (long long)run);
}

static int run(const struct tide_cli *c, int argc, char **argv)
{
    struct arguments a = {0};
    struct tide_config config = {0};
    struct tide_error e;
    char *bytes = NULL;
    size_t n = 0;
    int64_t id = 0;
    int lock = -1;
    tide_cli_parse(c, argc, argv, &a.common, &a);
    umask(0077); /* a data folder made here is this user's alone, as the daemon's is */
    enum tide_rc rc = read_input(a.file, &bytes, &n, &e);
    if (!rc) rc = tide_config_settle(a.common.data, NULL, NULL, &config, &e);
    if (!rc) rc = lock_data(config.places.data, &lock, &e);
    if (!rc)
        rc = (lock < 0 ? import_there : import_here)(config.places.data, a.file, bytes, n, &id, &e);
    if (rc)
        fprintf(stderr, "%s: %s: %s\n", c->title, a.file, e.text);
    else
        tell(&a, id);
    if (lock >= 0) close(lock);
    tide_config_clear(&config);
    free(bytes);
    if (!rc) return TIDE_EXIT_FINE;
    return rc == TIDE_INVALID ? TIDE_EXIT_USAGE : TIDE_EXIT_FAILED;
}

const struct tide_cli tide_command_import = {
    .title = "tidemark import",
    .summary = "read a run from a file: tide, cPyMemTrace, mprof or psrecord",
    .arguments = "FILE",
    .about =
        "Read a run from a file and print its number. Which format it has is told from its "
        "content: a tide stream, a cPyMemTrace log, memory_profiler's mprof .dat or a psrecord "
        "log.",
    .notes =
        "The run is like any other, marked as imported. A file of more than 64 MiB is refused.",
    .takes = TIDE_TAKES_DATA | TIDE_MAKES_DATA | TIDE_TAKES_JSON,
    .parse = parse,
    .examples =
        (const struct tide_example[]){
            {"tidemark import run12.tide", NULL},
            {"mprof run ./program.py && tidemark import mprofile_*.dat", NULL},
            {0}},
    .run = run,
};
