/* readings.c - see readings.h. Both formats become a list of samples in the order of the text,
 * which is sorted by number, or by name and then by first appearance, so that the samples of a
 * position come to stand together. */
#include "stats/readings.h"

#include "stats/robust.h"

#include <ctype.h>
#include <jansson.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct sample {
    char *position;
    double number, value;
    size_t entry; /* of the text, from 0 */
};

struct samples {
    struct sample *at;
    size_t n, capacity;
    size_t entries;
};

static void free_samples(struct samples *s)
{
    for (size_t i = 0; i < s->n; i++)
        free(s->at[i].position);
    free(s->at);
}

static bool read_number(const char *text, double *out)
{
    char *end;
    *out = strtod(text, &end);
    return end != text && !*end && isfinite(*out) && !strpbrk(text, "xX");
}

static enum tide_rc add(struct samples *s, const char *position, double value, struct tide_error *e)
{
    if (s->n == s->capacity) {
        size_t capacity = s->capacity ? 2 * s->capacity : 256;
        struct sample *at = realloc(s->at, capacity * sizeof *at);
        if (!at) return tide_fail(e, TIDE_NOMEM, "read %zu measurements", capacity);
        s->at = at;
        s->capacity = capacity;
    }
    struct sample sample = {strdup(position), NAN, value, s->entries};
    if (!sample.position) return tide_fail(e, TIDE_NOMEM, "read a measurement");
    if (!read_number(position, &sample.number)) sample.number = NAN;
    s->at[s->n++] = sample;
    return TIDE_OK;
}

/* ---- CSV ---- */

#define CELLS_MAX 1000

struct line {
    char *cells[CELLS_MAX];
    size_t n;
    size_t number; /* in the file, from 1 */
};

static char *trim(char *cell)
{
    while (isspace((unsigned char)*cell))
        cell++;
    size_t n = strlen(cell);
    while (n && isspace((unsigned char)cell[n - 1]))
        n--;
    if (n > 1 && cell[0] == '"' && cell[n - 1] == '"') {
        cell++;
        n -= 2;
    }
    cell[n] = '\0';
    return cell;
}

static enum tide_rc split(char *text, const char *separators, struct line *line,
                          struct tide_error *e)
{
    line->n = 0;
    for (char *rest = text; rest;) {
        char *cell = strsep(&rest, separators);
        if (line->n == CELLS_MAX)
            return tide_fail(e, TIDE_INVALID, "line %zu: more than %d cells", line->number,
                             CELLS_MAX);
        line->cells[line->n++] = trim(cell);
    }
    return TIDE_OK;
}

static bool is_missing(const char *cell)
{
    return !*cell || !strcasecmp(cell, "na") || !strcasecmp(cell, "nan") ||
           !strcasecmp(cell, "null");
}

static bool is_value(const char *cell, double *value)
{
    *value = NAN;
    return is_missing(cell) || read_number(cell, value);
}

/* Is this first line one of names? A number gone wrong in it must not pass for a heading. */
static bool is_heading(const struct line *line)
{
    for (size_t i = 0; i < line->n; i++) {
        double value;
        bool name = !is_value(line->cells[i], &value) && !strchr("+-.0123456789", *line->cells[i]);
        if (!name && *line->cells[i]) return false;
    }
    return true;
}

static enum tide_rc add_line(struct samples *s, const struct line *line, struct tide_error *e)
{
    char number[32];
    snprintf(number, sizeof number, "%zu", s->entries);
    size_t first = line->n > 1;
    const char *name = first ? line->cells[0] : number;
    if (!*name) return tide_fail(e, TIDE_INVALID, "line %zu: it has no position", line->number);
    for (size_t i = first; i < line->n; i++) {
        double value;
        if (!is_value(line->cells[i], &value))
            return tide_fail(e, TIDE_INVALID, "line %zu: \"%.40s\" is not a finite number",
                             line->number, line->cells[i]);
        enum tide_rc rc = add(s, name, value, e);
        if (rc) return rc;
    }
    s->entries++;
    return TIDE_OK;
}

/* The first of tab, semicolon and comma that the line has. */
static const char *find_separator(const char *text)
{
    size_t length = strcspn(text, "\n");
    static const char *const known[] = {"\t", ";", ","};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (memchr(text, known[i][0], length)) return known[i];
    return ",";
}

