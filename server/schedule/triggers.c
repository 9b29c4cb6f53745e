/* triggers.c - see triggers.h. */
#include "schedule/triggers.h"

#include "schedule/cron.h"
#include "schedule/timekeeper.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CRONS_MAX     20
#define POLL_LEAST    10
#define POLL_MOST     (30 * 86400)
#define SECRET_LEAST  8
#define SECRET_MOST   200
#define REQUEST_BYTES 65536
#define TARGETS_MAX   10
#define URL_MOST      2000

static enum tide_rc set(char **text, const char *value, struct tide_error *e)
{
    free(*text);
    *text = strdup(value);
    return *text ? TIDE_OK : tide_fail(e, TIDE_NOMEM, "read a project's triggers");
}

static enum tide_rc dump(char **text, const json_t *value, struct tide_error *e)
{
    free(*text);
    *text = json_dumps(value, JSON_COMPACT);
    return *text ? TIDE_OK : tide_fail(e, TIDE_NOMEM, "read a project's triggers");
}

static enum tide_rc read_cron(const json_t *value, struct tide_trigger *t, struct tide_error *e)
{
    size_t i;
    json_t *item;
    struct tide_cron cron;
    struct tide_error why;
    if (json_is_null(value)) return set(&t->cron, "[]", e);
    if (!json_is_array(value) || json_array_size(value) > CRONS_MAX)
        return tide_fail_field(e, "cron", "must be a list of at most %d cron expressions, or null",
                               CRONS_MAX);
    json_array_foreach((json_t *)value, i, item)
    {
        char field[32];
        const char *text = json_string_value(item);
        snprintf(field, sizeof field, "cron[%zu]", i);
        if (!text)
            return tide_fail_field(e, field, "must be a cron expression, like \"0 3 * * *\"");
        if (tide_cron_parse(text, &cron, &why)) return tide_fail_field(e, field, "%s", why.text);
    }
    return dump(&t->cron, value, e);
}

static enum tide_rc read_zone(const json_t *value, struct tide_trigger *t, struct tide_error *e)
{
    struct tide_zone *z = NULL;
    const char *name = json_is_null(value) ? "UTC" : json_string_value(value);
    enum tide_rc rc = tide_zone_open(name ? name : "", &z, e);
    tide_zone_close(z);
    return rc ? rc : set(&t->timezone, name, e);
}

static enum tide_rc read_poll(const json_t *value, struct tide_trigger *t, struct tide_error *e)
{
    t->poll_s = json_integer_value(value);
    if (json_is_null(value) ||
        (json_is_integer(value) && t->poll_s >= POLL_LEAST && t->poll_s <= POLL_MOST))
        return TIDE_OK;
    return tide_fail_field(e, "poll_s", "must be seconds from %d to %d, or null", POLL_LEAST,
                           POLL_MOST);
}

static enum tide_rc read_secret(const json_t *value, struct tide_trigger *t, struct tide_error *e)
{
    const char *text = json_is_null(value) ? "" : json_string_value(value);
    size_t n = json_is_null(value) ? SECRET_LEAST : json_string_length(value);
    if (!text || n < SECRET_LEAST || n > SECRET_MOST)
        return tide_fail_field(e, "webhook_secret", "must be %d to %d bytes, or null", SECRET_LEAST,
                               SECRET_MOST);
    return set(&t->secret, text, e);
}

static enum tide_rc read_flag(const json_t *value, struct tide_trigger *t, struct tide_error *e)
{
    t->on_new_python = json_is_true(value);
    return json_is_boolean(value) ? TIDE_OK
                                  : tide_fail_field(e, "on_new_python", "must be true or false");
}

/* What is wrong inside is told when it is queued: what its scenarios and commits are is known only
 * then. */
static enum tide_rc read_request(const json_t *value, struct tide_trigger *t, struct tide_error *e)
{
    static const char *const ours[] = {"project", "reason", "by"};
    if (json_is_null(value)) return set(&t->request, "", e);
    if (!json_is_object(value))
        return tide_fail_field(e, "trigger", "must be what POST /api/v1/runs takes, or null");
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        if (json_object_get(value, ours[i]))
            return tide_fail_field(e, "trigger", "must not say \"%s\": that goes without saying",
                                   ours[i]);
    if (!json_object_get(value, "scenarios") && !json_object_get(value, "demo"))
        return tide_fail_field(e, "trigger", "must name \"scenarios\"");
    enum tide_rc rc = dump(&t->request, value, e);
    if (!rc && strlen(t->request) > REQUEST_BYTES)
        rc = tide_fail_field(e, "trigger", "is longer than %d bytes", REQUEST_BYTES);
    return rc;
}

