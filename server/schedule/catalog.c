/* catalog.c - see catalog.h. */
#include "schedule/catalog.h"

#include "base/file.h"
#include "base/log.h"
#include "base/process.h"

#include <glob.h>
#include <stdlib.h>
#include <string.h>

#define DESCRIBE_S    30
#define SCENARIO_SIZE (1u << 20)

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

enum tide_rc tide_catalog_fill(struct tide_catalog *c, struct tide_store *store,
                               struct tide_error *e)
{
    size_t n = json_array_size(c->described), i;
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
    json_array_foreach(c->described, i, found)
    {
        if (!rc && json_is_string(json_object_get(found, "name")))
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

static void log_left_out(const json_t *described)
{
    size_t i;
    json_t *found;
    json_array_foreach((json_t *)described, i, found)
    {
        if (!json_is_string(json_object_get(found, "name")))
            tide_log(TIDE_LOG_WARN, "schedule", "scenario file %s is left out: %s",
                     json_string_value(json_object_get(found, "file")),
                     json_string_value(json_object_get(found, "error")));
    }
}

enum tide_rc tide_catalog_describe(const struct tide_places *p, const struct tide_pythons *pythons,
                                   const char *folder, const atomic_bool *stop, json_t **out,
                                   struct tide_error *e)
{
    glob_t files = {0};
    enum tide_rc rc = TIDE_OK;
    const struct tide_python *python = tide_pythons_newest(pythons);
    char *pattern = tide_format("%s/[!_]*.py", folder);
    char *harness = tide_format("%s/worker/python/harness.py", p->source);
    *out = NULL;
    if (!pattern || !harness) {
        rc = tide_fail(e, TIDE_NOMEM, "list the scenarios");
    } else if (!python) {
        tide_log(TIDE_LOG_WARN, "schedule", "no usable CPython was found: see `tidemark pythons`");
    } else if (glob(pattern, 0, NULL, &files)) {
        tide_log(TIDE_LOG_WARN, "schedule", "no scenario matches %s", pattern);
    } else {
        rc = run_describe(python->program, harness, &files, stop, out, e);
    }
    if (!rc && !*out) *out = json_array();
    if (!rc) log_left_out(*out);
    globfree(&files);
    free(pattern);
    free(harness);
    return rc;
}

struct tide_catalog *tide_catalog_ref(struct tide_catalog *c)
{
    c->references++;
    return c;
}

void tide_catalog_drop(struct tide_catalog *c)
{
    if (!c || --c->references) return;
    tide_repo_close(c->repo);
    tide_project_clear(&c->row);
    tide_recipe_clear(&c->recipe);
    json_decref(c->described);
    for (size_t i = 0; i < c->n_scenarios; i++) {
        free(c->scenarios[i].name);
        free(c->scenarios[i].file);
        json_decref(c->scenarios[i].description);
    }
    free(c->scenarios);
    free(c);
}

const struct tide_scenario *tide_catalog_scenario(const struct tide_catalog *c, const char *name)
{
    for (size_t i = 0; i < c->n_scenarios; i++)
        if (!strcmp(c->scenarios[i].name, name)) return &c->scenarios[i];
    return NULL;
}

struct tide_subject tide_catalog_subject(const struct tide_catalog *c, const char *sha)
{
    return (struct tide_subject){c->project, c->repo, &c->recipe, sha};
}

enum tide_rc tide_catalog_sync(const struct tide_catalog *c, int patience_s, struct tide_error *e)
{
    enum tide_rc rc = tide_repo_sync(c->repo, patience_s, e);
    if (rc != TIDE_INVALID) return rc;
    e->rc = TIDE_FAILED;
    *e->field = '\0';
    return TIDE_FAILED;
}
