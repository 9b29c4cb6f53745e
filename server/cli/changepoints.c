/* changepoints.c - `tidemark changepoints`: the method of server/stats/changes.c on any series. */
#include "base/str.h"
#include "cli/commands.h"
#include "stats/changes.h"
#include "stats/readings.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX (64u << 20)

struct arguments {
    struct tide_common common;
    const char *file;
    bool gate;
    double floor, floor_percent, least, least_percent; /* below 0: not given */
};

struct result {
    struct tide_readings readings;
    struct tide_change *changes;
    size_t count;
};

static double read_size(struct argp_state *state, const char *name, const char *value)
{
    char *end;
    double v = strtod(value, &end);
    if (end == value || *end || !isfinite(v) || v < 0)
        argp_error(state, "--%s: \"%s\" is not a number of 0 or more", name, value);
    return v;
}

static error_t parse(int key, char *value, struct argp_state *state)
{
    struct arguments *a = state->input;
    switch (key) {
    case 'g': a->gate = true; return 0;
    case 'f': a->floor = read_size(state, "floor", value); return 0;
    case 'F': a->floor_percent = read_size(state, "floor-percent", value); return 0;
    case 'l': a->least = read_size(state, "least", value); return 0;
    case 'L': a->least_percent = read_size(state, "least-percent", value); return 0;
    case ARGP_KEY_ARG:
        if (a->file) argp_error(state, "one file at a time");
        a->file = value;
        return 0;
    case ARGP_KEY_END:
        if (!a->file) argp_error(state, "which file? (- for standard input)");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option options[] = {
    {"gate", 'g', 0, 0, "Exit with 1 when a confirmed change point raises the level", 0},
    {"floor", 'f', "SIZE", 0,
     "Smallest change that counts where the series shows no noise, in its unit (default: 32768 "
     "when all values are whole pages of 4096, else 0)",
     0},
    {"floor-percent", 'F', "PERCENT", 0, "The same in percent of the level (default: 0.1)", 0},
    {"least", 'l', "SIZE", 0, "Smallest change that is reported at all (default: 0)", 0},
    {"least-percent", 'L', "PERCENT", 0, "The same in percent of the level (default: 0)", 0},
    {0},
};
static enum tide_rc read_text(const char *path, struct tide_str *text, struct tide_error *e)
{
    char block[65536];
    size_t n;
    bool standard = !strcmp(path, "-");
    FILE *file = standard ? stdin : fopen(path, "rbe");
    enum tide_rc rc = TIDE_OK;
    if (!file) return tide_fail_errno(e, "open %s", path);
    text->ceiling = FILE_MAX;
    while ((n = fread(block, 1, sizeof block, file)) > 0)
        tide_str_add(text, block, n);
    if (ferror(file)) rc = tide_fail_errno(e, "read %s", path);
    if (!rc && text->failed)
        rc = tide_fail(e, TIDE_INVALID, "it is larger than %u MiB", FILE_MAX >> 20);
    if (!standard) fclose(file);
    return rc;
}

static struct tide_change_options choose_options(const struct arguments *a, const double *values,
                                                 size_t n)
{
    struct tide_change_options o = tide_change_defaults(values, n);
    if (a->floor >= 0) o.floor = a->floor;
    if (a->floor_percent >= 0) o.floor_share = a->floor_percent / 100;
    if (a->least >= 0) o.least = a->least;
    if (a->least_percent >= 0) o.least_share = a->least_percent / 100;
    return o;
}

static enum tide_rc find(const struct arguments *a, struct result *r, struct tide_error *e)
{
    double *values = calloc(r->readings.n, sizeof *values);
    if (!values) return tide_fail(e, TIDE_NOMEM, "analyse a series");
    for (size_t i = 0; i < r->readings.n; i++)
        values[i] = r->readings.at[i].value;
    struct tide_change_options o = choose_options(a, values, r->readings.n);
    enum tide_rc rc = tide_changes_find(values, r->readings.n, &o, &r->changes, &r->count, e);
    free(values);
    return rc;
}

static const char *status_of(const struct tide_change *c)
{
    return c->status == TIDE_CONFIRMED ? "confirmed" : "suspect";
}

static const char *kind_of(const struct tide_change *c)
{
    return c->kind == TIDE_STEP ? "step" : "creep";
}

static void print_table(const struct result *r)
{
    if (!r->count) puts("No change point.");
    for (size_t i = 0; i < r->count; i++) {
        const struct tide_change *c = &r->changes[i];
        printf("%-9s %-5s at %s (index %zu", status_of(c), kind_of(c),
               r->readings.at[c->index].position, c->index);
        if (c->kind == TIDE_CREEP) printf(" to %zu", c->end);
        printf("): %+.10g", c->effect);
        if (c->before != 0) printf(" (%+.3g %%)", 100 * c->effect / fabs(c->before));
        printf(", 95 %% interval %.10g to %.10g; %.10g before, %.10g after\n", c->low, c->high,
               c->before, c->after);
    }
}

static json_t *describe_position(const struct tide_reading *reading)
{
    double number = reading->number;
    if (isnan(number)) return json_string(reading->position);
    bool whole = fabs(number) < 1e15 && number == floor(number);
    return whole ? json_integer((json_int_t)number) : json_real(number);
}

static int print_json(const struct result *r)
{
    json_t *list = json_array();
    for (size_t i = 0; i < r->count; i++) {
        const struct tide_change *c = &r->changes[i];
        json_t *one = json_pack("{s:I, s:I, s:o, s:s, s:s, s:f, s:[ff], s:f, s:f}", "index",
                                (json_int_t)c->index, "end", (json_int_t)c->end, "position",
                                describe_position(&r->readings.at[c->index]), "status",
                                status_of(c), "kind", kind_of(c), "effect", c->effect, "interval",
                                c->low, c->high, "before", c->before, "after", c->after);
        if (!list || !one || json_array_append_new(list, one)) {
            json_decref(list);
            return -1;
        }
    }
    int failed = list ? json_dumpf(list, stdout, JSON_INDENT(2)) : -1;
    putchar('\n');
    json_decref(list);
    return failed;
}

static bool is_rise(const struct result *r)
{
    for (size_t i = 0; i < r->count; i++)
        if (r->changes[i].status == TIDE_CONFIRMED && r->changes[i].effect > 0) return true;
    return false;
}

static enum tide_rc print(const struct arguments *a, const struct result *r, struct tide_error *e)
{
    if (!a->common.json)
        print_table(r);
    else if (print_json(r))
        return tide_fail(e, TIDE_IO, "the result could not be written");
    return fflush(stdout) ? tide_fail_errno(e, "write the result") : TIDE_OK;
}

static int run(const struct tide_cli *c, int argc, char **argv)
{
    struct arguments a = {.floor = -1, .floor_percent = -1, .least = -1, .least_percent = -1};
    struct result r = {0};
    struct tide_str text = {0};
    struct tide_error e;
    tide_cli_parse(c, argc, argv, &a.common, &a);
    enum tide_rc rc = read_text(a.file, &text, &e);
    if (!rc) rc = tide_readings_parse(text.at ? text.at : "", text.length, &r.readings, &e);
    if (!rc) rc = find(&a, &r, &e);
    if (!rc) rc = print(&a, &r, &e);
    if (rc) fprintf(stderr, "%s: %s: %s\n", c->title, a.file, e.text);
    bool rise = !rc && a.gate && is_rise(&r);
    free(r.changes);
    tide_readings_free(&r.readings);
    tide_str_free(&text);
    if (!rc) return rise ? TIDE_EXIT_REGRESSION : TIDE_EXIT_FINE;
    return rc == TIDE_INVALID ? TIDE_EXIT_USAGE : TIDE_EXIT_FAILED;
}

const struct tide_cli tide_command_changepoints = {
    .title = "tidemark changepoints",
    .summary = "find where the level of any series changes, from CSV or JSON",
    .arguments = "FILE",
    .about =
        "Print where the level of a series changes: position, effect with an interval of 95 %, and "
        "whether the change is confirmed or, having too few points after it, suspect.",
    .notes =
        "FILE is CSV or JSON, - is standard input. CSV: position,value on each line; further "
        "columns and repeated positions are samples, an empty value is a gap. JSON: [1, 2, ...], "
        "[[position, value], ...] or [{\"position\": 1, \"value\": 2}, ...], value being a number, "
        "a list or null. Positions that all are numbers are put in order; others keep theirs.\n\n"
        "With --json, a list is printed, one object a change point; \"index\" is that of the first "
        "position after the change, from 0.",
    .options = options,
    .takes = TIDE_TAKES_JSON,
    .parse = parse,
    .examples =
        (const struct tide_example[]){
            {"printf '%s\\n' 5 5 5 5 5 9 9 9 | tidemark changepoints -", NULL},
            {"tidemark changepoints rss.csv --least 65536 --least-percent 0.5", NULL},
            {"tidemark changepoints rss.json --json | jq '.[] | select(.status == \"confirmed\")'",
             NULL},
            {"tidemark changepoints rss.csv --gate || echo 'more memory than before'",
             "Exit code 1 when a confirmed change raises the level"},
            {0}},
    .exits = 1u << TIDE_EXIT_REGRESSION,
    .run = run,
};
