/* cron.c - see cron.h. */
#include "schedule/cron.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define DAY_S  86400
#define DAYS   (366L * 9)
#define FIELDS 5

static const struct field {
    const char *name;
    int least, most;
    const char *words; /* of three letters each, for the values from `least` on */
} fields[FIELDS] = {
    {"minute", 0, 59, ""},
    {"hour", 0, 23, ""},
    {"day of the month", 1, 31, ""},
    {"month", 1, 12, "janfebmaraprmayjunjulaugsepoctnovdec"},
    {"day of the week", 0, 7, "sunmontuewedthufrisat"},
};

/* ---- parsing ---- */

static enum tide_rc refuse(const struct field *f, struct tide_error *e)
{
    return tide_fail(e, TIDE_INVALID,
                     "the %s must be * or numbers%s from %d to %d, with ranges, steps and commas "
                     "(*/15, 1-5, 1,3-7/2)",
                     f->name, *f->words ? " or names" : "", f->least, f->most);
}

/* A number or a name; -1 when there is none. */
static int read_value(const struct field *f, const char **at)
{
    if (isdigit((unsigned char)**at)) {
        char *end = NULL;
        long value = strtol(*at, &end, 10);
        *at = end;
        return value >= f->least && value <= f->most ? (int)value : -1;
    }
    for (size_t i = 0; f->words[i]; i += 3)
        if (!strncasecmp(*at, f->words + i, 3)) {
            *at += 3;
            return f->least + (int)i / 3;
        }
    return -1;
}

/* `*`, a value or a range, with a step where it may have one. */
static bool read_item(const struct field *f, const char **at, uint64_t *bits)
{
    int first = f->least, last = f->most, step = 1;
    bool range = true;
    if (**at == '*') {
        ++*at;
    } else {
        first = last = read_value(f, at);
        range = **at == '-';
        if (range) {
            ++*at;
            last = read_value(f, at);
        }
    }
    if (range && **at == '/') {
        char *end = NULL;
        ++*at;
        step = isdigit((unsigned char)**at) ? (int)strtol(*at, &end, 10) : 0;
        if (step < 1 || step > f->most) return false;
        *at = end;
    }
    if (first < 0 || last < first) return false;
    for (int value = first; value <= last; value += step)
        *bits |= UINT64_C(1) << value;
    return true;
}

static enum tide_rc read_field(const struct field *f, const char **at, uint64_t *bits, bool *star,
                               struct tide_error *e)
{
    *bits = 0;
    *star = **at == '*';
    do {
        if (!read_item(f, at, bits)) return refuse(f, e);
    } while (**at == ',' && ++*at);
    if (**at && !isspace((unsigned char)**at)) return refuse(f, e);
    while (isspace((unsigned char)**at))
        ++*at;
    return TIDE_OK;
}

/* What a word stands for; NULL when there is no such word. */
static const char *expand(const char *text)
{
    static const char *const words[][2] = {
        {"@yearly", "0 0 1 1 *"}, {"@annually", "0 0 1 1 *"}, {"@monthly", "0 0 1 * *"},
        {"@weekly", "0 0 * * 0"}, {"@daily", "0 0 * * *"},    {"@midnight", "0 0 * * *"},
        {"@hourly", "0 * * * *"},
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!strcasecmp(text, words[i][0])) return words[i][1];
    return NULL;
}

enum tide_rc tide_cron_parse(const char *text, struct tide_cron *out, struct tide_error *e)
{
    uint64_t bits[FIELDS];
    bool stars[FIELDS];
    enum tide_rc rc = TIDE_OK;
    *out = (struct tide_cron){0};
    while (isspace((unsigned char)*text))
        text++;
    const char *at = *text == '@' ? expand(text) : text;
    if (!at)
        return tide_fail(e, TIDE_INVALID,
                         "the words are @yearly, @annually, @monthly, @weekly, @daily, @midnight "
                         "and @hourly");
    for (size_t i = 0; i < FIELDS && !rc; i++)
        rc =
            *at ? read_field(&fields[i], &at, &bits[i], &stars[i], e)
                : tide_fail(e, TIDE_INVALID,
                            "five fields are needed: minute, hour, day of the month, month, day of "
                            "the week");
    if (!rc && *at) rc = tide_fail(e, TIDE_INVALID, "there is something after the fifth field");
    if (rc) return rc;
    *out = (struct tide_cron){
        .minutes = bits[0],
        .hours = (uint32_t)bits[1],
        .days = (uint32_t)bits[2],
        .months = (uint32_t)bits[3],
        .weekdays = (uint32_t)((bits[4] | bits[4] >> 7) & 0x7f),
        .any_day = stars[2],
        .any_weekday = stars[4],
        .by_hours = stars[1],
    };
    return TIDE_OK;
}

/* ---- the next time ---- */

static bool fits_day(const struct tide_cron *c, int64_t days)
{
    int64_t year;
    int month, day;
    tide_zone_date(days, &year, &month, &day);
    bool in_month = c->days >> day & 1;
    bool in_week = c->weekdays >> ((days + 4) % 7 + 7) % 7 & 1;
    bool either = !c->any_day && !c->any_weekday;
    return (c->months >> month & 1) && (either ? in_month || in_week : in_month && in_week);
}

/* The first instant from `low` on at which the offset is not `before` any more; it is by `high`. */
static int64_t find_change(const struct tide_zone *z, int64_t low, int64_t high, int64_t before)
{
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (tide_zone_offset(z, middle) == before)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The instants of a local time (as if it were UTC): none, one or two. */
static size_t find_instants(const struct tide_cron *c, const struct tide_zone *z, int64_t local,
                            int64_t out[2])
{
    int64_t before = tide_zone_offset(z, local - DAY_S), after = tide_zone_offset(z, local + DAY_S);
    size_t n = 0;
    if (tide_zone_offset(z, local - before) == before) out[n++] = local - before;
    if (after != before && tide_zone_offset(z, local - after) == after) out[n++] = local - after;
    if (!n && !c->by_hours) out[n++] = find_change(z, local - DAY_S, local + DAY_S, before);
    return n == 2 && !c->by_hours ? 1 : n;
}

/* The first instant of the day after `after_s`; INT64_MAX for none. */
static int64_t first_of_day(const struct tide_cron *c, const struct tide_zone *z, int64_t days,
                            int64_t after_s)
{
    int64_t best = INT64_MAX, found[2];
    for (int hour = 0; hour < 24; hour++) {
        if (!(c->hours >> hour & 1)) continue;
        for (int minute = 0; minute < 60; minute++) {
            if (!(c->minutes >> minute & 1)) continue;
            size_t n = find_instants(c, z, days * DAY_S + hour * 3600L + minute * 60L, found);
            for (size_t i = 0; i < n; i++)
                if (found[i] > after_s && found[i] < best) best = found[i];
        }
    }
    return best;
}

enum tide_rc tide_cron_next(const struct tide_cron *c, const struct tide_zone *z, int64_t after_s,
                            int64_t *out, struct tide_error *e)
{
    int64_t local = after_s + tide_zone_offset(z, after_s);
    int64_t today = (local >= 0 ? local : local - DAY_S + 1) / DAY_S;
    for (int64_t days = today - 1; days < today + DAYS;
         days++) { /* clocks go back over midnight too */
        if (!fits_day(c, days)) continue;
        *out = first_of_day(c, z, days, after_s);
        if (*out != INT64_MAX) return TIDE_OK;
    }
    return tide_fail(e, TIDE_ABSENT, "no day fits");
}
