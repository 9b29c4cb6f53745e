/* measure.c - see measure.h. The limits are those of tidemark-probe and tidemark-worker. */
#include "schedule/measure.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BYTES_MAX (INT64_C(1) << 40)

const char *const tide_measure_fields[] = {"recording", "threshold",   "precision",
                                           "bound",     "interval_us", NULL};

/* One of the words, the first where the field is absent; NULL with an error for another. */
static const char *read_word(const json_t *request, const char *field, const char *const *words,
                             const char *allowed, struct tide_error *e)
{
    const json_t *value = json_object_get(request, field);
    if (!value) return words[0];
    for (; *words; words++)
        if (json_is_string(value) && !strcmp(json_string_value(value), *words)) return *words;
    tide_fail_field(e, field, "must be %s", allowed);
    return NULL;
}

/* Put the integer from `least` to `most`, `fallback` where the field is absent. */
static enum tide_rc put_number(json_t *all, const json_t *request, const char *field, int64_t least,
                               int64_t most, int64_t fallback, struct tide_error *e)
{
    const json_t *value = json_object_get(request, field);
    double number = value ? json_number_value(value) : (double)fallback;
    if ((value && !json_is_number(value)) || number < (double)least || number > (double)most ||
        number != (double)(int64_t)number)
        return tide_fail_field(e, field, "must be an integer from %lld to %lld", (long long)least,
                               (long long)most);
    return json_object_set_new(all, field, json_integer((json_int_t)number))
               ? tide_fail(e, TIDE_NOMEM, "read the request")
               : TIDE_OK;
}

/* Put a number of bytes; null where `why` says that the measure has none, and then it may not be
 * given. */
static enum tide_rc put_bytes(json_t *all, const json_t *request, const char *field,
                              const char *why, int64_t fallback, struct tide_error *e)
{
    if (!why) return put_number(all, request, field, 1, BYTES_MAX, fallback, e);
    if (json_object_get(request, field)) return tide_fail_field(e, field, "%s", why);
    return json_object_set_new(all, field, json_null())
               ? tide_fail(e, TIDE_NOMEM, "read the request")
               : TIDE_OK;
}

static enum tide_rc put_all(json_t *all, const json_t *request, const char *recording,
                            const char *precision, struct tide_error *e)
{
    const char *marks = "recording \"marks\" takes no events: it has none";
    bool events = strcmp(recording, "marks") != 0;
    if (!events && json_object_get(request, "precision"))
        return tide_fail_field(e, "precision", "%s", marks);
    if (json_object_set_new(all, "recording", json_string(recording)) ||
        json_object_set_new(all, "precision", events ? json_string(precision) : json_null()))
        return tide_fail(e, TIDE_NOMEM, "read the request");
    enum tide_rc rc = put_bytes(
        all, request, "threshold",
        strcmp(recording, "changes") != 0 ? "only recording \"changes\" has one" : NULL, 4096, e);
    const char *boundless = strcmp(precision, "exact") ? NULL : "precision \"exact\" has none";
    if (!rc) rc = put_bytes(all, request, "bound", events ? boundless : marks, 256 << 10, e);
    return rc ? rc : put_number(all, request, "interval_us", 100, 1000000, 1000, e);
}

enum tide_rc tide_measure_read(const json_t *request, char **out, struct tide_error *e)
{
    static const char *const recordings[] = {"changes", "all", "marks", NULL};
    static const char *const precisions[] = {"bounded", "exact", NULL};
    *out = NULL;
    const char *recording =
        read_word(request, "recording", recordings, "\"changes\", \"all\" or \"marks\"", e);
    if (!recording) return TIDE_INVALID;
    const char *precision =
        read_word(request, "precision", precisions, "\"bounded\" or \"exact\"", e);
    if (!precision) return TIDE_INVALID;
    json_t *all = json_object();
    enum tide_rc rc = put_all(all, request, recording, precision, e);
    if (!rc) *out = json_dumps(all, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(all);
    return rc || *out ? rc : tide_fail(e, TIDE_NOMEM, "read the request");
}
