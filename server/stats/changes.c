/* changes.c - see changes.h and docs/STATISTICS.md.
 *
 * The steps, each a function below: leave out the gaps; measure the noise around every point;
 * segment; take back the weakest changes as long as one does not stand by itself; join steps that
 * are a creep; look at the newest points for what may become a change; measure what was found. */
#include "stats/changes.h"

#include "stats/creep.h"
#include "stats/robust.h"
#include "stats/segment.h"
#include "stats/shift.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define NOISE_NEAR     48  /* points in the windows for noise that comes and goes */
#define NOISE_WIDE     200 /* ... and in the one that must be quiet before no noise is believed */
#define SIDE           50  /* points on each side that a change is measured by */
#define RUN_SIDE       200 /* points on each side that are searched for outliers alike */
#define RUN_CHANCE     0.015
#define LEVEL_POINTS   3   /* a level is known from so many points */
#define NOISE_EVERY    6   /* noise does not change from one point to the next */
#define SUSPECT_NOISE  3.3 /* distance of the newest points that makes them suspect */
#define SMALL_SAMPLE   3.0
#define OUTLIER        3.0
#define CREEP_SIDE     50  /* points beside a creep that it is fitted to */
#define CREEP_PENALTY  6.0 /* for the second place that a creep has, beside that of a step */
#define CREEP_PATIENCE 3   /* changes that may fail to fit before those behind them are left */
#define NORMAL_95      1.96
#define FLOOR_NOISE    4.0 /* without noise, the floor counts as so many standard deviations */

struct found {
    size_t at, end; /* the segment before ends at `at`, the one after begins at `end` */
    enum tide_change_kind kind;
    enum tide_change_status status;
    struct tide_creep creep;
};

struct work {
    const struct tide_change_options *options;
    struct tide_segment_series series; /* without gaps: x and noise point at the arrays here */
    double *x, *noise, *room;
    bool *quiet;   /* no noise around this point: the floors decide */
    size_t *where; /* index of the point in the caller's series */
    size_t *starts;
    struct found *found;
    size_t n, count;
};

/* ---- without gaps, with its noise ---- */

static enum tide_rc take_values(struct work *w, const double *values, size_t n,
                                struct tide_error *e)
{
    for (size_t i = 0; i < n; i++) {
        if (isinf(values[i])) return tide_fail(e, TIDE_INVALID, "value %zu is infinite", i);
        if (isnan(values[i])) continue;
        w->x[w->n] = values[i];
        w->where[w->n++] = i;
    }
    w->series = (struct tide_segment_series){w->x, w->noise, w->n};
    return TIDE_OK;
}

struct noise {
    double usual, flicker; /* tide_robust_noise, tide_robust_flicker */
};

/* Raise *noise to that of the `width` points from the given one on, or of as many as the series
 * has; the window is moved to lie within it. */
static void take_window(const struct work *w, ptrdiff_t from, size_t width, struct noise *noise)
{
    if (width > w->n) width = w->n;
    if (from > (ptrdiff_t)(w->n - width)) from = (ptrdiff_t)(w->n - width);
    const double *x = w->x + (from > 0 ? from : 0);
    noise->usual = fmax(noise->usual, tide_robust_noise(x, width, w->room));
    noise->flicker = fmax(noise->flicker, tide_robust_flicker(x, width));
}

static double floor_at(const struct work *w, double level)
{
    return fmax(w->options->floor, w->options->floor_share * fabs(level));
}

static double least_at(const struct work *w, double level)
{
    return fmax(w->options->least, w->options->least_share * fabs(level));
}

static double spread(const struct work *w)
{
    double low = w->x[0], high = w->x[0];
    for (size_t i = 1; i < w->n; i++) {
        low = fmin(low, w->x[i]);
        high = fmax(high, w->x[i]);
    }
    return high - low;
}

/* The largest noise of windows that begin at, end at and lie around point i: where noise sets in,
 * the points behind must not be taken for certain. */
static struct noise noise_at(const struct work *w, size_t i)
{
    struct noise noise = {0, 0};
    ptrdiff_t at = (ptrdiff_t)i;
    take_window(w, at, NOISE_NEAR, &noise);
    take_window(w, at - NOISE_NEAR, NOISE_NEAR, &noise);
    take_window(w, at - NOISE_WIDE / 2, NOISE_WIDE, &noise);
    return noise;
}

static void measure_noise(struct work *w)
{
    struct noise noise = {0, 0};
    double tiny = spread(w) * 1e-9, small = 1 + SMALL_SAMPLE / (double)w->n;
    for (size_t i = 0; i < w->n; i++) {
        if (i % NOISE_EVERY == 0) noise = noise_at(w, i);
        w->quiet[i] = noise.usual <= tiny;
        double least = w->quiet[i] ? floor_at(w, w->x[i]) / FLOOR_NOISE : noise.usual * small;
        w->noise[i] = fmax(tiny, fmax(least, noise.flicker * small));
    }
}

