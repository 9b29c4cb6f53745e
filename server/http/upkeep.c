/* upkeep.c - POST /api/v1/gc: what is in nobody's use goes. */
#include "http/internal.h"

#include "http/query.h"
#include "schedule/gc.h"

#include <stdlib.h>
#include <string.h>

#define DAYS_MAX 36500

/* {"dry_run", "logs_days"}, both optional. */
static enum tide_rc read_wish(const json_t *body, struct tide_gc_wish *wish, struct tide_error *e)
{
    const char *name;
    json_t *value;
    if (!json_is_object(body)) return tide_fail_field(e, "", "the body must be a JSON object");
    json_object_foreach((json_t *)body, name, value)
    {
        if (!strcmp(name, "dry_run")) {
            if (!json_is_boolean(value)) return tide_fail_field(e, name, "must be true or false");
            wish->dry = json_is_true(value);
        } else if (!strcmp(name, "logs_days")) {
            wish->logs_days = json_integer_value(value);
            if (!json_is_integer(value) || wish->logs_days < 1 || wish->logs_days > DAYS_MAX)
                return tide_fail_field(e, name, "must be an integer from 1 to %d", DAYS_MAX);
        } else {
            return tide_fail_field(e, name, "no such field; allowed are dry_run, logs_days");
        }
    }
    return TIDE_OK;
}

void tide_post_gc(struct tide_request *r, int64_t id, const char *name)
{
    static const char *const no_parameters[] = {NULL};
    struct tide_gc_wish wish = {0};
    struct tide_error e;
    json_t *answer = NULL;
    (void)id;
    (void)name;
    if (!tide_query_known(r, no_parameters)) return;
    json_t *body = r->body.length ? tide_read_body(r) : json_object();
    if (!body) return;
    enum tide_rc rc = read_wish(body, &wish, &e);
    if (!rc) rc = tide_scheduler_gc(r->http->config.scheduler, &wish, &answer, &e);
    char *text = rc ? NULL : json_dumps(answer, JSON_COMPACT);
    if (!rc && !text) rc = tide_fail(&e, TIDE_NOMEM, "tell what went");
    if (text) tide_str_put(&r->answer, text);
    free(text);
    json_decref(answer);
    json_decref(body);
    if (rc) tide_answer_error(r, &e);
}
