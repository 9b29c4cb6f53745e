/* sparse.c - `fields=a,b` of a list: rows without the fields that were not asked for.
 *
 * One way for every list: the answer is read again once its handler is done. Which fields there are
 * is told by its first row, since all rows of a list have the same. */
#include "http/internal.h"

#include "http/query.h"

#include <stdlib.h>
#include <string.h>

/* The member of the answer that holds its rows; borrowed. */
static json_t *find_rows(json_t *answer)
{
    const char *name;
    json_t *value;
    json_object_foreach(answer, name, value) if (json_is_array(value)) return value;
    return NULL;
}

/* Copy the fields that the n characters at `names` name from `row` to `to`; `unknown` gets the
 * first that the row has not. */
static void copy_fields(const json_t *row, const char *names, json_t *to, char unknown[64])
{
    for (const char *at = names; *at;) {
        char name[64] = "";
        size_t n = strcspn(at, ",");
        memcpy(name, at, n < sizeof name ? n : sizeof name - 1);
        json_t *value = json_object_get(row, name);
        if (value)
            json_object_set(to, name, value);
        else if (!*unknown)
            memcpy(unknown, *name ? name : ",", *name ? sizeof name : 2);
        at += n + (at[n] == ',');
    }
}

static void refuse_field(struct tide_request *r, const char *unknown, const json_t *row)
{
    struct tide_str detail = {0};
    const char *name;
    json_t *value;
    tide_str_printf(&detail, "there is no field \"%s\"; there are", unknown);
    json_object_foreach((json_t *)row, name, value) tide_str_printf(&detail, " %s", name);
    tide_answer_parameter(r, "fields", detail.at ? detail.at : "");
    tide_str_free(&detail);
}

void tide_sparse(struct tide_request *r)
{
    const char *names = tide_query_text(r, "fields");
    if (!names || r->status != MHD_HTTP_OK) return;
    json_t *answer = json_loadb(r->answer.at ? r->answer.at : "", r->answer.length, 0, NULL);
    json_t *rows = find_rows(answer), *row;
    char unknown[64] = "";
    size_t i;
    json_array_foreach(rows, i, row)
    {
        json_t *kept = json_object();
        copy_fields(row, names, kept, unknown);
        if (*unknown) {
            refuse_field(r, unknown, row);
            json_decref(kept);
            json_decref(answer);
            return;
        }
        json_array_set_new(rows, i, kept);
    }
    char *text = json_dumps(answer, JSON_COMPACT);
    tide_str_free(&r->answer);
    tide_str_put(&r->answer, text ? text : "");
    free(text);
    json_decref(answer);
}
