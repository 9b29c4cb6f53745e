/* stats.c - how often the change-point method is right on made-up series, and what it costs.
 *
 *     bench-stats [--series N] [--seed S] [--json FILE]
 *
 * Prints a table and writes the same rows as JSON: name, value, unit, goal, met. The numbers come
 * from splitmix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA
 * 2014) and the method of Box and Muller, so that they are the same on every machine, up to the
 * last digit of its libm. Series i of a row is made from seed S + i; S = 1 is the committed one. */
#include "random.h"

#include "stats/changes.h"

#include <jansson.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MOST 5000
#define MIB  1048576.0
#define PAGE 4096.0

static double x[MOST];

/* ---- series ---- */

struct shape {
    size_t n, at; /* points; where the change is */
    double step;  /* in standard deviations, or pages without noise */
    double share; /* of outliers */
};

static void make_normal(const struct shape *s)
{
    for (size_t i = 0; i < s->n; i++)
        x[i] = 1000 + normal() + (i >= s->at ? s->step : 0);
}

static void make_outliers(const struct shape *s)
{
    make_normal(s);
    for (size_t i = 0; i < s->n; i++)
        if (uniform() < s->share) x[i] += next() & 1 ? 20 : -20;
}

static void make_student(const struct shape *s) /* three degrees of freedom */
{
    for (size_t i = 0; i < s->n; i++) {
        double a = normal(), b = normal(), c = normal(), d = normal();
        x[i] = 1000 + a / sqrt((b * b + c * c + d * d) / 3);
    }
}

static void make_pages(const struct shape *s) /* noise of one page, in whole pages */
{
    for (size_t i = 0; i < s->n; i++)
        x[i] = 50 * MIB + PAGE * floor(0.5 + normal() + (i >= s->at ? s->step : 0));
}

static void make_quiet(const struct shape *s)
{
    for (size_t i = 0; i < s->n; i++)
        x[i] = 50 * MIB + (i >= s->at ? s->step * PAGE : 0);
}

static void make_drifting(const struct shape *s) /* noise that grows threefold */
{
    for (size_t i = 0; i < s->n; i++)
        x[i] = 1000 + normal() * (1 + 2 * (double)i / (double)s->n);
}

static void make_flips(const struct shape *s) /* now and then one chunk of malloc's more */
{
    for (size_t i = 0; i < s->n; i++)
        x[i] = 50 * MIB + (uniform() < s->share ? 132 * 1024 : 0);
}

static void make_dependent(const struct shape *s) /* each point keeps a share of the last's error */
{
    double error = 0;
    for (size_t i = 0; i < s->n; i++) {
        error = s->share * error + normal();
        x[i] = 1000 + error;
    }
}

static void make_creep(const struct shape *s) /* 0.5 % a commit over 40 commits, noise of 1 % */
{
    for (size_t i = 0; i < s->n; i++) {
        size_t done = i < s->at ? 0 : i - s->at + 1;
        x[i] = 1000 * (1 + 0.005 * (double)(done < 40 ? done : 40)) + 10 * normal();
    }
}

/* ---- what counts ---- */

static bool any_confirmed(const struct shape *s, const struct tide_change *c, size_t n)
{
    (void)s;
    for (size_t i = 0; i < n; i++)
        if (c[i].status == TIDE_CONFIRMED) return true;
    return false;
}

static bool any_at_all(const struct shape *s, const struct tide_change *c, size_t n)
{
    (void)s;
    (void)c;
    return n > 0;
}

/* The position may be off by one: the point beside a step of five sigmas can lie nearer its other
 * side. */
static bool confirmed_there(const struct shape *s, const struct tide_change *c, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (c[i].status == TIDE_CONFIRMED && c[i].index + 1 >= s->at && c[i].index <= s->at + 1)
            return true;
    return false;
}

static bool suspect_there(const struct shape *s, const struct tide_change *c, size_t n)
{
    return n > 0 && c[n - 1].status == TIDE_SUSPECT && c[n - 1].index == s->at;
}

static bool creep_there(const struct shape *s, const struct tide_change *c, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (c[i].kind == TIDE_CREEP && c[i].index < s->at + 40 && c[i].end > s->at) return true;
    return false;
}

struct row {
    const char *name;
    void (*make)(const struct shape *s);
    bool (*counts)(const struct shape *s, const struct tide_change *c, size_t n);
    struct shape shape;
    double goal; /* NAN: shown for information */
    bool at_most;
};

