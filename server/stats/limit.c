/* limit.c - see limit.h. */
#include "stats/limit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    double factor;
} units[] = {
    {"", 1},     {"B", 1},    {"KiB", 1024}, {"MiB", 1048576}, {"GiB", 1073741824}, {"kB", 1000},
    {"MB", 1e6}, {"GB", 1e9}, {"ns", 1},     {"us", 1e3},      {"ms", 1e6},         {"s", 1e9},
};

/* One part of n characters. */
static bool read_part(const char *text, size_t n, struct tide_limit *out)
{
    char part[40], *end;
    if (!n || n >= sizeof part) return false;
    memcpy(part, text, n);
    part[n] = '\0';
    double value = strtod(part, &end);
    if (end == part || !isfinite(value) || value < 0) return false;
    end += strspn(end, " ");
    if (!strcmp(end, "%")) {
        out->share = fmax(out->share, value / 100);
        return true;
    }
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (!strcmp(end, units[i].name)) {
            out->amount = fmax(out->amount, value * units[i].factor);
            return true;
        }
    return false;
}

enum tide_rc tide_limit_parse(const char *text, struct tide_limit *out, struct tide_error *e)
{
    *out = (struct tide_limit){0};
    for (const char *at = text;; at++) {
        at += strspn(at, " ");
        size_t n = strcspn(at, ",");
        if (!read_part(at, n, out))
            return tide_fail(e, TIDE_INVALID,
                             "\"%.40s\" is no limit: write a percentage, an amount or both, like "
                             "2%%, 256KiB or 2%%,256KiB",
                             text);
        at += n;
        if (!*at) return TIDE_OK;
    }
}

double tide_limit_from(const struct tide_limit *limit, double base)
{
    return fmax(limit->amount, limit->share * fabs(base));
}
