/* zone.c - see zone.h. Reads TZif files of versions 2 to 4 (RFC 9636): a header and a body of
 * 32-bit times, which is skipped, the same of 64-bit times, and a footer that is a rule of POSIX's
 * TZ for what comes after the last change. */
#include "schedule/zone.h"

#include "base/file.h"
#include "base/str.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define FOLDER    "/usr/share/zoneinfo"
#define FILE_MAX  (1u << 20)
#define HEAD_SIZE 44
#define DAY_S     86400

enum form { MONTH_WEEK_DAY, JULIAN, DAY_OF_YEAR };

struct change { /* when a rule changes over, in a year */
    enum form form;
    int month, week, day;
    int64_t time_s; /* local, may be negative or beyond a day */
};

struct rule { /* of POSIX's TZ; offsets east of UTC */
    int64_t standard, summer;
    bool has_summer;
    struct change begin, end;
};

struct tide_zone {
    int64_t *times, *offsets; /* from times[i] on the offset is offsets[i] */
    size_t n;
    int64_t first; /* before times[0] */
    struct rule rule;
    bool ruled;
};

/* ---- the calendar (Hinnant, chrono-compatible low-level date algorithms) ---- */

int64_t tide_zone_days(int64_t year, int month, int day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400, of_era = year - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

void tide_zone_date(int64_t days, int64_t *year, int *month, int *day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097, of_era = days - era * 146097;
    int64_t y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * y + y / 4 - y / 100), m = (5 * of_year + 2) / 153;
    *day = (int)(of_year - (153 * m + 2) / 5 + 1);
    *month = (int)(m < 10 ? m + 3 : m - 9);
    *year = y + era * 400 + (*month <= 2);
}

static bool is_leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* ---- the rule after the last change: "CET-1CEST,M3.5.0,M10.5.0/3" ---- */

static bool read_number(const char **at, int64_t *out)
{
    char *end = NULL;
    if (!isdigit((unsigned char)**at)) return false;
    *out = strtoll(*at, &end, 10);
    *at = end;
    return *out < 100000;
}

/* [+-]hh[:mm[:ss]] */
static bool read_time(const char **at, int64_t *out)
{
    int64_t sign = **at == '-' ? -1 : 1, part, unit = 3600;
    if (**at == '-' || **at == '+') ++*at;
    for (*out = 0; unit; unit /= 60) {
        if (!read_number(at, &part)) return false;
        *out += part * unit;
        if (**at != ':') break;
        ++*at;
    }
    *out *= sign;
    return true;
}

/* Letters, or anything in <>. */
static bool skip_name(const char **at)
{
    size_t n = **at == '<' ? strcspn(*at, ">") + 1 : 0;
    while (!n || (**at != '<' && isalpha((unsigned char)(*at)[n])))
        if (!isalpha((unsigned char)(*at)[n++])) return false;
    *at += n;
    return true;
}

static bool read_change(const char **at, struct change *out)
{
    int64_t part[3] = {0};
    *out = (struct change){.form = DAY_OF_YEAR, .time_s = 7200};
    if (**at == 'J' || **at == 'M') out->form = *(*at)++ == 'J' ? JULIAN : MONTH_WEEK_DAY;
    int parts = out->form == MONTH_WEEK_DAY ? 3 : 1;
    for (int i = 0; i < parts; i++)
        if ((i && *(*at)++ != '.') || !read_number(at, &part[i])) return false;
    out->month = (int)part[0];
    out->week = (int)part[1];
    out->day = (int)(parts == 3 ? part[2] : part[0]);
    if (**at != '/') return true;
    ++*at;
    return read_time(at, &out->time_s);
}

static bool read_rule(const char *at, struct rule *out)
{
    *out = (struct rule){0};
    if (!skip_name(&at) || !read_time(&at, &out->standard)) return false;
    out->standard = -out->standard;
    if (!*at) return true;
    out->has_summer = true;
    if (!skip_name(&at)) return false;
    out->summer = out->standard + 3600;
    if (*at && *at != ',') {
        if (!read_time(&at, &out->summer)) return false;
        out->summer = -out->summer;
    }
    return *at++ == ',' && read_change(&at, &out->begin) && *at++ == ',' &&
           read_change(&at, &out->end) && !*at;
}

/* The local time, as if it were UTC, at which the change of that year comes. */
static int64_t change_at(const struct change *c, int64_t year)
{
    int64_t days = tide_zone_days(year, 1, 1);
    if (c->form == JULIAN) days += c->day - 1 + (is_leap(year) && c->day > 59);
    if (c->form == DAY_OF_YEAR) days += c->day;
    if (c->form == MONTH_WEEK_DAY) {
        int64_t first = tide_zone_days(year, c->month, 1);
        int64_t next =
            c->month == 12 ? tide_zone_days(year + 1, 1, 1) : tide_zone_days(year, c->month + 1, 1);
        int64_t weekday = ((first + 4) % 7 + 7) % 7; /* 1970-01-01 was a Thursday */
        days = first + (c->day - weekday + 7) % 7 + 7 * (c->week - 1);
        while (days >= next)
            days -= 7;
    }
    return days * DAY_S + c->time_s;
}

