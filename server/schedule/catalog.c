/* catalog.c - see catalog.h. Scenarios are described by harness.py, run by the newest usable
 * python. */
#include "schedule/catalog.h"

#include "base/file.h"
#include "base/log.h"
#include "base/process.h"

#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define DESCRIBE_S    30
#define SCENARIO_SIZE (1u << 20)

static enum tide_rc open_project(const struct tide_places *p, struct tide_store *store,
                                 const atomic_bool *stop, struct tide_catalog *c,
                                 struct tide_error *e)
{
    char *mirror = tide_format("%s/repos/%s.git", p->data, TIDE_DEFAULT_PROJECT);
    char *worktrees = tide_format("%s/worktrees", p->data);
    enum tide_rc rc = mirror && worktrees ? TIDE_OK : tide_fail(e, TIDE_NOMEM, "open the project");
    if (!rc) rc = tide_store_put_project(store, TIDE_DEFAULT_PROJECT, p->repo, &c->project, e);
    if (!rc) rc = tide_repo_open(p->repo, mirror, worktrees, stop, &c->repo, e);
    free(mirror);
    free(worktrees);
    return rc;
}

/* 0 while nothing was fetched. */
static int64_t written_ns(const struct tide_places *p)
{
    struct stat facts;
    if (!p->pythons.fetched || stat(p->pythons.fetched, &facts)) return 0;
    return facts.st_mtim.tv_sec * INT64_C(1000000000) + facts.st_mtim.tv_nsec;
}

static enum tide_rc find_pythons(const struct tide_places *p, struct tide_store *store,
                                 const atomic_bool *stop, struct tide_catalog *c,
                                 struct tide_error *e)
{
    c->fetched_ns = written_ns(p); /* first: what is fetched meanwhile is found at the next time */
    enum tide_rc rc = tide_pythons_discover(&p->pythons, stop, &c->pythons, e);
    if (rc) return rc;
    size_t n = c->pythons.n;
    struct tide_python_row *rows = calloc(n + 1, sizeof *rows);
    c->python_ids = calloc(n + 1, sizeof *c->python_ids);
    if (!rows || !c->python_ids) {
        free(rows);
        return tide_fail(e, TIDE_NOMEM, "list the pythons");
    }
    for (size_t i = 0; i < n; i++) {
        const struct tide_python *y = &c->pythons.at[i];
        rows[i] =
            (struct tide_python_row){y->name,      y->version, y->abi,    y->prefix,   y->program,
                                     y->libpython, y->include, y->source, y->identity, y->reason};
    }
    rc = tide_store_put_pythons(store, rows, n, c->python_ids, e);
    free(rows);
    return rc;
}

/* Run `PYTHON harness.py describe FILE...`; *out is a new JSON array. */
static enum tide_rc run_describe(const char *python, const char *harness, const glob_t *files,
                                 const atomic_bool *stop, json_t **out, struct tide_error *e)
{
    struct tide_str answer = {.ceiling = 4u << 20};
    json_error_t wrong;
    const char **argv = calloc(files->gl_pathc + 6, sizeof *argv);
    if (!argv) return tide_fail(e, TIDE_NOMEM, "describe the scenarios");
    size_t n = 0;
    argv[n++] = python;
    argv[n++] = "-IB";
    argv[n++] = harness;
    argv[n++] = "describe";
    for (size_t i = 0; i < files->gl_pathc; i++)
        argv[n++] = files->gl_pathv[i];
    const struct tide_command command = {
        .argv = argv, .log = -1, .deadline_s = DESCRIBE_S, .stop = stop};
    enum tide_rc rc = tide_process_run(&command, &answer, e);
    if (!rc) {
        *out = json_loadb(answer.at ? answer.at : "", answer.length, 0, &wrong);
        if (!json_is_array(*out))
            rc = tide_fail(e, TIDE_FAILED, "the scenarios' description is not a JSON array: %s",
                           wrong.text);
    }
    tide_str_free(&answer);
    free(argv);
    return rc;
}

static enum tide_rc append_file(const char *path, struct tide_str *all, struct tide_error *e)
{
    char *text = NULL;
    size_t n = 0;
    enum tide_rc rc = tide_file_read(path, SCENARIO_SIZE, &text, &n, e);
    if (!rc) tide_str_add(all, text, n);
    free(text);
    return rc;
}