/* ---- what stands by itself ---- */

static size_t segment_start(const struct work *w, size_t k)
{
    return k ? w->found[k - 1].end : 0;
}

static size_t segment_end(const struct work *w, size_t k)
{
    return k < w->count ? w->found[k].at : w->n;
}

static double level_of(const struct work *w, size_t from, size_t to)
{
    double level;
    tide_segment_cost(&w->series, from, to, &level, w->room);
    return level;
}

/* How many of the points lie about where a side at `after` has its own, and are outliers seen from
 * one at `before`? */
static size_t count_alike(const struct work *w, size_t from, size_t to, double before, double after)
{
    size_t alike = 0;
    for (size_t i = from; i < to; i++) {
        double way = (w->x[i] - before) / (after - before);
        alike += way > 2.0 / 3 && way < 2 && fabs(w->x[i] - before) > OUTLIER * w->noise[i];
    }
    return alike;
}

static size_t count_nearer(const struct work *w, size_t from, size_t to, double before,
                           double after)
{
    size_t nearer = 0;
    for (size_t i = from; i < to; i++)
        nearer += (w->x[i] - before) / (after - before) > 0.5;
    return nearer;
}

/* The chance of `hits` or more among n where each comes with probability p. */
static double chance_of(size_t hits, size_t n, double p)
{
    double sum = 0;
    for (size_t k = hits; k <= n; k++)
        sum += exp(lgamma((double)n + 1) - lgamma((double)k + 1) - lgamma((double)(n - k) + 1) +
                   (double)k * log(p) + (double)(n - k) * log1p(-p));
    return sum;
}

/* May the points from..to, at level `own`, be a run of outliers such as the points
 * known_from..known_to, at level `usual`, have too? */
static bool is_run_of_outliers(const struct work *w, size_t known_from, size_t known_to,
                               double usual, size_t from, size_t to, double own)
{
    size_t known = known_to - known_from;
    size_t alike = count_alike(w, known_from, known_to, usual, own);
    size_t hits = count_nearer(w, from, to, usual, own);
    if (!alike) return false;
    if (alike == known) return true;
    return (double)known * chance_of(hits, to - from, (double)alike / (double)(known + 2)) >
           RUN_CHANCE;
}

static size_t back(size_t at, size_t most, size_t from)
{
    return at - from > most ? at - most : from;
}

static size_t ahead(size_t at, size_t most, size_t to)
{
    return to - at > most ? at + most : to;
}

/* The shorter side is asked whether it is made of outliers of the longer one. */
static bool is_chance(const struct work *w, size_t from, size_t at, size_t to, double before,
                      double after)
{
    from = back(at, RUN_SIDE, from);
    to = ahead(at, RUN_SIDE, to);
    if (at - from < to - at) return is_run_of_outliers(w, at, to, after, from, at, before);
    return is_run_of_outliers(w, from, at, before, at, to, after);
}

static bool is_large_enough(const struct work *w, size_t at, double before, double after)
{
    double effect = fabs(after - before);
    bool quiet = w->quiet[at] && w->quiet[at - 1];
    return effect >= least_at(w, before) && (!quiet || effect >= floor_at(w, before));
}

/* How much the change between the segments k and k + 1 saves, above its penalty; below 0 when it
 * does not stand. */
static double merit_of(struct work *w, size_t k)
{
    size_t from = segment_start(w, k), at = w->found[k].at, to = segment_end(w, k + 1);
    double before, after;
    double apart = tide_segment_cost(&w->series, from, at, &before, w->room) +
                   tide_segment_cost(&w->series, at, to, &after, w->room);
    if (!is_large_enough(w, at, before, after)) return -INFINITY;
    if (is_chance(w, from, at, to, before, after)) return -INFINITY;
    double joined = tide_segment_cost(&w->series, from, to, NULL, w->room);
    return joined - apart - tide_segment_penalty(w->n);
}

static void drop(struct work *w, size_t k)
{
    w->count--;
    memmove(w->found + k, w->found + k + 1, (w->count - k) * sizeof *w->found);
}