static enum tide_rc read_target(const json_t *target, size_t i, struct tide_error *e)
{
    char field[80];
    const char *key, *url = json_string_value(json_object_get(target, "url"));
    const json_t *secret = json_object_get(target, "secret");
    json_t *value;
    snprintf(field, sizeof field, "notify[%zu].url", i);
    if (!url || strlen(url) > URL_MOST || strpbrk(url, " \t\r\n") ||
        (strncmp(url, "https://", 8) != 0 && strncmp(url, "http://", 7) != 0))
        return tide_fail_field(e, field, "must be an http or https address of at most %d bytes",
                               URL_MOST);
    snprintf(field, sizeof field, "notify[%zu].secret", i);
    if (secret &&
        (json_string_length(secret) < SECRET_LEAST || json_string_length(secret) > SECRET_MOST))
        return tide_fail_field(e, field, "must be %d to %d bytes", SECRET_LEAST, SECRET_MOST);
    json_object_foreach((json_t *)target, key, value)
    {
        snprintf(field, sizeof field, "notify[%zu].%.20s", i, key);
        if (strcmp(key, "url") != 0 && strcmp(key, "secret") != 0)
            return tide_fail_field(e, field, "no such field; allowed are url, secret");
    }
    return TIDE_OK;
}

static enum tide_rc read_notify(const json_t *value, struct tide_trigger *t, struct tide_error *e)
{
    size_t i;
    json_t *target;
    enum tide_rc rc = TIDE_OK;
    if (json_is_null(value)) return set(&t->notify, "[]", e);
    if (!json_is_array(value) || json_array_size(value) > TARGETS_MAX)
        return tide_fail_field(
            e, "notify", "must be a list of at most %d objects of url and secret", TARGETS_MAX);
    json_array_foreach((json_t *)value, i, target)
    {
        if (!rc) rc = read_target(target, i, e);
    }
    return rc ? rc : dump(&t->notify, value, e);
}

static const struct field {
    const char *name;
    enum tide_rc (*read)(const json_t *value, struct tide_trigger *t, struct tide_error *e);
} fields[] = {
    {"cron", read_cron},          {"timezone", read_zone},
    {"poll_s", read_poll},        {"webhook_secret", read_secret},
    {"on_new_python", read_flag}, {"trigger", read_request},
    {"notify", read_notify},
};
#define FIELDS (sizeof fields / sizeof *fields)

bool tide_triggers_own(const char *field)
{
    for (size_t i = 0; i < FIELDS; i++)
        if (!strcmp(fields[i].name, field)) return true;
    return false;
}

/* *any: there was one. */
static enum tide_rc read_fields(const json_t *wish, struct tide_trigger *t, bool *any,
                                struct tide_error *e)
{
    enum tide_rc rc = TIDE_OK;
    *any = false;
    for (size_t i = 0; i < FIELDS && !rc; i++) {
        const json_t *value = json_object_get(wish, fields[i].name);
        if (!value) continue;
        *any = true;
        rc = fields[i].read(value, t, e);
    }
    return rc;
}

enum tide_rc tide_triggers_check(const json_t *wish, struct tide_error *e)
{
    struct tide_trigger t = {0};
    bool any;
    enum tide_rc rc = read_fields(wish, &t, &any, e);
    tide_trigger_clear(&t);
    return rc;
}

/* What the project will have, in *t. */
static enum tide_rc merge(struct tide_store *s, int64_t project, const json_t *wish,
                          struct tide_trigger *t, bool *any, struct tide_error *e)
{
    *t = (struct tide_trigger){0};
    enum tide_rc rc = project ? tide_store_find_trigger(s, project, t, e) : TIDE_OK;
    if (!rc) rc = read_fields(wish, t, any, e);
    bool set_off = (t->cron && strcmp(t->cron, "[]") != 0) || t->poll_s || t->on_new_python ||
                   (t->secret && *t->secret);
    if (!rc && *any && set_off && !(t->request && *t->request))
        rc = tide_fail_field(e, "trigger", "is missing: what shall be queued?");
    return rc;
}

enum tide_rc tide_triggers_try(struct tide_store *s, int64_t project, const json_t *wish,
                               struct tide_error *e)
{
    struct tide_trigger t;
    bool any;
    enum tide_rc rc = merge(s, project, wish, &t, &any, e);
    tide_trigger_clear(&t);
    return rc;
}

enum tide_rc tide_triggers_keep(struct tide_store *s, int64_t project, const json_t *wish,
                                struct tide_error *e)
{
    struct tide_trigger t;
    bool any;
    enum tide_rc rc = merge(s, project, wish, &t, &any, e);
    t.served_ns = tide_timekeeper_now();
    if (!rc && any) rc = tide_store_set_trigger(s, &t, e);
    tide_trigger_clear(&t);
    return rc;
}
