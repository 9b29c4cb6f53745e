/* lists.c - see lists.h.
 *
 * A cursor is the id of the last row that was shown, and for another order than by id the sort's
 * name and the row's value: "57", "57.name.t6c697374", "57.started_ns.i1700000000". Texts are in
 * hexadecimal. Clients treat it as opaque. */
#include "store/lists.h"

#include "store/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define VALUE_MAX 2048 /* bytes of a cursor's text */

struct place { /* where a page begins */
    bool given, text;
    int64_t id, integer;
    char value[VALUE_MAX];
};

struct order {
    const struct tide_sort *by; /* NULL: by id */
    bool descending;
};

static enum tide_rc refuse_sort(const struct tide_list *l, const char *text, struct tide_error *e)
{
    struct tide_str allowed = {0};
    for (const struct tide_sort *s = l->sorts; s && s->name; s++)
        tide_str_printf(&allowed, ", %s", s->name);
    tide_fail_field(e, "sort",
                    "\"%.40s\" is no order of this list; allowed are id%s; - before it "
                    "reverses",
                    text, allowed.at ? allowed.at : "");
    tide_str_free(&allowed);
    return TIDE_INVALID;
}

static enum tide_rc read_order(const struct tide_list *l, const char *wanted, struct order *out,
                               struct tide_error *e)
{
    const char *text = wanted ? wanted : l->sort;
    *out = (struct order){.descending = *text == '-'};
    if (out->descending) text++;
    if (!strcmp(text, "id")) return TIDE_OK;
    for (out->by = l->sorts; out->by && out->by->name; out->by++)
        if (!strcmp(text, out->by->name)) return TIDE_OK;
    return refuse_sort(l, text, e);
}

static bool read_integer(const char *text, char end, int64_t *out, const char **after)
{
    char *stop = NULL;
    bool digit = *text >= '0' && *text <= '9';
    if (!digit && !(*text == '-' && text[1] >= '0' && text[1] <= '9')) return false;
    errno = 0;
    *out = strtoll(text, &stop, 10);
    if (after) *after = stop;
    return !errno && (*stop == end || (after && !*stop));
}

