/* wish.c - see wish.h. */
#include "schedule/wish.h"

#include "schedule/cells.h"
#include "schedule/measure.h"
#include "schedule/order.h"
#include "schedule/params.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIST_MAX   1000
#define BY_LONGEST 100

void tide_wish_clear(struct tide_wish *w)
{
    for (size_t i = 0; w->params && i < w->n_scenarios; i++)
        free(w->params[i]);
    free(w->params);
    free(w->measure);
    free(w->scenarios);
    free(w->pythons);
    free(w->named);
    free(w->cells);
    free(w->samples);
    json_decref(w->left_out);
    tide_selection_clear(&w->selection);
    *w = (struct tide_wish){0};
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
    static const char *const known[] = {
        "project", "pythons", "scenarios", "params",       "samples", "size", "allocators",
        "seed",    "by",      "priority",  "retry_failed", "reason",  NULL};
    const char *name;
    json_t *value;
    if (!json_is_object(request)) return tide_fail_field(e, "", "the body must be a JSON object");
    json_object_foreach((json_t *)request, name, value)
    {
        char allowed[400] = "";
        if (is_among(known, name, allowed, sizeof allowed) ||
            is_among(tide_range_fields, name, allowed, sizeof allowed) ||
            is_among(tide_measure_fields, name, allowed, sizeof allowed))
            continue;
        return tide_fail_field(e, name, "no such field; allowed are %s", allowed);
    }
    return TIDE_OK;
}

static enum tide_rc check_retry(const json_t *request, struct tide_wish *w, struct tide_error *e)
{
    const json_t *retry = json_object_get(request, "retry_failed");
    const json_t *seed = json_object_get(request, "seed");
    double number = json_number_value(seed);
    if (retry && !json_is_boolean(retry))
        return tide_fail_field(e, "retry_failed", "must be true or false");
    w->retry_failed = json_is_true(retry);
    if (!seed) return tide_order_draw_seed(&w->seed, e);
    if (!json_is_number(seed) || number < 0 || number > (double)TIDE_SEED_MAX ||
        number != (double)(int64_t)number)
        return tide_fail_field(e, "seed", "must be an integer from 0 to %lld",
                               (long long)TIDE_SEED_MAX);
    w->seed = (int64_t)number;
    return TIDE_OK;
}

enum tide_rc tide_wish_priority(const json_t *value, int64_t *out, struct tide_error *e)
{
    *out = json_integer_value(value);
    if (json_is_integer(value) && *out >= -TIDE_PRIORITY_MAX && *out <= TIDE_PRIORITY_MAX)
        return TIDE_OK;
    return tide_fail_field(e, "priority", "must be an integer from -%d to %d", TIDE_PRIORITY_MAX,
                           TIDE_PRIORITY_MAX);
}

const char *const tide_reasons[] = {"import", "rest",      "cli",    "cron", "commit", "webhook",
                                    "bisect", "remeasure", "python", "gate", NULL};

/* How urgent it is, and what and who asks for it. */
static enum tide_rc check_origin(const json_t *request, struct tide_wish *w, struct tide_error *e)
{
    char allowed[120] = "";
    const json_t *priority = json_object_get(request, "priority");
    const json_t *reason = json_object_get(request, "reason");
    const json_t *by = json_object_get(request, "by");
    enum tide_rc rc = priority ? tide_wish_priority(priority, &w->priority, e) : TIDE_OK;
    if (rc) return rc;
    w->reason = json_string_value(reason);
    if (reason && !is_among(tide_reasons + 1, w->reason ? w->reason : "", allowed, sizeof allowed))
        return tide_fail_field(e, "reason", "must be one of %s", allowed);
    w->by = json_string_value(by);
    if (by && (!w->by || !*w->by || strlen(w->by) > BY_LONGEST))
        return tide_fail_field(e, "by", "must be a name of at most %d bytes", BY_LONGEST);
    return TIDE_OK;
}

static enum tide_rc check_scalars(const json_t *request, struct tide_wish *w, struct tide_error *e)
{
    const json_t *project = json_object_get(request, "project");
    const json_t *params = json_object_get(request, "params");
    const json_t *samples = json_object_get(request, "samples");
    const json_t *size = json_object_get(request, "size");
    double number = samples ? json_number_value(samples) : 1;

