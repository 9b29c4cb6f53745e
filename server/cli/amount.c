/* amount.c - see amount.h. */
#include "amount.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

struct scale {
    double from;
    const char *name;
};

static const struct scale bytes[] = {
    {1073741824, "GiB"}, {1048576, "MiB"}, {1024, "KiB"}, {0, "B"}};
static const struct scale times[] = {{1e9, "s"}, {1e6, "ms"}, {1e3, "us"}, {0, "ns"}};
static const struct scale plain[] = {{0, ""}};

static const struct scale *scales_of(const char *unit)
{
    if (!strncmp(unit, "bytes", 5)) return bytes;
    return strcmp(unit, "ns") ? plain : times;
}

const char *tide_amount_of(char *out, size_t room, const char *unit, double value, int sign)
{
    const struct scale *s = scales_of(unit);
    const char *rest = !strncmp(unit, "bytes ", 6) ? unit + 5 : ""; /* per iteration */
    while (fabs(value) < s->from)
        s++;
    double shown = s->from > 0 ? value / s->from : value;
    int digits = shown == floor(shown) && (s->from == 0 || fabs(shown) >= 1000) ? 0
                 : fabs(shown) >= 100                                           ? 1
                                                                                : 2;
    snprintf(out, room, sign ? "%+.*f%s%s%s" : "%.*f%s%s%s", digits, shown, *s->name ? " " : "",
             s->name, rest);
    return out;
}

const char *tide_amount(char *out, size_t room, const char *unit, const json_t *value, int sign)
{
    if (json_is_number(value))
        return tide_amount_of(out, room, unit, json_number_value(value), sign);
    snprintf(out, room, "-");
    return out;
}