static int digit_value(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

static bool read_hex(const char *text, char *out)
{
    size_t n = strlen(text);
    if (n % 2 || n / 2 >= VALUE_MAX) return false;
    for (size_t i = 0; i < n; i += 2) {
        int high = digit_value(text[i]), low = digit_value(text[i + 1]);
        if (high < 0 || low < 0 || !(high | low)) return false;
        out[i / 2] = (char)(high << 4 | low);
    }
    out[n / 2] = '\0';
    return true;
}

/* "57", or "57.SORT.iVALUE" where the order is by SORT. */
static bool read_place(const char *cursor, const struct order *order, struct place *out)
{
    const char *at = NULL;
    *out = (struct place){.given = true};
    if (!read_integer(cursor, '.', &out->id, &at) || out->id < 1) return false;
    if (!order->by) return !*at;
    size_t n = strlen(order->by->name);
    if (*at != '.' || strncmp(at + 1, order->by->name, n) != 0 || at[n + 1] != '.') return false;
    at += n + 2;
    out->text = *at == 't';
    if (out->text) return read_hex(at + 1, out->value);
    return *at == 'i' && read_integer(at + 1, '\0', &out->integer, NULL);
}

static void put_cursor(const struct order *order, sqlite3_stmt *q, struct tide_str *out)
{
    tide_str_printf(out, "\"%lld", (long long)sqlite3_column_int64(q, 1));
    if (order->by && sqlite3_column_type(q, 2) == SQLITE_TEXT) {
        tide_str_printf(out, ".%s.t", order->by->name);
        for (const unsigned char *at = sqlite3_column_text(q, 2); *at; at++)
            tide_str_printf(out, "%02x", *at);
    } else if (order->by)
        tide_str_printf(out, ".%s.i%lld", order->by->name, (long long)sqlite3_column_int64(q, 2));
    tide_str_put(out, "\"");
}

/* The values of a page stand behind the `n` of the list's own. */
static void put_query(const struct tide_list *l, const struct order *order,
                      const struct place *place, size_t n, struct tide_str *sql)
{
    const char *key = order->by ? order->by->sql : l->id;
    const char *way = order->descending ? " DESC" : "", *than = order->descending ? "<" : ">";
    tide_str_printf(sql, "SELECT %s, %s, %s %s", l->row, l->id, key, l->from);
    if (l->pick) tide_str_printf(sql, " AND %s IN (SELECT %s %s", l->id, l->id, l->pick);
    if (place->given && order->by)
        tide_str_printf(sql, " AND (%s, %s) %s (?%zu, ?%zu)", key, l->id, than, n + 3, n + 2);
    else if (place->given)
        tide_str_printf(sql, " AND %s %s ?%zu", l->id, than, n + 2);
    tide_str_printf(sql, " ORDER BY %s%s, %s%s LIMIT ?%zu", key, way, l->id, way, n + 1);
    if (l->pick) tide_str_printf(sql, ") ORDER BY %s%s, %s%s", key, way, l->id, way);
}

static int bind_page(sqlite3_stmt *q, int n, const struct tide_page *page,
                     const struct place *place, const struct order *order)
{
    int code = sqlite3_bind_int64(q, n + 1, page->limit ? (int64_t)page->limit + 1 : -1);
    if (!code && place->given) code = sqlite3_bind_int64(q, n + 2, place->id);
    if (code || !place->given || !order->by) return code;
    return place->text ? sqlite3_bind_text(q, n + 3, place->value, -1, SQLITE_TRANSIENT)
                       : sqlite3_bind_int64(q, n + 3, place->integer);
}

/* A row more than the limit tells that there is a next page. */
static enum tide_rc put_rows(sqlite3_stmt *q, const struct tide_list *l, const struct order *order,
                             int limit, struct tide_str *out, struct tide_error *e)
{
    struct tide_str cursor = {0};
    enum tide_rc rc;
    int n = 0;
    tide_str_printf(out, "{\"%s\":[", l->name);
    while ((rc = tide_sql_step(q, e)) == TIDE_OK && (!limit || n < limit)) {
        if (n++) tide_str_put(out, ",");
        tide_str_put(out, (const char *)sqlite3_column_text(q, 0));
        cursor.length = 0;
        if (n == limit) put_cursor(order, q, &cursor);
    }
    if (rc == TIDE_OK || rc == TIDE_ABSENT)
        tide_str_printf(out, "],\"next\":%s}", rc == TIDE_OK ? cursor.at : "null");
    bool failed = out->failed || cursor.failed;
    tide_str_free(&cursor);
    if (rc != TIDE_OK && rc != TIDE_ABSENT) return rc;
    return failed ? tide_fail(e, TIDE_NOMEM, "answer with a list") : TIDE_OK;
}

enum tide_rc tide_store_list(struct tide_store *s, const struct tide_list *l,
                             const struct tide_page *page, struct tide_str *out,
                             struct tide_error *e, const char *types, ...)
{
    struct order order;
    struct place place = {0};
    struct tide_str sql = {0};
    sqlite3_stmt *q = NULL;
    va_list values;
    size_t n = strlen(types);
    enum tide_rc rc = read_order(l, page->sort, &order, e);
    if (rc) return rc;
    if (page->cursor && !read_place(page->cursor, &order, &place))
        return tide_fail_field(e, "cursor", "it must be `next` of a page in the same order");
    put_query(l, &order, &place, n, &sql);
    sqlite3 *db = tide_store_lend(s);
    va_start(values, types);
    rc = sql.failed ? tide_fail(e, TIDE_NOMEM, "answer with a list")
                    : tide_sql_prepare_list(db, &q, e, sql.at, types, &values);
    va_end(values);
    if (!rc && bind_page(q, (int)n, page, &place, &order)) rc = tide_sql_fail(db, "bind", e);
    if (!rc) rc = put_rows(q, l, &order, page->limit, out, e);
    sqlite3_finalize(q);
    tide_str_free(&sql);
    tide_store_give(s, db);
    return rc;
}