static const struct row rows[] = {
    {"5 sigma step, 2 points after it, confirmed",
     make_normal,
     confirmed_there,
     {100, 98, 5, 0},
     0.95,
     false},
    {"same, 32 points", make_normal, confirmed_there, {32, 30, 5, 0}, NAN, false},
    {"same, 22 points", make_normal, confirmed_there, {22, 20, 5, 0}, NAN, false},
    {"same, 300 points", make_normal, confirmed_there, {300, 298, 5, 0}, 0.95, false},
    {"same, downward", make_normal, confirmed_there, {100, 98, -5, 0}, 0.95, false},
    {"same, noise in whole pages", make_pages, confirmed_there, {100, 98, 5, 0}, 0.95, false},
    {"same, 5 % outliers of 20 sigma",
     make_outliers,
     confirmed_there,
     {100, 98, 5, 0.05},
     NAN,
     false},
    {"5 sigma step, 3 points after it, confirmed",
     make_normal,
     confirmed_there,
     {100, 97, 5, 0},
     0.95,
     false},
    {"5 sigma step, 1 point after it, suspect",
     make_normal,
     suspect_there,
     {100, 99, 5, 0},
     NAN,
     false},
    {"5 sigma step amid 100 points, confirmed",
     make_normal,
     confirmed_there,
     {100, 50, 5, 0},
     0.95,
     false},
    {"2 sigma step amid 100 points, any confirmed",
     make_normal,
     any_confirmed,
     {100, 50, 2, 0},
     NAN,
     false},
    {"creep of 0.5 % over 40 commits, noise 1 %",
     make_creep,
     creep_there,
     {120, 40, 0, 0},
     0.95,
     false},
    {"step of 16 pages without noise", make_quiet, confirmed_there, {100, 98, 16, 0}, 1, false},
    {"alarm: noise, confirmed", make_normal, any_confirmed, {100, 100, 0, 0}, 0.01, true},
    {"alarm: noise, confirmed or suspect", make_normal, any_at_all, {100, 100, 0, 0}, 0.01, true},
    {"alarm: noise in whole pages", make_pages, any_confirmed, {100, 100, 0, 0}, 0.01, true},
    {"alarm: one-page step without noise", make_quiet, any_at_all, {100, 50, 1, 0}, 0, true},
    {"alarm: noise, 20 points", make_normal, any_confirmed, {20, 20, 0, 0}, 0.01, true},
    {"alarm: noise, 1000 points", make_normal, any_confirmed, {1000, 1000, 0, 0}, 0.01, true},
    {"alarm: noise that grows threefold",
     make_drifting,
     any_confirmed,
     {100, 100, 0, 0},
     NAN,
     true},
    {"alarm: Student's t, 3 degrees", make_student, any_confirmed, {100, 100, 0, 0}, NAN, true},
    {"alarm: 2 % outliers of 20 sigma",
     make_outliers,
     any_confirmed,
     {100, 100, 0, 0.02},
     NAN,
     true},
    {"alarm: 132 KiB more in 5 % of points",
     make_flips,
     any_confirmed,
     {100, 100, 0, 0.05},
     NAN,
     true},
    {"alarm: 132 KiB more in 15 % of points",
     make_flips,
     any_confirmed,
     {100, 100, 0, 0.15},
     NAN,
     true},
    {"alarm: dependent noise, 0.3", make_dependent, any_confirmed, {100, 100, 0, 0.3}, NAN, true},
    {"alarm: dependent noise, 0.5", make_dependent, any_confirmed, {100, 100, 0, 0.5}, NAN, true},
};

/* ---- measuring ---- */

static size_t analyse(size_t n, struct tide_change **out)
{
    struct tide_change_options options = tide_change_defaults(x, n);
    struct tide_error e;
    size_t count;
    if (!tide_changes_find(x, n, &options, out, &count, &e)) return count;
    fprintf(stderr, "bench-stats: %s\n", e.text);
    exit(3);
}

static double rate_of(const struct row *row, uint64_t seed, unsigned series)
{
    unsigned hits = 0;
    for (unsigned i = 0; i < series; i++) {
        struct tide_change *c;
        state = (seed + i) * UINT64_C(0x2545f4914f6cdd1d);
        row->make(&row->shape);
        size_t n = analyse(row->shape.n, &c);
        hits += row->counts(&row->shape, c, n);
        free(c);
    }
    return (double)hits / series;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Noise with a step every hundred points: more to do than there is in a quiet series. */
static double seconds_of(unsigned series, size_t n)
{
    double spent = 0;
    for (unsigned k = 0; k < series; k++) {
        struct tide_change *c;
        state = k + 1;
        for (size_t i = 0; i < n; i++)
            x[i] = 1000 + normal() + 5 * (double)(i / 100 % 7);
        double start = now();
        analyse(n, &c);
        spent += now() - start;
        free(c);
    }
    return spent;
}

static void put(json_t *list, const char *name, double value, const char *unit, double goal,
                bool at_most)
{
    bool met = at_most ? value <= goal : value >= goal;
    json_t *row = json_pack("{s:s, s:f, s:s}", "name", name, "value", value, "unit", unit);
    char wanted[32] = "";
    if (!isnan(goal)) {
        snprintf(wanted, sizeof wanted, "%s %g", at_most ? "<=" : ">=", goal);
        json_object_set_new(row, "goal", json_string(wanted));
        json_object_set_new(row, "met", json_boolean(met));
    }
    json_array_append_new(list, row);
    printf("%-48s %9.4f %-7s %-8s %s\n", name, value, unit, wanted,
           isnan(goal) ? ""
           : met       ? "met"
                       : "NOT MET");
}

int main(int argc, char **argv)
{
    unsigned series = 100;
    uint64_t seed = 1;
    const char *path = NULL;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (!strcmp(argv[i], "--series")) series = (unsigned)strtoul(argv[i + 1], NULL, 10);
        if (!strcmp(argv[i], "--seed")) seed = strtoull(argv[i + 1], NULL, 10);
        if (!strcmp(argv[i], "--json")) path = argv[i + 1];
    }
    if (argc % 2 == 0 || !series) {
        fputs("usage: bench-stats [--series N] [--seed S] [--json FILE]\n", stderr);
        return 2;
    }
    json_t *list = json_array();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        put(list, rows[i].name, rate_of(&rows[i], seed, series), "series", rows[i].goal,
            rows[i].at_most);
    put(list, "120 series of 5,000 points from scratch", seconds_of(120, MOST), "s", 10, true);
    put(list, "one series of 5,000 points anew", seconds_of(20, MOST) / 20 * 1000, "ms", 50, true);
    int failed = path ? json_dump_file(list, path, JSON_INDENT(2)) : 0;
    json_decref(list);
    if (failed) fprintf(stderr, "bench-stats: cannot write %s\n", path);
    return failed ? 3 : 0;
}
