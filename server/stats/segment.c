/* segment.c - see segment.h.
 *
 * Optimal partitioning over a finite set of levels: for every level the least cost of a
 * segmentation of the points so far whose last segment has that level, and where that segment
 * began. A point either stays with a level's segment or begins a new one after the best of all.
 * The levels are the values themselves and the middles of neighbours, no closer than a sixteenth of
 * the noise, so that a series of n points takes n times some hundred steps. Costs are kept relative
 * to the best, which keeps single precision exact enough and lets the compiler use vectors. */
#include "stats/segment.h"

#include "stats/robust.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define LEVELS_PER_NOISE 16

struct level {
    double at, noise;
};

struct table {
    struct level *candidates;
    float *cost;         /* per level, relative to the best before the last point */
    double *level;       /* ascending */
    int32_t *began;      /* per level: first point of the segment that is open */
    int32_t *best_began; /* per point: the same of the best level after it */
    size_t levels;
};

double tide_segment_penalty(size_t n)
{
    return 15.5 + (n > 100 ? log((double)n / 100) / 2 : 0);
}

static int by_value(const void *a, const void *b)
{
    const struct level *x = a, *y = b;
    return (x->at > y->at) - (x->at < y->at);
}

static void choose_levels(const struct tide_segment_series *s, struct table *t)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n; i++) {
        t->candidates[n++] = (struct level){s->x[i], s->noise[i]};
        if (i)
            t->candidates[n++] = (struct level){s->x[i - 1] + (s->x[i] - s->x[i - 1]) / 2,
                                                fmin(s->noise[i], s->noise[i - 1])};
    }
    qsort(t->candidates, n, sizeof *t->candidates, by_value);
    for (size_t i = 0; i < n; i++) {
        const struct level *c = &t->candidates[i];
        if (!t->levels || c->at - t->level[t->levels - 1] > c->noise / LEVELS_PER_NOISE)
            t->level[t->levels++] = c->at;
    }
}

static size_t best_of(const float *cost, size_t n)
{
    size_t best = 0;
    for (size_t k = 1; k < n; k++)
        if (cost[k] < cost[best]) best = k;
    return best;
}

/* Add a point to the segments of every level; `renewed` is what a segment costs that begins here.
 */
static void add_point(struct table *t, int32_t at, double x, double noise, float best,
                      float renewed)
{
    float *restrict cost = t->cost;
    int32_t *restrict began = t->began;
    const double *restrict level = t->level;
    const double per_noise = 1 / noise;
    for (size_t k = 0; k < t->levels; k++) {
        double z = (x - level[k]) * per_noise;
        float own = (float)(z * z < TIDE_SEGMENT_CAP ? z * z : TIDE_SEGMENT_CAP);
        float kept = cost[k] - best;
        began[k] = kept > renewed ? at : began[k];
        cost[k] = (kept > renewed ? renewed : kept) + own;
    }
}

static void fill(const struct tide_segment_series *s, struct table *t)
{
    float penalty = (float)tide_segment_penalty(s->n);
    size_t best = 0;
    for (size_t i = 0; i < s->n; i++) {
        add_point(t, (int32_t)i, s->x[i], s->noise[i], t->cost[best], penalty);
        best = best_of(t->cost, t->levels);
        t->best_began[i] = t->began[best];
    }
}

/* From the last segment to the first. */
static size_t trace_back(const struct table *t, size_t n, size_t *starts)
{
    size_t count = 0;
    for (int32_t start = t->best_began[n - 1]; start > 0; start = t->best_began[start - 1])
        starts[count++] = (size_t)start;
    for (size_t i = 0; i < count / 2; i++) {
        size_t swapped = starts[i];
        starts[i] = starts[count - 1 - i];
        starts[count - 1 - i] = swapped;
    }
    return count;
}

enum tide_rc tide_segment_find(const struct tide_segment_series *s, size_t *starts, size_t *count,
                               struct tide_error *e)
{
    enum tide_rc rc = TIDE_OK;
    struct table t = {0};
    *count = 0;
    if (s->n < 2) return TIDE_OK;
    t.candidates = calloc(2 * s->n, sizeof *t.candidates);
    t.level = calloc(2 * s->n, sizeof *t.level);
    t.cost = calloc(2 * s->n, sizeof *t.cost);
    t.began = calloc(2 * s->n, sizeof *t.began);
    t.best_began = calloc(s->n, sizeof *t.best_began);
    if (t.candidates && t.level && t.cost && t.began && t.best_began) {
        choose_levels(s, &t);
        fill(s, &t);
        *count = trace_back(&t, s->n, starts);
    } else
        rc = tide_fail(e, TIDE_NOMEM, "segment a series of %zu points", s->n);
    free(t.candidates);
    free(t.level);
    free(t.cost);
    free(t.began);
    free(t.best_began);
    return rc;
}

static double cost_at(const struct tide_segment_series *s, size_t from, size_t to, double level)
{
    double sum = 0;
    for (size_t i = from; i < to; i++) {
        double z = (s->x[i] - level) / s->noise[i];
        sum += fmin(z * z, TIDE_SEGMENT_CAP);
    }
    return sum;
}

/* The mean of the points that are not outliers of the level, weighted by their noise. */
static double mean_near(const struct tide_segment_series *s, size_t from, size_t to, double level)
{
    double sum = 0, weights = 0;
    for (size_t i = from; i < to; i++) {
        double z = (s->x[i] - level) / s->noise[i];
        if (z * z > TIDE_SEGMENT_CAP) continue;
        double weight = 1 / (s->noise[i] * s->noise[i]);
        sum += weight * (s->x[i] - level);
        weights += weight;
    }
    return weights > 0 ? level + sum / weights : level;
}

double tide_segment_cost(const struct tide_segment_series *s, size_t from, size_t to, double *level,
                         double *room)
{
    memcpy(room, s->x + from, (to - from) * sizeof *room);
    double at = tide_robust_median(room, to - from);
    for (int round = 0; round < 3; round++)
        at = mean_near(s, from, to, at);
    if (level) *level = at;
    return cost_at(s, from, to, at);
}