static enum tide_rc parse_csv(char *text, struct samples *s, struct tide_error *e)
{
    struct line line = {.number = 0};
    const char *separator = NULL;
    bool first = true;
    for (char *rest = text; rest;) {
        const char *ahead = rest;
        if (!separator && !strchr("#\r\n", *ahead)) separator = find_separator(ahead);
        char *raw = strsep(&rest, "\n");
        line.number++;
        if (raw[strspn(raw, " \t\r")] == '\0' || *raw == '#') continue;
        enum tide_rc rc = split(raw, separator ? separator : ",", &line, e);
        bool heading = !rc && first && is_heading(&line);
        first = false;
        if (!rc && !heading && s->entries >= TIDE_READINGS_MAX)
            rc = tide_fail(e, TIDE_INVALID, "line %zu: more than %d lines", line.number,
                           TIDE_READINGS_MAX);
        if (!rc && !heading) rc = add_line(s, &line, e);
        if (rc) return rc;
    }
    return TIDE_OK;
}

/* ---- JSON ---- */

static enum tide_rc wrong_entry(size_t entry, struct tide_error *e)
{
    return tide_fail(e, TIDE_INVALID,
                     "entry %zu is neither a number nor [position, value, ...] nor {\"position\": "
                     "..., \"value\": number or list}",
                     entry);
}

static char *position_of(const json_t *p, size_t entry)
{
    char text[64];
    if (json_is_string(p)) return *json_string_value(p) ? strdup(json_string_value(p)) : NULL;
    if (json_is_integer(p))
        snprintf(text, sizeof text, "%lld", (long long)json_integer_value(p));
    else if (json_is_real(p))
        snprintf(text, sizeof text, "%.17g", json_real_value(p));
    else if (!p)
        snprintf(text, sizeof text, "%zu", entry);
    else
        return NULL;
    return strdup(text);
}

/* A number or null, or a list of them. */
static enum tide_rc add_values(struct samples *s, const char *position, const json_t *v,
                               struct tide_error *e)
{
    if (json_is_number(v)) return add(s, position, json_number_value(v), e);
    if (json_is_null(v)) return add(s, position, NAN, e);
    if (!json_is_array(v) || !json_array_size(v)) return wrong_entry(s->entries, e);
    enum tide_rc rc = TIDE_OK;
    for (size_t i = 0; i < json_array_size(v) && !rc; i++) {
        const json_t *one = json_array_get(v, i);
        rc = json_is_array(one) ? wrong_entry(s->entries, e) : add_values(s, position, one, e);
    }
    return rc;
}

static const json_t *first_of(const json_t *object, const char *const *keys)
{
    const json_t *found = NULL;
    for (; *keys && !found; keys++)
        found = json_object_get(object, *keys);
    return found;
}

static enum tide_rc add_list(struct samples *s, const char *position, const json_t *list,
                             struct tide_error *e)
{
    enum tide_rc rc = json_array_size(list) < 2 ? wrong_entry(s->entries, e) : TIDE_OK;
    for (size_t i = 1; i < json_array_size(list) && !rc; i++)
        rc = add_values(s, position, json_array_get(list, i), e);
    return rc;
}

static enum tide_rc add_entry(struct samples *s, const json_t *entry, struct tide_error *e)
{
    static const char *const value_keys[] = {"value", "values", "samples", NULL};
    const json_t *at =
        json_is_array(entry) ? json_array_get(entry, 0) : json_object_get(entry, "position");
    char *position = position_of(at, s->entries);
    enum tide_rc rc = TIDE_OK;
    if (!position)
        rc = wrong_entry(s->entries, e);
    else if (json_is_array(entry))
        rc = add_list(s, position, entry, e);
    else
        rc =
            add_values(s, position, json_is_object(entry) ? first_of(entry, value_keys) : entry, e);
    free(position);
    s->entries++;
    return rc;
}

