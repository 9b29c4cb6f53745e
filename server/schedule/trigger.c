/* trigger.c - see trigger.h. Everything is checked before the first row is written. */
#include "schedule/trigger.h"

#include "run/allocator.h"
#include "schedule/measure.h"
#include "schedule/params.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIST_MAX 1000

struct wish { /* a checked request */
    int64_t *commits;
    size_t *pythons; /* places in the catalog */
    const struct tide_scenario **scenarios;
    char **params; /* of each scenario */
    char *measure;
    size_t n_commits, n_pythons, n_scenarios;
    int samples;
    bool demo;
};

static void wish_clear(struct wish *w)
{
    for (size_t i = 0; w->params && i < w->n_scenarios; i++)
        free(w->params[i]);
    free(w->params);
    free(w->measure);
    free(w->scenarios);
    free(w->commits);
    free(w->pythons);
}

/* Whether the name is one of these; they are appended to `all`. */
static bool is_among(const char *const *names, const char *name, char *all, size_t room)
{
    for (; *names; names++) {
        size_t used = strlen(all);
        if (!strcmp(*names, name)) return true;
        snprintf(all + used, room - used, "%s%s", used ? ", " : "", *names);
    }
    return false;
}

static enum tide_rc refuse_unknown_fields(const json_t *request, struct tide_error *e)
{
    static const char *const known[] = {"project", "commits", "pythons", "scenarios",
                                        "params",  "samples", "size",    NULL};
    const char *name;
    json_t *value;
    if (!json_is_object(request)) return tide_fail_field(e, "", "the body must be a JSON object");
    json_object_foreach((json_t *)request, name, value)
    {
        char allowed[256] = "";
        if (is_among(known, name, allowed, sizeof allowed) ||
            is_among(tide_measure_fields, name, allowed, sizeof allowed))
            continue;
        return tide_fail_field(e, name, "no such field; allowed are %s", allowed);
    }
    return TIDE_OK;
}

static enum tide_rc check_scalars(const json_t *request, struct wish *w, struct tide_error *e)
{
    const json_t *project = json_object_get(request, "project");
    const json_t *params = json_object_get(request, "params");
    const json_t *samples = json_object_get(request, "samples");
    const json_t *size = json_object_get(request, "size");
    double number = samples ? json_number_value(samples) : 1;

    if (project &&
        (!json_is_string(project) || strcmp(json_string_value(project), TIDE_DEFAULT_PROJECT) != 0))
        return tide_fail_field(e, "project", "no such project; there is " TIDE_DEFAULT_PROJECT);
    if (params && !json_is_object(params))
        return tide_fail_field(e, "params", "must be an object of parameter names and values");
    if ((samples && !json_is_number(samples)) || number < 1 || number > TIDE_SAMPLES_MAX ||
        number != (int)number)
        return tide_fail_field(e, "samples", "must be an integer from 1 to %d", TIDE_SAMPLES_MAX);
    w->samples = (int)number;
    const char *wanted = size ? json_string_value(size) : "full";
    if (!wanted || (strcmp(wanted, "full") != 0 && strcmp(wanted, "demo") != 0))
        return tide_fail_field(e, "size", "must be \"demo\" or \"full\"");
    w->demo = !strcmp(wanted, "demo");
    return TIDE_OK;
}

/* The list of strings in a field: 1 to LIST_MAX of them; *n is 0 when the field is absent. */
static enum tide_rc check_list(const json_t *request, const char *field, const json_t **list,
                               size_t *n, struct tide_error *e)
{
    size_t i;
    json_t *item;
    *n = 0;
    *list = json_object_get(request, field);
    if (!*list) return TIDE_OK;
    if (!json_is_array(*list) || !json_array_size(*list) || json_array_size(*list) > LIST_MAX)
        return tide_fail_field(e, field, "must be a list of 1 to %d strings", LIST_MAX);
    json_array_foreach((json_t *)*list, i, item)
    {
        char name[64];
        snprintf(name, sizeof name, "%s[%zu]", field, i);
        if (!json_is_string(item) || !json_string_length(item))
            return tide_fail_field(e, name, "must be a string that is not empty");
    }
    *n = json_array_size(*list);
    return TIDE_OK;
}