/* Take back the weakest change until all stand; a change taken back alters its neighbours alone. */
static void prune(struct work *w)
{
    double *merit = w->room + w->n; /* the first half is scratch of merit_of */
    for (size_t k = 0; k < w->count; k++)
        merit[k] = merit_of(w, k);
    while (w->count) {
        size_t weakest = 0;
        for (size_t k = 1; k < w->count; k++)
            if (merit[k] < merit[weakest]) weakest = k;
        if (merit[weakest] >= 0) return;
        drop(w, weakest);
        memmove(merit + weakest, merit + weakest + 1, (w->count - weakest) * sizeof *merit);
        if (weakest) merit[weakest - 1] = merit_of(w, weakest - 1);
        if (weakest < w->count) merit[weakest] = merit_of(w, weakest);
    }
}

/* ---- creeps ---- */

/* What the changes first..last cost as steps. */
static double cost_of_steps(struct work *w, size_t first, size_t last, size_t from, size_t to)
{
    double cost = (double)(last - first + 1) * tide_segment_penalty(w->n);
    for (size_t k = first; k <= last; k++) {
        cost += tide_segment_cost(&w->series, from, w->found[k].at, NULL, w->room);
        from = w->found[k].at;
    }
    return cost + tide_segment_cost(&w->series, from, to, NULL, w->room);
}

/* Are the changes first..last better told as one creep? */
static bool is_creep(struct work *w, size_t first, size_t last, struct tide_creep *out)
{
    size_t begin = w->found[first].at, end = w->found[last].at;
    size_t from = back(begin, CREEP_SIDE, segment_start(w, first));
    size_t to = ahead(end, CREEP_SIDE, segment_end(w, last + 1));
    out->before = level_of(w, from, begin);
    out->effect = level_of(w, end, to) - out->before;
    return tide_creep_fit(&w->series, from, to, begin, end, out) &&
           out->cost + tide_segment_penalty(w->n) + CREEP_PENALTY <
               cost_of_steps(w, first, last, from, to);
}

static bool is_upward(struct work *w, size_t k)
{
    size_t at = w->found[k].at;
    return level_of(w, at, segment_end(w, k + 1)) > level_of(w, segment_start(w, k), at);
}

/* From change `first` on, the most changes of one direction that are a creep together; 0 for none.
 */
static size_t longest_creep(struct work *w, size_t first, struct tide_creep *best)
{
    struct tide_creep c;
    size_t length = 0;
    bool upward = is_upward(w, first);
    for (size_t last = first; last < w->count && is_upward(w, last) == upward; last++) {
        if (last - first >= length + CREEP_PATIENCE) break;
        if (!is_creep(w, first, last, &c)) continue;
        *best = c;
        length = last - first + 1;
    }
    return length;
}

static void join_creeps(struct work *w)
{
    for (size_t k = 0; k < w->count; k++) {
        struct tide_creep c;
        size_t length = longest_creep(w, k, &c);
        if (!length) continue;
        struct found *f = &w->found[k];
        *f = (struct found){c.begin + 1, c.end, TIDE_CREEP, TIDE_CONFIRMED, c};
        w->count -= length - 1;
        memmove(f + 1, f + length, (w->count - k - 1) * sizeof *f);
    }
}

/* ---- the newest points ---- */

/* Do the last `tail` points all lie off their segment, on one side, and further than noise does? */
static bool is_tail_suspect(struct work *w, size_t tail)
{
    size_t from = segment_start(w, w->count), at = w->n - tail;
    if (at < from + LEVEL_POINTS) return false;
    double before = level_of(w, from, at), sum = 0, least = INFINITY;
    bool above = w->x[at] > before;
    for (size_t i = at; i < w->n; i++) {
        double z = (w->x[i] - before) / w->noise[i];
        least = fmin(least, above ? z : -z);
        sum += z / (double)tail;
    }
    double known = (double)(at - back(at, RUN_SIDE, from));
    double deviation = sqrt(1 / (double)tail + 1 / known);
    double after = before + sum * w->noise[at];
    return least > 1 && fabs(sum) > SUSPECT_NOISE * deviation &&
           is_large_enough(w, at, before, after) && !is_chance(w, from, at, w->n, before, after);
}

static void look_at_the_newest(struct work *w)
{
    for (size_t tail = 1; tail <= LEVEL_POINTS && tail < w->n; tail++) {
        if (!is_tail_suspect(w, tail)) continue;
        size_t at = w->n - tail;
        w->found[w->count++] = (struct found){.at = at, .end = at, .status = TIDE_SUSPECT};
        return;
    }
}

/* ---- what was found, measured ---- */