static enum tide_rc parse_json(const char *text, size_t n, struct samples *s, struct tide_error *e)
{
    static const char *const list_keys[] = {"values", "series", "points", NULL};
    json_error_t error;
    json_t *root = json_loadb(text, n, 0, &error);
    if (!root)
        return tide_fail(e, TIDE_INVALID, "line %d: it is not JSON: %s", error.line, error.text);
    const json_t *list = json_is_object(root) ? first_of(root, list_keys) : root;
    enum tide_rc rc = TIDE_OK;
    if (!json_is_array(list) || json_array_size(list) > TIDE_READINGS_MAX)
        rc = tide_fail(e, TIDE_INVALID, "line 1: it holds no list of up to %d measurements",
                       TIDE_READINGS_MAX);
    for (size_t i = 0; !rc && i < json_array_size(list); i++)
        rc = add_entry(s, json_array_get(list, i), e);
    json_decref(root);
    return rc;
}

/* ---- positions ---- */

static int compare_entries(const struct sample *a, const struct sample *b)
{
    return (a->entry > b->entry) - (a->entry < b->entry);
}

static int by_number(const void *a, const void *b)
{
    const struct sample *x = a, *y = b;
    int order = (x->number > y->number) - (x->number < y->number);
    return order ? order : compare_entries(x, y);
}

static int by_name(const void *a, const void *b)
{
    const struct sample *x = a, *y = b;
    int order = strcmp(x->position, y->position);
    return order ? order : compare_entries(x, y);
}

static int by_entry(const void *a, const void *b)
{
    return compare_entries(a, b);
}

static bool are_numbers(const struct samples *s)
{
    for (size_t i = 0; i < s->n; i++)
        if (isnan(s->at[i].number)) return false;
    return true;
}

/* Give all samples of a name the entry of its first, so that sorting by entry gathers them. */
static void gather_names(struct samples *s)
{
    qsort(s->at, s->n, sizeof *s->at, by_name);
    for (size_t i = 1; i < s->n; i++)
        if (!strcmp(s->at[i].position, s->at[i - 1].position)) s->at[i].entry = s->at[i - 1].entry;
    qsort(s->at, s->n, sizeof *s->at, by_entry);
}

/* The samples at from.. that are of one position, as a reading; how many they were. */
static size_t take_position(struct samples *s, size_t from, bool numbers, double *room,
                            struct tide_reading *out)
{
    size_t to = from, known = 0;
    for (; to < s->n; to++) {
        bool same =
            numbers ? s->at[to].number == s->at[from].number : s->at[to].entry == s->at[from].entry;
        if (!same) break;
        if (!isnan(s->at[to].value)) room[known++] = s->at[to].value;
    }
    *out = (struct tide_reading){s->at[from].position, s->at[from].number,
                                 tide_robust_median(room, known), known};
    s->at[from].position = NULL;
    return to - from;
}

static enum tide_rc settle(struct samples *s, struct tide_readings *out, struct tide_error *e)
{
    if (!s->n) return tide_fail(e, TIDE_INVALID, "line 1: there is no measurement");
    bool numbers = are_numbers(s);
    double *room = calloc(s->n, sizeof *room);
    out->at = calloc(s->n, sizeof *out->at);
    if (numbers)
        qsort(s->at, s->n, sizeof *s->at, by_number);
    else
        gather_names(s);
    for (size_t i = 0; room && out->at && i < s->n; out->n++)
        i += take_position(s, i, numbers, room, &out->at[out->n]);
    bool failed = !room || !out->at;
    free(room);
    return failed ? tide_fail(e, TIDE_NOMEM, "order %zu measurements", s->n) : TIDE_OK;
}

enum tide_rc tide_readings_parse(const char *text, size_t n, struct tide_readings *out,
                                 struct tide_error *e)
{
    struct samples s = {0};
    enum tide_rc rc = TIDE_OK;
    *out = (struct tide_readings){0};
    if (memchr(text, '\0', n)) return tide_fail(e, TIDE_INVALID, "line 1: it is not a text");
    if (strchr("[{", text[strspn(text, " \t\r\n")]) && text[strspn(text, " \t\r\n")])
        rc = parse_json(text, n, &s, e);
    else {
        char *copy = strdup(text);
        rc = copy ? parse_csv(copy, &s, e) : tide_fail(e, TIDE_NOMEM, "read a file");
        free(copy);
    }
    if (!rc) rc = settle(&s, out, e);
    free_samples(&s);
    if (rc) tide_readings_free(out);
    return rc;
}

void tide_readings_free(struct tide_readings *r)
{
    for (size_t i = 0; i < r->n; i++)
        free(r->at[i].position);
    free(r->at);
    *r = (struct tide_readings){0};
}
