/* request.c - see request.h. */
#include "cli/request.h"

#include "cli/client.h"

#include <stdlib.h>
#include <string.h>

static json_t *value_of(const char *text)
{
    json_error_t unread;
    json_t *value = json_loads(text, JSON_DECODE_ANY, &unread);
    if (json_is_number(value) || json_is_boolean(value)) return value;
    json_decref(value);
    return json_string(text);
}

static json_t *list_in(json_t *request, const char *name)
{
    json_t *list = json_object_get(request, name);
    if (list) return list;
    json_object_set_new(request, name, json_array());
    return json_object_get(request, name);
}

static void add_words(json_t *list, const char *text)
{
    while (*text) {
        size_t n = strcspn(text, ",");
        if (n) json_array_append_new(list, json_stringn(text, n));
        text += n + (text[n] == ',');
    }
}

static void put_field(json_t *request, const struct tide_request_field *f, const char *text)
{
    switch (f->kind) {
    case TIDE_REQUEST_TEXT: json_object_set_new(request, f->name, json_string(text)); return;
    case TIDE_REQUEST_VALUE: json_object_set_new(request, f->name, value_of(text)); return;
    case TIDE_REQUEST_FLAG: json_object_set_new(request, f->name, json_true()); return;
    case TIDE_REQUEST_WORDS: add_words(list_in(request, f->name), text); return;
    case TIDE_REQUEST_ENTRY:
        json_array_append_new(list_in(request, f->name), json_string(text));
        return;
    }
}

bool tide_request_take(json_t *request, const struct tide_request_field *fields, int key,
                       const char *text)
{
    for (; fields->name; fields++)
        if (fields->key == key) {
            put_field(request, fields, text);
            return true;
        }
    return false;
}

void tide_request_param(json_t *request, const char *text, struct argp_state *state)
{
    const char *equals = strchr(text, '=');
    if (!equals || equals == text) {
        argp_error(state, "--param takes NAME=VALUE, not \"%s\"", text);
        return;
    }
    if (!json_object_get(request, "params")) json_object_set_new(request, "params", json_object());
    char *name = strndup(text, (size_t)(equals - text));
    if (name) json_object_set_new(json_object_get(request, "params"), name, value_of(equals + 1));
    free(name);
}

void tide_request_query(struct tide_str *target, const char *name, const char *value)
{
    if (!value || target->failed) return;
    tide_str_printf(target, "%c%s=", strchr(target->at, '?') ? '&' : '?', name);
    tide_client_escape(target, value);
}

enum tide_rc tide_request_get(const char *data, struct tide_str *target, json_t **out,
                              struct tide_error *e)
{
    enum tide_rc rc = target->failed ? tide_fail(e, TIDE_NOMEM, "ask the daemon")
                                     : tide_client_get(data, target->at, out, e);
    tide_str_free(target);
    return rc;
}
