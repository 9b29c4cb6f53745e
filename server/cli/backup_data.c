/* backup_data.c - `tidemark backup` and `tidemark restore`: the database and what belongs to it, as
 * one file. What can be made again is not in it: builds, workers, mirrors, fetched Pythons. */
#include "store/backup.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/str.h"
#include "cli/commands.h"
#include "cli/config.h"
#include "cli/daemon.h"
#include "cli/terminal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CONFIG     "config.json"
#define TOKEN      "token"
#define SMALL_MAX  (1u << 20) /* of a file that goes with the database */
#define REDRAWN_NS 200000000

struct arguments {
    struct tide_common common;
    const char *file, *config;
    bool force, token;
};

static error_t parse(int key, char *value, struct argp_state *state)
{
    struct arguments *a = state->input;
    switch (key) {
    case 'f': a->force = true; return 0;
    case 't': a->token = true; return 0;
    case 'c': a->config = value; return 0;
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

/* The file that holds the folder's database: --db stands behind a link. In new memory. */
static char *find_database(const char *data)
{
    char there[4096];
    char *path = tide_format("%s/tidemark.db", data);
    ssize_t n = path ? readlink(path, there, sizeof there - 1) : -1;
    if (n < 0) return path;
    free(path);
    return strndup(there, (size_t)n);
}

/* ---- backup ---- */

struct bar {
    int64_t drawn_ns;
    bool open;
};

static void draw(void *context, int done, int all)
{
    struct bar *bar = context;
    int64_t now = tide_clock_monotonic_ns();
    if (!isatty(STDERR_FILENO) || (done < all && now - bar->drawn_ns < REDRAWN_NS)) return;
    fprintf(stderr, "\r\033[K%3d %% of %d pages", all ? (int)(100LL * done / all) : 100, all);
    bar->drawn_ns = now;
    bar->open = true;
}

/* Put the file into the backup under the name; *held tells whether there is one. */
static enum tide_rc put_file(const char *backup, const char *path, const char *name, bool *held,
                             struct tide_error *e)
{
    char *bytes = NULL;
    size_t n = 0;
    *held = path && tide_file_exists(path);
    if (!*held) return TIDE_OK;
    enum tide_rc rc = tide_file_read(path, SMALL_MAX, &bytes, &n, e);
    if (!rc) rc = tide_backup_put(backup, name, bytes, n, e);
    free(bytes);
    return rc;
}

static void tell(const struct arguments *a, const char *verb, const char *path, int64_t version,
                 bool config, bool token)
{
    struct stat facts = {0};
    char size[24];
    stat(path, &facts);
    if (a->common.json) {
        json_t *told =
            json_pack("{s:s, s:I, s:I, s:b, s:b}", "file", path, "bytes", (json_int_t)facts.st_size,
                      "schema", (json_int_t)version, "configuration", config, "token", token);
        tide_print_json(told);
        json_decref(told);
        return;
    }
    printf("%s %s: %s, schema %lld\n  with     the database%s%s\n", verb, path,
           tide_size_text(facts.st_size, size), (long long)version,
           config ? ", the configuration" : "", token ? ", the token" : "");
    printf("  without  %sbuilds, mirrors and fetched Pythons, which are made again\n",
           token ? "" : "the token, ");
}

static enum tide_rc fill(const struct arguments *a, const char *data, const char *part,
                         struct tide_error *e)
{
    char *database = find_database(data), *config = NULL, *token = NULL;
    bool has_config = false, has_token = false;
    int64_t version = 0;
    struct bar bar = {0};
    config = a->config ? strdup(a->config) : tide_config_file();
    token = a->token ? tide_format("%s/token", data) : NULL;
    enum tide_rc rc = database && config ? TIDE_OK : tide_fail(e, TIDE_NOMEM, "make a backup");
    if (!rc) rc = tide_backup_copy(database, part, draw, &bar, e);
    if (bar.open) fputs("\r\033[K", stderr);
    if (!rc) rc = put_file(part, config, CONFIG, &has_config, e);
    if (!rc) rc = put_file(part, token, TOKEN, &has_token, e);
    if (!rc) rc = tide_backup_check(part, &version, e);
    if (!rc && rename(part, a->file)) rc = tide_fail_errno(e, "rename %s to %s", part, a->file);
    if (!rc) tell(a, "Wrote", a->file, version, has_config, has_token);
    free(database);
    free(config);
    free(token);
    return rc;
}

static enum tide_rc back_up(const struct arguments *a, const char *data, struct tide_error *e)
{
    if (tide_file_exists(a->file) && !a->force)
        return tide_fail(e, TIDE_INVALID, "%s is there already: --force replaces it", a->file);
    char *part = tide_format("%s.part", a->file);
    if (!part) return tide_fail(e, TIDE_NOMEM, "make a backup");
    unlink(part); /* of one that was killed */
    enum tide_rc rc = fill(a, data, part, e);
    if (rc) unlink(part);
    free(part);
    return rc;
}

/* ---- restore ---- */

/* Write what stands in the backup under `name` to `path`, unless that is there and not to be
 * replaced. *written tells. */
static enum tide_rc take_file(const char *backup, const char *name, const char *path, mode_t mode,
                              bool replace, bool *written, struct tide_error *e)
{
    char *bytes = NULL, *folder = strdup(path);
    size_t n = 0;
    enum tide_rc rc = folder ? tide_backup_take(backup, name, &bytes, &n, e)
                             : tide_fail(e, TIDE_NOMEM, "restore %s", name);
    *written = bytes && (replace || !tide_file_exists(path));
    if (!rc && bytes && !*written)
        fprintf(stderr, "The configuration in the backup was left out: %s is there.\n", path);
    if (!rc && *written) {
        *strrchr(folder, '/') = '\0';
        rc = tide_file_make_folder(folder, 0700, e);
        if (!rc) rc = tide_file_replace(path, bytes, n, mode, e);
    }
    free(bytes);
    free(folder);
    return rc;
}

/* Put the new file into the place of the database, whose WAL would not fit it. */
static enum tide_rc swap(const char *fresh, const char *database, struct tide_error *e)
{
    struct tide_error damaged;
    if (tide_file_exists(database) && tide_backup_settle(database, &damaged)) {
        char *wal = tide_format("%s-wal", database), *shm = tide_format("%s-shm", database);
        if (wal) unlink(wal);
        if (shm) unlink(shm);
        free(wal);
        free(shm);
    }
    return rename(fresh, database) ? tide_fail_errno(e, "rename %s to %s", fresh, database)
                                   : TIDE_OK;
}

static enum tide_rc put_back(const struct arguments *a, const char *data, const char *database,
                             const char *fresh, struct tide_error *e)
{
    bool config = false, token = false;
    int64_t version = 0;
    char *config_path = a->config ? strdup(a->config) : tide_config_file();
    char *token_path = tide_format("%s/token", data);
    enum tide_rc rc =
        config_path && token_path ? TIDE_OK : tide_fail(e, TIDE_NOMEM, "restore a backup");
    unlink(fresh); /* of one that was killed */
    if (!rc) rc = tide_backup_copy(a->file, fresh, NULL, NULL, e);
    if (!rc) rc = tide_backup_strip(fresh, e);
    if (!rc) rc = tide_backup_check(fresh, &version, e);
    if (!rc) rc = swap(fresh, database, e);
    if (rc) unlink(fresh);
    if (!rc) rc = take_file(a->file, CONFIG, config_path, 0600, false, &config, e);
    if (!rc) rc = take_file(a->file, TOKEN, token_path, 0600, true, &token, e);
    if (!rc) tell(a, "Restored", database, version, config, token);
    free(config_path);
    free(token_path);
    return rc;
}

static enum tide_rc restore_locked(const struct arguments *a, const char *data,
                                   struct tide_error *e)
{
    char *database = find_database(data);
    char *fresh = database ? tide_format("%s.restored", database) : NULL;
    enum tide_rc rc = fresh ? TIDE_OK : tide_fail(e, TIDE_NOMEM, "restore a backup");
    if (!rc && tide_file_exists(database) && !a->force)
        rc = tide_fail(e, TIDE_INVALID,
                       "%s is there already: --force replaces it (tidemark backup keeps it first)",
                       database);
    if (!rc) rc = put_back(a, data, database, fresh, e);
    free(fresh);
    free(database);
    return rc;
}

static enum tide_rc restore(const struct arguments *a, const char *data, struct tide_error *e)
{
    int lock = -1;
    umask(0077);
    enum tide_rc rc = tide_backup_check(a->file, NULL, e);
    if (!rc) rc = tide_file_make_folder(data, 0700, e);
    if (!rc) rc = tide_daemon_lock(data, &lock, e);
    if (rc == TIDE_BUSY) tide_fail(e, rc, "a daemon serves %s: stop it first", data);
    if (!rc) rc = restore_locked(a, data, e);
    if (lock >= 0) close(lock);
    return rc;
}

/* ---- the commands ---- */

typedef enum tide_rc act_fn(const struct arguments *a, const char *data, struct tide_error *e);

static int carry_out(const struct tide_cli *c, int argc, char **argv, act_fn *act)
{
    struct arguments a = {0};
    struct tide_error e;
    tide_cli_parse(c, argc, argv, &a.common, &a);
    char *data = tide_config_data(a.common.data);
    enum tide_rc rc = data ? act(&a, data, &e) : tide_fail(&e, TIDE_NOMEM, "find the data folder");
    free(data);
    return tide_cli_end(c, rc, &e);
}

static int run_backup(const struct tide_cli *c, int argc, char **argv)
{
    return carry_out(c, argc, argv, back_up);
}

static int run_restore(const struct tide_cli *c, int argc, char **argv)
{
    return carry_out(c, argc, argv, restore);
}

static const struct argp_option backup_options[] = {
    {"force", 'f', 0, 0, "Replace FILE", 0},
    {"with-token", 't', 0, 0, "Put the token in too: who has the file can start work then", 0},
    {"config", 'c', "FILE", 0, "Configuration that goes in (default: the one that `serve` reads)",
     0},
    {0},
};
static const struct argp_option restore_options[] = {
    {"force", 'f', 0, 0, "Replace the database that is there", 0},
    {"config", 'c', "FILE", 0,
     "Where the configuration is written, if none is there (default: where `serve` reads it)", 0},
    {0},
};

const struct tide_cli tide_command_backup = {
    .title = "tidemark backup",
    .summary = "write everything that was measured to one file",
    .arguments = "FILE",
    .about =
        "Write the database and the configuration to one file, as of one instant, also while a "
        "daemon is at work. The copy is checked whole before it gets its name.",
    .notes =
        "It is a SQLite database itself. Not in it: the token (unless --with-token), builds and "
        "workers, mirrors of repositories, fetched Pythons; what can be made again is.",
    .options = backup_options,
    .takes = TIDE_TAKES_DATA | TIDE_TAKES_JSON,
    .parse = parse,
    .examples = (const struct tide_example[]){{"tidemark backup tidemark-$(date +%F).backup", NULL},
                                              {"tidemark backup --force /mnt/backup/tidemark",
                                               "In place of the last one, which stays until then"},
                                              {0}},
    .run = run_backup,
};

const struct tide_cli tide_command_restore = {
    .title = "tidemark restore",
    .summary = "put a backup back",
    .arguments = "FILE",
    .about =
        "Put a backup back into a data folder that no daemon serves. Its version and every page of "
        "it are checked first; the database changes in one step or not at all.",
    .notes =
        "A database that is there is replaced with --force alone, a configuration never. One of an "
        "older Tidemark is brought up to date when it is served.",
    .options = restore_options,
    .takes = TIDE_TAKES_DATA | TIDE_MAKES_DATA | TIDE_TAKES_JSON,
    .parse = parse,
    .examples =
        (const struct tide_example[]){
            {"tidemark restore tidemark-2026-11-25.backup", NULL},
            {"tidemark restore tidemark.backup --data /srv/tidemark --force", NULL},
            {"tidemark restore tidemark.backup --db look.db && tidemark runs --db look.db",
             "Look into one without touching the daemon's"},
            {0}},
    .run = run_restore,
};
