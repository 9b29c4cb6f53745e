/* creep.c - see creep.h. For a given begin and end the fit is weighted least squares, repeated
 * without the points that turned out as outliers; begin and end are found by a pattern search whose
 * stride halves. */
#include "stats/creep.h"

#include <math.h>

#define ROUNDS 2

struct range {
    const struct tide_segment_series *s;
    size_t from, to, first, last;
};

static double way_at(const struct tide_creep *c, size_t i)
{
    if (i <= c->begin) return 0;
    return i < c->end ? (double)(i - c->begin) / (double)(c->end - c->begin) : 1;
}

static double square_at(const struct range *r, const struct tide_creep *c, size_t i)
{
    double z = (r->s->x[i] - c->before - c->effect * way_at(c, i)) / r->s->noise[i];
    return z * z;
}

/* One round of least squares over the points that are no outliers of the fit so far. Values are
 * taken relative to that fit, so that large levels cost no digits. */
static void fit_once(const struct range *r, struct tide_creep *c)
{
    double w = 0, wu = 0, wuu = 0, wy = 0, wuy = 0;
    for (size_t i = r->from; i < r->to; i++) {
        if (square_at(r, c, i) > TIDE_SEGMENT_CAP) continue;
        double weight = 1 / (r->s->noise[i] * r->s->noise[i]), u = way_at(c, i);
        double y = r->s->x[i] - c->before - c->effect * u;
        w += weight;
        wu += weight * u;
        wuu += weight * u * u;
        wy += weight * y;
        wuy += weight * u * y;
    }
    double determinant = w * wuu - wu * wu;
    if (!(determinant > 0)) return;
    c->effect += (w * wuy - wu * wy) / determinant;
    c->before += (wuu * wy - wu * wuy) / determinant;
    c->deviation = sqrt(w / determinant);
}

static void fit(const struct range *r, struct tide_creep *c)
{
    for (int round = 0; round < ROUNDS; round++)
        fit_once(r, c);
    c->cost = 0;
    for (size_t i = r->from; i < r->to; i++)
        c->cost += fmin(square_at(r, c, i), TIDE_SEGMENT_CAP);
}

static bool is_allowed(const struct range *r, ptrdiff_t begin, ptrdiff_t end)
{
    return begin >= (ptrdiff_t)r->from && begin < (ptrdiff_t)r->first &&
           end >= (ptrdiff_t)r->last && end < (ptrdiff_t)r->to && end - begin >= TIDE_CREEP_LENGTH;
}

/* Try the eight neighbours at this stride; true when one is better. */
static bool improve(const struct range *r, struct tide_creep *best, ptrdiff_t stride)
{
    const struct tide_creep start = *best;
    for (int k = 0; k < 9; k++) {
        ptrdiff_t begin = (ptrdiff_t)start.begin + (k % 3 - 1) * stride;
        ptrdiff_t end = (ptrdiff_t)start.end + (k / 3 - 1) * stride;
        if (k == 4 || !is_allowed(r, begin, end)) continue;
        struct tide_creep c = start;
        c.begin = (size_t)begin;
        c.end = (size_t)end;
        fit(r, &c);
        if (c.cost < best->cost) *best = c;
    }
    return best->cost < start.cost;
}

bool tide_creep_fit(const struct tide_segment_series *s, size_t from, size_t to, size_t first,
                    size_t last, struct tide_creep *out)
{
    const struct range r = {s, from, to, first, last};
    size_t begin = first - (first - from + 1) / 2, end = last + (to - last) / 2;
    if (!is_allowed(&r, (ptrdiff_t)begin, (ptrdiff_t)end)) {
        begin = from;
        end = to - 1;
    }
    if (!is_allowed(&r, (ptrdiff_t)begin, (ptrdiff_t)end)) return false;
    out->begin = begin;
    out->end = end;
    fit(&r, out);
    for (ptrdiff_t stride = (ptrdiff_t)(to - from) / 4 + 1; stride; stride /= 2)
        while (improve(&r, out, stride))
            continue;
    return true;
}