    if (project && !json_is_string(project))
        return tide_fail_field(e, "project", "must be the name of a project");
    if (params && !json_is_object(params))
        return tide_fail_field(e, "params", "must be an object of parameter names and values");
    if ((samples && !json_is_number(samples)) || number < 1 || number > TIDE_SAMPLES_MAX ||
        number != (int)number)
        return tide_fail_field(e, "samples", "must be an integer from 1 to %d", TIDE_SAMPLES_MAX);
    w->wanted = (int)number;
    const char *wanted = size ? json_string_value(size) : "full";
    if (!wanted || (strcmp(wanted, "full") != 0 && strcmp(wanted, "demo") != 0))
        return tide_fail_field(e, "size", "must be \"demo\" or \"full\"");
    w->demo = !strcmp(wanted, "demo");
    enum tide_rc rc = check_origin(request, w, e);
    return rc ? rc : check_retry(request, w, e);
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
static void add_python(struct tide_wish *w, size_t python, bool named)
{
    for (size_t i = 0; i < w->n_pythons; i++)
        if (w->pythons[i] == python) {
            w->named[i] = w->named[i] || named;
            return;
        }
    w->named[w->n_pythons] = named;
    w->pythons[w->n_pythons++] = python;
}

static enum tide_rc choose_pythons(const struct tide_catalog *c, const json_t *request,
                                   struct tide_wish *w, struct tide_error *e)
{
    const json_t *list = NULL;
    size_t n = 0;
    enum tide_rc rc = check_list(request, "pythons", &list, &n, e);
    if (rc) return rc;
    w->pythons = calloc(c->pythons.n + n + 1, sizeof *w->pythons);
    w->named = calloc(c->pythons.n + n + 1, sizeof *w->named);
    if (!w->pythons || !w->named) return tide_fail(e, TIDE_NOMEM, "choose the pythons");
    for (size_t i = 0; !rc && i < (n ? n : 1); i++) {
        const char *spec = n ? json_string_value(json_array_get(list, i)) : "all";
        bool all = !strcmp(spec, "all");
        for (size_t k = 0; all && k < c->pythons.n; k++)
            if (!c->pythons.at[k].reason) add_python(w, k, false);
        if (all) continue;
        const struct tide_python *python = tide_pythons_find(&c->pythons, spec, e);
        if (python)
            add_python(w, (size_t)(python - c->pythons.at), true);
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

static bool is_chosen(const struct tide_wish *w, const struct tide_scenario *scenario)
{
    for (size_t i = 0; i < w->n_scenarios; i++)
        if (w->scenarios[i] == scenario) return true;
    return false;
}

static enum tide_rc choose_scenarios(const struct tide_catalog *c, const json_t *request,
                                     struct tide_wish *w, struct tide_error *e)
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
    for (size_t i = 0; i < n; i++) {
        const struct tide_scenario *scenario =
            require_scenario(c, json_string_value(json_array_get(list, i)), e);
        if (!scenario) return in_field(e, TIDE_INVALID, "scenarios", i);
        if (!is_chosen(w, scenario)) w->scenarios[w->n_scenarios++] = scenario;
    }
    return TIDE_OK;
}

static enum tide_rc choose_params(const json_t *request, struct tide_wish *w, struct tide_error *e)
{
    const json_t *given = json_object_get(request, "params");
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): pointers are what it holds */
    const json_t **all = calloc(w->n_scenarios, sizeof *all);
    if (!all) return tide_fail(e, TIDE_NOMEM, "choose the parameters");
    for (size_t i = 0; i < w->n_scenarios; i++)
        all[i] = w->scenarios[i]->description;
    enum tide_rc rc = tide_params_known(all, w->n_scenarios, given, e);
    for (size_t i = 0; i < w->n_scenarios && !rc; i++)
        rc = tide_params_complete(all[i], given, w->demo, &w->params[i], e);
    free(all);
    return rc;
}

enum tide_rc tide_wish_make(const struct tide_catalog *c, struct tide_store *store,
                            const json_t *request, struct tide_wish *out, struct tide_error *e)
{
    *out = (struct tide_wish){.catalog = c, .left_out = json_array()};
    enum tide_rc rc = refuse_unknown_fields(request, e);
    if (!rc) rc = check_scalars(request, out, e);
    if (!rc) rc = tide_measure_read(request, &out->measure, e);
    if (!rc) rc = choose_scenarios(c, request, out, e);
    if (!rc) rc = choose_params(request, out, e);
    if (!rc) rc = choose_pythons(c, request, out, e);
    if (!rc) rc = tide_ranges_select(c->repo, request, &out->selection, e);
    return rc ? rc : tide_cells_make(store, request, out, e);
}