/* The version of a scenario is the hash of its file and of those of its suite that this imports. */
static enum tide_rc hash_sources(const struct tide_scenario *s, char out[TIDE_HASH_TEXT],
                                 struct tide_error *e)
{
    struct tide_str all = {0};
    enum tide_rc rc = append_file(s->file, &all, e);
    json_t *path;
    size_t i;
    json_array_foreach(json_object_get(s->description, "imports"), i, path)
    {
        if (!rc) rc = append_file(json_string_value(path), &all, e);
    }
    if (!rc && all.failed) rc = tide_fail(e, TIDE_NOMEM, "read the scenarios");
    if (!rc) tide_hash_text(all.at, all.length, out);
    tide_str_free(&all);
    return rc;
}

static enum tide_rc add_scenario(struct tide_catalog *c, json_t *found,
                                 struct tide_scenario_row *row, struct tide_error *e)
{
    struct tide_scenario *s = &c->scenarios[c->n_scenarios];
    *s = (struct tide_scenario){
        .name = strdup(json_string_value(json_object_get(found, "name"))),
        .file = strdup(json_string_value(json_object_get(found, "file"))),
        .description = json_incref(found),
    };
    c->n_scenarios++;
    char *version = malloc(TIDE_HASH_TEXT);
    char *text = json_dumps(found, JSON_COMPACT | JSON_SORT_KEYS);
    *row = (struct tide_scenario_row){s->name, version, s->file, text};
    if (!s->name || !s->file || !version || !text)
        return tide_fail(e, TIDE_NOMEM, "list the scenarios");
    return hash_sources(s, version, e);
}

static enum tide_rc keep_scenarios(struct tide_store *store, json_t *described,
                                   struct tide_catalog *c, struct tide_error *e)
{
    size_t n = json_array_size(described), i;
    json_t *found;
    struct tide_scenario_row *rows = calloc(n + 1, sizeof *rows);
    int64_t *ids = calloc(n + 1, sizeof *ids);
    c->scenarios = calloc(n + 1, sizeof *c->scenarios);
    enum tide_rc rc = TIDE_OK;
    if (!rows || !ids || !c->scenarios) {
        free(rows);
        free(ids);
        return tide_fail(e, TIDE_NOMEM, "list the scenarios");
    }
    json_array_foreach(described, i, found)
    {
        if (rc) break;
        if (!json_is_string(json_object_get(found, "name")))
            tide_log(TIDE_LOG_WARN, "schedule", "scenario file %s is left out: %s",
                     json_string_value(json_object_get(found, "file")),
                     json_string_value(json_object_get(found, "error")));
        else
            rc = add_scenario(c, found, &rows[c->n_scenarios], e);
    }
    if (!rc) rc = tide_store_put_scenarios(store, c->project, rows, c->n_scenarios, ids, e);
    for (i = 0; i < c->n_scenarios; i++) {
        c->scenarios[i].id = ids[i];
        free((char *)rows[i].version);
        free((char *)rows[i].description);
    }
    free(rows);
    free(ids);
    return rc;
}

static const struct tide_python *newest_usable(const struct tide_catalog *c)
{
    const struct tide_python *launched = NULL; /* one that may not start by itself */
    for (size_t i = 0; i < c->pythons.n; i++) {
        const struct tide_python *p = &c->pythons.at[i];
        if (!p->reason && !p->launcher) return p;
        if (!p->reason && !launched) launched = p;
    }
    return launched;
}

static enum tide_rc find_scenarios(const struct tide_places *p, struct tide_store *store,
                                   const atomic_bool *stop, struct tide_catalog *c,
                                   struct tide_error *e)
{
    glob_t files = {0};
    json_t *described = NULL;
    enum tide_rc rc = TIDE_OK;
    const struct tide_python *python = newest_usable(c);
    char *pattern = tide_format("%s/scenarios/*.py", p->source);
    char *harness = tide_format("%s/worker/python/harness.py", p->source);
    if (!pattern || !harness) {
        rc = tide_fail(e, TIDE_NOMEM, "list the scenarios");
        goto out;
    }
    if (!python) {
        tide_log(TIDE_LOG_WARN, "schedule", "no usable CPython was found: see `tidemark pythons`");
        goto out;
    }
    if (glob(pattern, 0, NULL, &files)) {
        tide_log(TIDE_LOG_WARN, "schedule", "no scenario matches %s", pattern);
        goto out;
    }
    rc = run_describe(python->program, harness, &files, stop, &described, e);
    if (!rc) rc = keep_scenarios(store, described, c, e);
out:
    json_decref(described);
    globfree(&files);
    free(pattern);
    free(harness);
    return rc;
}