static enum tide_rc measure_step(struct work *w, size_t k, struct tide_change *out,
                                 struct tide_error *e)
{
    size_t at = w->found[k].at;
    size_t from = back(at, SIDE, segment_start(w, k)), to = ahead(at, SIDE, segment_end(w, k + 1));
    struct tide_shift shift;
    enum tide_rc rc =
        tide_shift_estimate(w->x + from, at - from, w->x + at, to - at, 0.95, &shift, e);
    if (rc) return rc;
    if (isinf(shift.low)) { /* too few points for ranks: the noise around tells */
        double per_side = 1 / (double)(at - from) + 1 / (double)(to - at);
        double half = w->quiet[at] ? 0 : NORMAL_95 * w->noise[at] * sqrt(per_side);
        shift.low = shift.effect - half;
        shift.high = shift.effect + half;
    }
    out->before = level_of(w, from, at);
    out->after = level_of(w, at, to);
    out->effect = shift.effect;
    out->low = shift.low;
    out->high = shift.high;
    return TIDE_OK;
}

static void measure_creep(const struct tide_creep *c, struct tide_change *out)
{
    out->before = c->before;
    out->after = c->before + c->effect;
    out->effect = c->effect;
    out->low = c->effect - NORMAL_95 * c->deviation;
    out->high = c->effect + NORMAL_95 * c->deviation;
}

static enum tide_rc measure(struct work *w, size_t k, struct tide_change *out, struct tide_error *e)
{
    const struct found *f = &w->found[k];
    *out = (struct tide_change){
        .kind = f->kind, .status = f->status, .index = w->where[f->at], .end = w->where[f->end]};
    if (f->kind == TIDE_STEP) return measure_step(w, k, out, e);
    measure_creep(&f->creep, out);
    return TIDE_OK;
}

static enum tide_rc measure_all(struct work *w, struct tide_change **out, size_t *count,
                                struct tide_error *e)
{
    enum tide_rc rc = TIDE_OK;
    if (!w->count) return TIDE_OK;
    struct tide_change *list = calloc(w->count, sizeof *list);
    if (!list) return tide_fail(e, TIDE_NOMEM, "keep %zu change points", w->count);
    for (size_t k = 0; k < w->count && !rc; k++)
        rc = measure(w, k, &list[k], e);
    if (rc) {
        free(list);
        return rc;
    }
    *out = list;
    *count = w->count;
    return TIDE_OK;
}

/* ---- the whole ---- */

static enum tide_rc segment(struct work *w, struct tide_error *e)
{
    enum tide_rc rc = tide_segment_find(&w->series, w->starts, &w->count, e);
    for (size_t k = 0; !rc && k < w->count; k++)
        w->found[k] =
            (struct found){.at = w->starts[k], .end = w->starts[k], .status = TIDE_CONFIRMED};
    return rc;
}

static enum tide_rc analyse(struct work *w, struct tide_change **out, size_t *count,
                            struct tide_error *e)
{
    if (w->n < LEVEL_POINTS) return TIDE_OK;
    measure_noise(w);
    enum tide_rc rc = segment(w, e);
    if (rc) return rc;
    prune(w);
    join_creeps(w);
    look_at_the_newest(w);
    return measure_all(w, out, count, e);
}

static bool is_option(double v)
{
    return isfinite(v) && v >= 0;
}

enum tide_rc tide_changes_find(const double *values, size_t n,
                               const struct tide_change_options *options, struct tide_change **out,
                               size_t *count, struct tide_error *e)
{
    struct work w = {.options = options};
    *out = NULL;
    *count = 0;
    if (!is_option(options->floor) || !is_option(options->floor_share) ||
        !is_option(options->least) || !is_option(options->least_share))
        return tide_fail(e, TIDE_INVALID, "a floor is below 0 or not finite");
    if (!n) return TIDE_OK;
    w.x = calloc(n, sizeof *w.x);
    w.noise = calloc(n, sizeof *w.noise);
    w.room = calloc(2 * n, sizeof *w.room);
    w.quiet = calloc(n, sizeof *w.quiet);
    w.where = calloc(n, sizeof *w.where);
    w.starts = calloc(n, sizeof *w.starts);
    w.found = calloc(n + 1, sizeof *w.found);
    enum tide_rc rc = w.x && w.noise && w.room && w.quiet && w.where && w.starts && w.found
                          ? take_values(&w, values, n, e)
                          : tide_fail(e, TIDE_NOMEM, "analyse a series of %zu points", n);
    if (!rc) rc = analyse(&w, out, count, e);
    free(w.x);
    free(w.noise);
    free(w.room);
    free(w.quiet);
    free(w.where);
    free(w.starts);
    free(w.found);
    return rc;
}

struct tide_change_options tide_change_defaults(const double *values, size_t n)
{
    bool pages = n > 0;
    for (size_t i = 0; i < n && pages; i++)
        pages = isnan(values[i]) || fmod(values[i], 4096) == 0;
    return (struct tide_change_options){.floor = pages ? TIDE_FLOOR_PAGES * 4096 : 0,
                                        .floor_share = 0.001};
}