static int64_t rule_offset(const struct rule *r, int64_t unix_s)
{
    int64_t year, local = unix_s + r->standard;
    int month, day;
    if (!r->has_summer) return r->standard;
    tide_zone_date((local >= 0 ? local : local - DAY_S + 1) / DAY_S, &year, &month, &day);
    int64_t begin = change_at(&r->begin, year) - r->standard,
            end = change_at(&r->end, year) - r->summer;
    bool summer = begin < end ? unix_s >= begin && unix_s < end : unix_s >= begin || unix_s < end;
    return summer ? r->summer : r->standard;
}

/* ---- the file ---- */

static int64_t take(const unsigned char *at, size_t n)
{
    uint64_t value = at[0] & 0x80 ? UINT64_MAX : 0;
    for (size_t i = 0; i < n; i++)
        value = value << 8 | at[i];
    return (int64_t)value;
}

struct counts { /* of a body, as its header gives them */
    size_t utc, standard, leaps, times, types, letters;
};

static bool read_head(const unsigned char *at, size_t left, struct counts *c)
{
    size_t *const fields[] = {&c->utc, &c->standard, &c->leaps, &c->times, &c->types, &c->letters};
    if (left < HEAD_SIZE || memcmp(at, "TZif", 4) != 0 || at[4] < '2') return false;
    for (size_t i = 0; i < 6; i++)
        *fields[i] = (size_t)(take(at + 20 + 4 * i, 4) & 0xffffff);
    return c->types > 0;
}

static size_t body_size(const struct counts *c, size_t wide)
{
    return c->times * (wide + 1) + c->types * 6 + c->letters + c->leaps * (wide + 4) + c->standard +
           c->utc;
}

static bool read_body(struct tide_zone *z, const unsigned char *at, const struct counts *c)
{
    const unsigned char *kinds = at + 8 * c->times, *types = kinds + c->times;
    z->n = c->times;
    z->times = calloc(c->times + 1, sizeof *z->times);
    z->offsets = calloc(c->times + 1, sizeof *z->offsets);
    if (!z->times || !z->offsets) return false;
    z->first = take(types, 4);
    for (size_t i = 0; i < z->n; i++) {
        if (kinds[i] >= c->types) return false;
        z->times[i] = take(at + 8 * i, 8);
        z->offsets[i] = take(types + (size_t)6 * kinds[i], 4);
    }
    return true;
}

static bool read_footer(struct tide_zone *z, const unsigned char *at, size_t left)
{
    char text[128];
    const unsigned char *end = left > 1 ? memchr(at + 1, '\n', left - 1) : NULL;
    if (!end || *at != '\n' || (size_t)(end - at) > sizeof text) return false;
    memcpy(text, at + 1, (size_t)(end - at) - 1);
    text[end - at - 1] = '\0';
    z->ruled = *text != '\0';
    return !z->ruled || read_rule(text, &z->rule);
}

static bool read_file(struct tide_zone *z, const unsigned char *at, size_t n)
{
    struct counts old, new;
    if (!read_head(at, n, &old)) return false;
    size_t skip = HEAD_SIZE + body_size(&old, 4);
    if (skip > n || !read_head(at + skip, n - skip, &new)) return false;
    size_t size = HEAD_SIZE + body_size(&new, 8);
    return size <= n - skip && read_body(z, at + skip + HEAD_SIZE, &new) &&
           read_footer(z, at + skip + size, n - skip - size);
}

static bool is_name(const char *name)
{
    size_t n = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/");
    return *name && !name[n] && *name != '/' && n < 64;
}

enum tide_rc tide_zone_open(const char *name, struct tide_zone **out, struct tide_error *e)
{
    char *text = NULL, *path = is_name(name) ? tide_format(FOLDER "/%s", name) : NULL;
    size_t n = 0;
    struct tide_zone *z = calloc(1, sizeof *z);
    enum tide_rc rc = !z     ? TIDE_NOMEM
                      : path ? tide_file_read(path, FILE_MAX, &text, &n, NULL)
                             : TIDE_INVALID;
    *out = NULL;
    if (!rc && read_file(z, (const unsigned char *)text, n)) {
        *out = z;
        z = NULL;
    } else if (rc != TIDE_NOMEM) {
        rc = tide_fail_field(
            e, "timezone",
            "no time zone \"%.64s\" in " FOLDER ": name one like Europe/Berlin or UTC", name);
    } else {
        tide_fail(e, rc, "read a time zone");
    }
    tide_zone_close(z);
    free(text);
    free(path);
    return rc;
}

void tide_zone_close(struct tide_zone *z)
{
    if (!z) return;
    free(z->times);
    free(z->offsets);
    free(z);
}

int64_t tide_zone_offset(const struct tide_zone *z, int64_t unix_s)
{
    size_t low = 0, high = z->n; /* times[low - 1] <= unix_s < times[high] */
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (z->times[middle] <= unix_s)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == z->n && z->ruled) return rule_offset(&z->rule, unix_s);
    return low ? z->offsets[low - 1] : z->first;
}
