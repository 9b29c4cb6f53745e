/* params.c - see params.h. */
#include "schedule/params.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a parameter allows, in words: "an integer from 1 to 16777216". */
static void describe(const json_t *param, char *out, size_t room)
{
    const char *type = json_string_value(json_object_get(param, "type"));
    const json_t *low = json_object_get(param, "minimum");
    const json_t *high = json_object_get(param, "maximum");
    int n = snprintf(out, room, "%s %s", type && *type == 'i' ? "an" : "a", type ? type : "value");
    if (json_is_number(low) && json_is_number(high) && n > 0 && (size_t)n < room)
        snprintf(out + n, room - (size_t)n, " from %.17g to %.17g", json_number_value(low),
                 json_number_value(high));
}

static bool is_in_range(const json_t *param, double value)
{
    const json_t *low = json_object_get(param, "minimum");
    const json_t *high = json_object_get(param, "maximum");
    if (json_is_number(low) && value < json_number_value(low)) return false;
    return !json_is_number(high) || value <= json_number_value(high);
}

/* The value in the parameter's type as a new reference, NULL when it is not allowed. A number
 * beyond 64 bits arrives as a real (see tide_body_json) and is judged by its range
 * like any other. */
static json_t *accept(const json_t *param, const json_t *value)
{
    const char *type = json_string_value(json_object_get(param, "type"));
    if (!strcmp(type, "string")) return json_is_string(value) ? json_copy((json_t *)value) : NULL;
    if (!strcmp(type, "boolean"))
        return json_is_boolean(value) ? json_incref((json_t *)value) : NULL;
    if (!json_is_number(value) || !is_in_range(param, json_number_value(value))) return NULL;
    if (!strcmp(type, "number")) return json_real(json_number_value(value));
    if (json_is_integer(value)) return json_integer(json_integer_value(value));
    double real = json_real_value(value);
    return real == floor(real) && fabs(real) < 9007199254740992.0 ? json_integer((json_int_t)real)
                                                                  : NULL;
}

/* Append the name to the list, unless it stands there. */
static void add_name(char *list, size_t room, const char *name)
{
    size_t used = strlen(list), n = strlen(name);
    for (const char *at = strstr(list, name); at; at = strstr(at + 1, name))
        if ((at == list || at[-1] == ' ') && (!at[n] || at[n] == ',')) return;
    snprintf(list + used, room - used, "%s%s", used ? ", " : "", name);
}

static enum tide_rc require_known(const json_t *const *scenarios, size_t n, const char *name,
                                  struct tide_error *e)
{
    char allowed[256] = "", field[64];
    for (size_t i = 0; i < n; i++) {
        size_t k;
        json_t *param;
        json_array_foreach(json_object_get(scenarios[i], "params"), k, param)
        {
            const char *is = json_string_value(json_object_get(param, "name"));
            if (!strcmp(is, name)) return TIDE_OK;
            add_name(allowed, sizeof allowed, is);
        }
    }
    snprintf(field, sizeof field, "params.%s", name);
    return tide_fail_field(e, field, "no such parameter; allowed are %s",
                           *allowed ? allowed : "none");
}

enum tide_rc tide_params_known(const json_t *const *scenarios, size_t n, const json_t *given,
                               struct tide_error *e)
{
    const char *name;
    json_t *value;
    enum tide_rc rc = TIDE_OK;
    json_object_foreach((json_t *)given, name, value)
    {
        if (!rc) rc = require_known(scenarios, n, name, e);
    }
    return rc;
}

static enum tide_rc take_param(const json_t *param, const json_t *given, bool demo, json_t *all,
                               struct tide_error *e)
{
    const char *name = json_string_value(json_object_get(param, "name"));
    const json_t *value = json_object_get(given, name);
    if (!value && demo) value = json_object_get(param, "demo");
    if (!value) value = json_object_get(param, "default");
    json_t *accepted = accept(param, value);
    if (!accepted) {
        char allowed[128], field[64], *shown = json_dumps(value, JSON_ENCODE_ANY);
        describe(param, allowed, sizeof allowed);
        snprintf(field, sizeof field, "params.%s", name);
        enum tide_rc rc = tide_fail_field(e, field, "%s must be %s, not %.60s", name, allowed,
                                          shown ? shown : "this");
        free(shown);
        return rc;
    }
    return json_object_set_new(all, name, accepted)
               ? tide_fail(e, TIDE_NOMEM, "read the parameters")
               : TIDE_OK;
}

enum tide_rc tide_params_complete(const json_t *scenario, const json_t *given, bool demo,
                                  char **out, struct tide_error *e)
{
    const json_t *params = json_object_get(scenario, "params");
    json_t *all = json_object();
    json_t *param;
    size_t i;
    *out = NULL;
    enum tide_rc rc = all ? TIDE_OK : tide_fail(e, TIDE_NOMEM, "read the parameters");
    json_array_foreach(params, i, param)
    {
        if (!rc) rc = take_param(param, given, demo, all, e);
    }
    if (!rc) {
        *out = json_dumps(all, JSON_COMPACT | JSON_SORT_KEYS);
        if (!*out) rc = tide_fail(e, TIDE_NOMEM, "read the parameters");
    }
    json_decref(all);
    return rc;
}