enum tide_rc tide_catalog_discover(const struct tide_places *p, struct tide_store *store,
                                   const atomic_bool *stop, struct tide_catalog *out,
                                   struct tide_error *e)
{
    *out = (struct tide_catalog){0};
    enum tide_rc rc = open_project(p, store, stop, out, e);
    if (!rc) rc = find_pythons(p, store, stop, out, e);
    if (!rc) rc = find_scenarios(p, store, stop, out, e);
    if (rc) tide_catalog_clear(out);
    return rc;
}

bool tide_catalog_is_stale(const struct tide_catalog *c, const struct tide_places *p)
{
    if (written_ns(p) != c->fetched_ns) return true;
    for (size_t i = 0; i < c->pythons.n; i++)
        if (tide_python_check(&c->pythons.at[i], NULL)) return true;
    return false;
}

enum tide_rc tide_catalog_rediscover(const struct tide_places *p, struct tide_store *store,
                                     const atomic_bool *stop, struct tide_catalog *found,
                                     struct tide_error *e)
{
    *found = (struct tide_catalog){0};
    enum tide_rc rc = find_pythons(p, store, stop, found, e);
    if (rc) tide_catalog_clear(found);
    return rc;
}

enum tide_rc tide_catalog_renew(struct tide_catalog *c, struct tide_catalog *found,
                                struct tide_error *e)
{
    struct tide_pythons *grown = realloc(c->retired, (c->n_retired + 1) * sizeof *grown);
    if (!grown) {
        tide_catalog_clear(found);
        return tide_fail(e, TIDE_NOMEM, "look for Pythons anew");
    }
    c->retired = grown;
    c->retired[c->n_retired++] = c->pythons;
    free(c->python_ids);
    c->pythons = found->pythons;
    c->python_ids = found->python_ids;
    c->fetched_ns = found->fetched_ns;
    *found = (struct tide_catalog){0};
    return TIDE_OK;
}

void tide_catalog_clear(struct tide_catalog *c)
{
    tide_repo_close(c->repo);
    for (size_t i = 0; i < c->n_retired; i++)
        tide_pythons_free(&c->retired[i]);
    free(c->retired);
    tide_pythons_free(&c->pythons);
    free(c->python_ids);
    for (size_t i = 0; i < c->n_scenarios; i++) {
        free(c->scenarios[i].name);
        free(c->scenarios[i].file);
        json_decref(c->scenarios[i].description);
    }
    free(c->scenarios);
    *c = (struct tide_catalog){0};
}

const struct tide_scenario *tide_catalog_scenario(const struct tide_catalog *c, const char *name)
{
    for (size_t i = 0; i < c->n_scenarios; i++)
        if (!strcmp(c->scenarios[i].name, name)) return &c->scenarios[i];
    return NULL;
}

const struct tide_python *tide_catalog_python(const struct tide_catalog *c, const char *identity)
{
    for (size_t i = 0; i < c->pythons.n; i++)
        if (!strcmp(c->pythons.at[i].identity, identity)) return &c->pythons.at[i];
    return NULL;
}

enum tide_rc tide_catalog_sync(const struct tide_catalog *c, struct tide_error *e)
{
    enum tide_rc rc = tide_repo_sync(c->repo, e);
    if (rc != TIDE_INVALID) return rc;
    e->rc = TIDE_FAILED;
    *e->field = '\0';
    return TIDE_FAILED;
}

bool tide_catalog_in_trouble(const struct tide_catalog *c, struct tide_error *e)
{
    if (tide_catalog_sync(c, e)) return true;
    if (!newest_usable(c))
        return tide_fail(e, TIDE_FAILED,
                         "no usable CPython was found on this machine: `tidemark pythons` says why "
                         "each one is not");
    return !c->n_scenarios && tide_fail(e, TIDE_FAILED, "no scenario was found");
}
