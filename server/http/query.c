/* query.c - see query.h. */
#include "http/query.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *tide_query_text(const struct tide_request *r, const char *name)
{
    return MHD_lookup_connection_value(r->connection, MHD_GET_ARGUMENT_KIND, name);
}

bool tide_query_integer(struct tide_request *r, const char *name, int64_t low, int64_t high,
                        int64_t fallback, int64_t *out)
{
    const char *text = tide_query_text(r, name);
    char detail[160], *end = NULL;
    *out = fallback;
    if (!text) return true;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    bool number = *text && (*text == '-' || (*text >= '0' && *text <= '9')) && !*end && !errno;
    if (number && value >= low && value <= high) {
        *out = value;
        return true;
    }
    snprintf(detail, sizeof detail, "%s must be an integer from %lld to %lld", name, (long long)low,
             (long long)high);
    tide_answer_parameter(r, name, detail);
    return false;
}

bool tide_query_word(struct tide_request *r, const char *name, const char *const *words,
                     const char **out)
{
    char allowed[200] = "allowed are";
    *out = tide_query_text(r, name);
    if (!*out) return true;
    for (const char *const *word = words; *word; word++) {
        size_t used = strlen(allowed);
        if (!strcmp(*out, *word)) return true;
        snprintf(allowed + used, sizeof allowed - used, "%s%s", word == words ? " " : ", ", *word);
    }
    tide_answer_problem(r, MHD_HTTP_BAD_REQUEST, "malformed-request",
                        "A query parameter is not allowed", name, allowed);
    return false;
}

const char *const tide_query_truths[] = {"true", "false", NULL};

bool tide_query_flag(struct tide_request *r, const char *name, bool *out)
{
    const char *text = tide_query_text(r, name);
    *out = text && !strcmp(text, "true");
    if (!text || *out || !strcmp(text, "false")) return true;
    tide_answer_parameter(r, name, "allowed are true and false");
    return false;
}

bool tide_query_page(struct tide_request *r, int64_t fallback_limit, struct tide_page *out)
{
    int64_t limit;
    if (!tide_query_integer(r, "limit", 1, TIDE_LIST_MAX, fallback_limit, &limit)) return false;
    *out = (struct tide_page){.sort = tide_query_text(r, "sort"),
                              .cursor = tide_query_text(r, "cursor"),
                              .limit = (int)limit};
    return true;
}

void tide_query_finish(struct tide_request *r, enum tide_rc rc, const struct tide_error *e)
{
    if (rc == TIDE_INVALID)
        tide_answer_parameter(r, e->field, e->text);
    else if (rc)
        tide_answer_error(r, e);
}

struct known {
    struct tide_request *request;
    const char *const *names;
    bool fine;
};

static enum MHD_Result check_name(void *context, enum MHD_ValueKind kind, const char *key,
                                  const char *value)
{
    struct known *k = context;
    char detail[256] = "allowed are";
    (void)kind;
    (void)value;
    for (const char *const *name = k->names; *name; name++) {
        if (!strcmp(key, *name)) return MHD_YES;
        size_t used = strlen(detail);
        snprintf(detail + used, sizeof detail - used, "%s %s", used > 11 ? "," : "", *name);
    }
    tide_answer_problem(k->request, MHD_HTTP_BAD_REQUEST, "malformed-request",
                        "A query parameter is unknown", key,
                        *k->names ? detail : "none is allowed");
    k->fine = false;
    return MHD_NO;
}

bool tide_query_known(struct tide_request *r, const char *const *known)
{
    struct known k = {r, known, true};
    MHD_get_connection_values(r->connection, MHD_GET_ARGUMENT_KIND, check_name, &k);
    return k.fine;
}