/* Give an INVALID error the name of the list's entry. */
static enum tide_rc in_field(struct tide_error *e, enum tide_rc rc, const char *list, size_t i)
{
    if (rc == TIDE_INVALID && e) snprintf(e->field, sizeof e->field, "%s[%zu]", list, i);
    return rc;
}

/* A python only once, so that "3.12" beside "3.12.1" is one cell. */
static void add_python(struct wish *w, size_t python)
{
    for (size_t i = 0; i < w->n_pythons; i++)
        if (w->pythons[i] == python) return;
    w->pythons[w->n_pythons++] = python;
}

static void add_once(int64_t *ids, size_t *n, int64_t id)
{
    for (size_t i = 0; i < *n; i++)
        if (ids[i] == id) return;
    ids[(*n)++] = id;
}

static enum tide_rc resolve_commits(const struct tide_catalog *c, const json_t *request,
                                    struct tide_commit *found, size_t *n_found,
                                    struct tide_error *e)
{
    const json_t *list = NULL;
    size_t n = 0;
    enum tide_rc rc = check_list(request, "commits", &list, &n, e);
    if (!rc) rc = tide_catalog_sync(c, e);
    for (size_t i = 0; !rc && i < (n ? n : 1); i++) {
        const char *rev = n ? json_string_value(json_array_get(list, i)) : "HEAD";
        rc = in_field(e, tide_repo_resolve(c->repo, rev, &found[i], e), "commits", i);
        if (!rc) ++*n_found;
    }
    return rc;
}

static enum tide_rc choose_pythons(const struct tide_catalog *c, const json_t *request,
                                   struct wish *w, struct tide_error *e)
{
    const json_t *list = NULL;
    size_t n = 0;
    enum tide_rc rc = check_list(request, "pythons", &list, &n, e);
    if (rc) return rc;
    w->pythons = calloc(c->pythons.n + n + 1, sizeof *w->pythons);
    if (!w->pythons) return tide_fail(e, TIDE_NOMEM, "choose the pythons");
    for (size_t i = 0; !rc && i < (n ? n : 1); i++) {
        const char *spec = n ? json_string_value(json_array_get(list, i)) : "all";
        bool all = !strcmp(spec, "all");
        for (size_t k = 0; all && k < c->pythons.n; k++)
            if (!c->pythons.at[k].reason) add_python(w, k);
        if (all) continue;
        const struct tide_python *python = tide_pythons_find(&c->pythons, spec, e);
        if (python)
            add_python(w, (size_t)(python - c->pythons.at));
        else
            rc = in_field(e, TIDE_INVALID, "pythons", i);
    }
    if (!rc && !w->n_pythons)
        rc = tide_fail_field(e, "pythons",
                             "no usable CPython was found on this machine: "
                             "`tidemark pythons` says why each one is not");
    return rc;
}

static const struct tide_scenario *require_scenario(const struct tide_catalog *c, const char *name,
                                                    struct tide_error *e)
{
    const struct tide_scenario *found = tide_catalog_scenario(c, name);
    char allowed[512] = "";
    for (size_t i = 0; !found && i < c->n_scenarios; i++) {
        size_t used = strlen(allowed);
        snprintf(allowed + used, sizeof allowed - used, "%s%s", i ? ", " : "",
                 c->scenarios[i].name);
    }
    if (!found)
        tide_fail_field(e, "scenarios", "no scenario \"%.80s\"; there is %s", name,
                        *allowed ? allowed : "none");
    return found;
}

static bool is_chosen(const struct wish *w, const struct tide_scenario *scenario)
{
    for (size_t i = 0; i < w->n_scenarios; i++)
        if (w->scenarios[i] == scenario) return true;
    return false;
}

