/* cpus.c - see cpus.h. */
#include "schedule/cpus.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One number of a list; -1 when there is none. */
static long read_cpu(const char **at)
{
    char *end = NULL;
    if (**at < '0' || **at > '9') return -1;
    long cpu = strtol(*at, &end, 10);
    *at = end;
    return cpu < CPU_SETSIZE ? cpu : -1;
}

/* "2-3,6" as a set; false when it is out of shape. */
static bool read_list(const char *text, cpu_set_t *out)
{
    CPU_ZERO(out);
    for (;;) {
        long first = read_cpu(&text), last = first;
        if (first >= 0 && *text == '-') {
            text++;
            last = read_cpu(&text);
        }
        if (first < 0 || last < first) return false;
        for (long cpu = first; cpu <= last; cpu++)
            CPU_SET((size_t)cpu, out);
        if (!*text) return true;
        if (*text++ != ',') return false;
    }
}

static bool is_within(const cpu_set_t *inner, const cpu_set_t *outer)
{
    cpu_set_t both;
    CPU_AND(&both, inner, outer);
    return CPU_EQUAL(&both, inner);
}

static enum tide_rc add_set(struct tide_cpus *c, const char *text, struct tide_error *e)
{
    cpu_set_t set, rest, both;
    if (!text || strlen(text) >= TIDE_CPU_LIST_MAX || !read_list(text, &set))
        return tide_fail(e, TIDE_INVALID, "must be a list of CPUs like \"3\" or \"2-3,6\"");
    if (!is_within(&set, &c->all))
        return tide_fail(e, TIDE_INVALID,
                         "names a CPU that this process may not use (%d it may: see "
                         "Cpus_allowed_list in /proc/self/status)",
                         CPU_COUNT(&c->all));
    CPU_AND(&both, &set, &c->others);
    if (!CPU_EQUAL(&both, &set))
        return tide_fail(e, TIDE_INVALID, "names a CPU that another set has already");
    CPU_XOR(&rest, &c->others, &set);
    c->others = rest;
    snprintf(c->sets[c->n++], TIDE_CPU_LIST_MAX, "%s", text);
    return TIDE_OK;
}

static enum tide_rc add_last(struct tide_cpus *c, struct tide_error *e)
{
    char text[16];
    int last = CPU_SETSIZE - 1;
    while (last >= 0 && !CPU_ISSET((size_t)last, &c->all))
        last--;
    snprintf(text, sizeof text, "%d", last);
    return CPU_COUNT(&c->all) > 1 ? add_set(c, text, e) : TIDE_OK;
}

enum tide_rc tide_cpus_settle(const json_t *wanted, struct tide_cpus *out, struct tide_error *e)
{
    enum tide_rc rc = TIDE_OK;
    *out = (struct tide_cpus){0};
    if (sched_getaffinity(0, sizeof out->all, &out->all))
        return TIDE_OK; /* more than a cpu_set_t has */
    out->others = out->all;
    if (!wanted) return add_last(out, e);
    if (!json_is_array(wanted) || json_array_size(wanted) > TIDE_CPU_SETS_MAX)
        return tide_fail(e, TIDE_INVALID, "must be a list of at most %d lists of CPUs",
                         TIDE_CPU_SETS_MAX);
    for (size_t i = 0; i < json_array_size(wanted) && !rc; i++)
        rc = add_set(out, json_string_value(json_array_get(wanted, i)), e);
    /* Where runs take all CPUs, the rest shares them. */
    if (!CPU_COUNT(&out->others)) out->others = out->all;
    return rc;
}

void tide_cpus_keep_off(const struct tide_cpus *c)
{
    if (c->n && sched_setaffinity(0, sizeof c->others, &c->others)) {} /* a CPU went away: stay */
}

void tide_cpus_use_all(const struct tide_cpus *c)
{
    if (c->n && sched_setaffinity(0, sizeof c->all, &c->all)) {}
}