static enum tide_rc choose_scenarios(const struct tide_catalog *c, const json_t *request,
                                     struct wish *w, struct tide_error *e)
{
    const json_t *list = NULL;
    size_t n = 0;
    enum tide_rc rc = check_list(request, "scenarios", &list, &n, e);
    if (rc) return rc;
    if (!n) return tide_fail_field(e, "scenarios", "is missing: name at least one scenario");
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): pointers are what it holds */
    w->scenarios = calloc(n, sizeof *w->scenarios);
    w->params = calloc(n, sizeof *w->params);
    if (!w->scenarios || !w->params) return tide_fail(e, TIDE_NOMEM, "choose the scenarios");
    for (size_t i = 0; !rc && i < n; i++) {
        const struct tide_scenario *scenario =
            require_scenario(c, json_string_value(json_array_get(list, i)), e);
        if (!scenario) return in_field(e, TIDE_INVALID, "scenarios", i);
        if (is_chosen(w, scenario)) continue;
        w->scenarios[w->n_scenarios] = scenario;
        rc = tide_params_complete(scenario->description, json_object_get(request, "params"),
                                  w->demo, &w->params[w->n_scenarios], e);
        w->n_scenarios++;
    }
    return rc;
}

static enum tide_rc put_commits(const struct tide_catalog *c, struct tide_store *store,
                                const struct tide_commit *found, size_t n, struct wish *w,
                                struct tide_error *e)
{
    enum tide_rc rc = TIDE_OK;
    w->commits = calloc(n + 1, sizeof *w->commits);
    if (!w->commits) return tide_fail(e, TIDE_NOMEM, "queue a batch");
    for (size_t i = 0; i < n && !rc; i++) {
        const struct tide_commit_row row = {found[i].sha, found[i].subject, found[i].author,
                                            found[i].committed_ns};
        int64_t id = 0;
        rc = tide_store_put_commit(store, c->project, &row, &id, e);
        if (!rc) add_once(w->commits, &w->n_commits, id);
    }
    return rc;
}

/* Cells in the order in which they run: commits alternate, so that what drifts on the host meets
 * each of them alike. */
static enum tide_rc queue_wish(const struct tide_catalog *c, struct tide_store *store,
                               const struct wish *w, int64_t *batch, struct tide_error *e)
{
    size_t n = 0;
    struct tide_cell_key *cells =
        calloc(w->n_scenarios * w->n_pythons * w->n_commits + 1, sizeof *cells);
    if (!cells) return tide_fail(e, TIDE_NOMEM, "queue a batch");
    for (size_t s = 0; s < w->n_scenarios; s++)
        for (size_t y = 0; y < w->n_pythons; y++)
            for (size_t i = 0; i < w->n_commits; i++)
                cells[n++] = (struct tide_cell_key){
                    w->scenarios[s]->id,
                    w->commits[i],
                    c->python_ids[w->pythons[y]],
                    w->params[s],
                    tide_allocator_default(&c->pythons.at[w->pythons[y]]),
                    w->measure,
                };
    enum tide_rc rc = tide_store_queue(store, cells, n, w->samples, batch, e);
    free(cells);
    return rc;
}

static enum tide_rc check_size(const struct wish *w, size_t commits, struct tide_error *e)
{
    size_t runs = w->n_scenarios * w->n_pythons * commits * (size_t)w->samples;
    if (runs <= TIDE_BATCH_RUNS_MAX) return TIDE_OK;
    return tide_fail_field(e, "samples", "%zu runs are more than the %d that a batch may hold",
                           runs, TIDE_BATCH_RUNS_MAX);
}

enum tide_rc tide_trigger(const struct tide_catalog *c, struct tide_store *store,
                          const json_t *request, int64_t *batch, struct tide_error *e)
{
    struct wish w = {0};
    size_t n = json_array_size(json_object_get(request, "commits")), n_found = 0;
    struct tide_commit *found = calloc((n < LIST_MAX ? n : LIST_MAX) + 1, sizeof *found);
    if (!found) return tide_fail(e, TIDE_NOMEM, "read a request");
    enum tide_rc rc = refuse_unknown_fields(request, e);
    if (!rc) rc = check_scalars(request, &w, e);
    if (!rc) rc = tide_measure_read(request, &w.measure, e);
    if (!rc) rc = choose_scenarios(c, request, &w, e);
    if (!rc) rc = choose_pythons(c, request, &w, e);
    if (!rc) rc = resolve_commits(c, request, found, &n_found, e);
    if (!rc) rc = check_size(&w, n_found, e);
    if (!rc) rc = put_commits(c, store, found, n_found, &w, e);
    if (!rc) rc = queue_wish(c, store, &w, batch, e);
    for (size_t i = 0; i < n_found; i++)
        tide_commit_clear(&found[i]);
    free(found);
    wish_clear(&w);
    return rc;
}
