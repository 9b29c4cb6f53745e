/* curve.c - thinning, packing and the pyramid of curves; see curve.h. */
#include "stats/curve.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

enum tide_rc tide_points_add(struct tide_points *p, const struct tide_point *point,
                             struct tide_error *e)
{
    if (p->n == p->capacity) {
        size_t capacity = p->capacity ? p->capacity * 2 : 256;
        struct tide_point *at = realloc(p->at, capacity * sizeof *at);
        if (!at) return tide_fail(e, TIDE_NOMEM, "keep a curve of %zu points", p->n);
        p->at = at;
        p->capacity = capacity;
    }
    p->at[p->n++] = *point;
    return TIDE_OK;
}

void tide_points_free(struct tide_points *p)
{
    free(p->at);
    *p = (struct tide_points){0};
}

/* Insertion sort: points come from two sources that are each in order, so few are out of place and
 * by little. */
void tide_points_sort(struct tide_points *p)
{
    for (size_t i = 1; i < p->n; i++) {
        struct tide_point point = p->at[i];
        size_t j = i;
        for (; j && p->at[j - 1].t_ns > point.t_ns; j--)
            p->at[j] = p->at[j - 1];
        p->at[j] = point;
    }
}

/* Write low and high of an interval in order of time; one point when they are the same. */
static size_t put_interval(struct tide_point *out, const struct tide_point *low,
                           const struct tide_point *high)
{
    const struct tide_point *first = low->t_ns <= high->t_ns ? low : high;
    const struct tide_point *second = first == low ? high : low;
    struct tide_point a = *first, b = *second;
    out[0] = a;
    if (a.t_ns == b.t_ns && a.rss == b.rss) return 1;
    out[1] = b;
    return 2;
}

/* Times come from streams, so that nothing may be taken for granted of their distance. */
static double offset(int64_t t_ns, int64_t from_ns)
{
    return (double)((uint64_t)t_ns - (uint64_t)from_ns);
}

void tide_points_thin(struct tide_points *p, size_t limit)
{
    if (p->n <= limit || p->n < 2) return;
    size_t intervals = limit / 2 ? limit / 2 : 1;
    int64_t from = p->at[0].t_ns;
    double width = (offset(p->at[p->n - 1].t_ns, from) + 1) / (double)intervals;
    size_t kept = 0;
    size_t i = 0;
    for (size_t k = 0; k < intervals && i < p->n; k++) {
        double end = k + 1 == intervals ? HUGE_VAL : (double)(k + 1) * width;
        if (offset(p->at[i].t_ns, from) >= end) continue;
        struct tide_point low = p->at[i], high = p->at[i];
        for (; i < p->n && offset(p->at[i].t_ns, from) < end; i++) {
            if (p->at[i].rss < low.rss) low = p->at[i];
            if (p->at[i].rss > high.rss) high = p->at[i];
        }
        kept += put_interval(p->at + kept, &low, &high); /* never past i: an interval with two
                                                            points out had two points in */
    }
    p->n = kept;
}

/* ---- packing ---- */

static uint8_t *put_varint(uint8_t *to, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        *to++ = (uint8_t)(v | 0x80);
    *to++ = (uint8_t)v;
    return to;
}

static uint8_t *put_signed(uint8_t *to, int64_t v)
{
    return put_varint(to, ((uint64_t)v << 1) ^ (uint64_t)(v >> 63));
}

static const uint8_t *get_varint(const uint8_t *at, const uint8_t *end, uint64_t *v)
{
    *v = 0;
    for (unsigned shift = 0; at < end && shift < 64; shift += 7) {
        uint8_t byte = *at++;
        *v |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) return at;
    }
    return NULL;
}

static const uint8_t *get_signed(const uint8_t *at, const uint8_t *end, int64_t *v)
{
    uint64_t folded = 0;
    at = get_varint(at, end, &folded);
    *v = (int64_t)(folded >> 1) ^ -(int64_t)(folded & 1);
    return at;
}

/* Three columns, so that each compresses by itself: time, RSS, name. Differences wrap at 2^64, so
 * that every value survives. */
static size_t put_columns(const struct tide_point *at, size_t n, uint8_t *to)
{
    uint8_t *start = to;
    to = put_varint(to, n);
    for (size_t i = 0; i < n; i++)
        to = put_signed(to, (int64_t)((uint64_t)at[i].t_ns - (uint64_t)(i ? at[i - 1].t_ns : 0)));
    for (size_t i = 0; i < n; i++)
        to = put_signed(to, (int64_t)(at[i].rss - (i ? at[i - 1].rss : 0)));
    for (size_t i = 0; i < n; i++)
        to = put_varint(to, at[i].name);
    return (size_t)(to - start);
}

enum tide_rc tide_points_pack(const struct tide_point *at, size_t n, void **out, size_t *size,
                              struct tide_error *e)
{
    enum tide_rc rc = TIDE_OK;
    *out = NULL;
    uint8_t *columns = malloc(10 + n * 30); /* three varints of at most ten bytes a point */
    if (!columns) return tide_fail(e, TIDE_NOMEM, "pack a curve");
    size_t length = put_columns(at, n, columns);
    size_t room = ZSTD_compressBound(length);
    *out = malloc(room);
    if (*out) *size = ZSTD_compress(*out, room, columns, length, 3);
    if (!*out || ZSTD_isError(*size)) {
        free(*out);
        *out = NULL;
        rc = tide_fail(e, TIDE_NOMEM, "pack a curve");
    }
    free(columns);
    return rc;
}

/* Where the n varints at `at` end; NULL when there are fewer. */
static const uint8_t *skip_varints(const uint8_t *at, const uint8_t *end, uint64_t n)
{
    for (; n && at < end; at++)
        n -= !(*at & 0x80);
    return n ? NULL : at;
}

/* The columns are read side by side, so that no more is held than what lies in the window. */
static enum tide_rc get_columns(const uint8_t *at, const uint8_t *end, int64_t from_ns,
                                int64_t to_ns, struct tide_points *p, struct tide_error *e)
{
    uint64_t n = 0, id = 0;
    struct tide_point point = {0};
    enum tide_rc rc = TIDE_OK;
    const uint8_t *t = get_varint(at, end, &n);
    const uint8_t *rss = t ? skip_varints(t, end, n) : NULL;
    const uint8_t *name = rss ? skip_varints(rss, end, n) : NULL;
    if (!name) return tide_fail(e, TIDE_CORRUPT, "a stored curve is damaged");
    for (uint64_t i = 0; i < n && !rc; i++) {
        int64_t later = 0, more = 0;
        t = get_signed(t, end, &later);
        rss = get_signed(rss, end, &more);
        name = get_varint(name, end, &id);
        if (!t || !rss || !name) return tide_fail(e, TIDE_CORRUPT, "a stored curve is damaged");
        point.t_ns = (int64_t)((uint64_t)point.t_ns + (uint64_t)later);
        point.rss += (uint64_t)more;
        point.name = (uint32_t)id;
        if (point.t_ns >= from_ns && point.t_ns <= to_ns) rc = tide_points_add(p, &point, e);
    }
    return rc;
}

enum tide_rc tide_points_unpack(const void *bytes, size_t size, int64_t from_ns, int64_t to_ns,
                                struct tide_points *p, struct tide_error *e)
{
    unsigned long long length = ZSTD_getFrameContentSize(bytes, size);
    if (length > (64u << 20)) return tide_fail(e, TIDE_CORRUPT, "a stored curve is damaged");
    uint8_t *columns = malloc((size_t)length + 1);
    if (!columns) return tide_fail(e, TIDE_NOMEM, "unpack a curve");
    size_t got = ZSTD_decompress(columns, (size_t)length, bytes, size);
    enum tide_rc rc = ZSTD_isError(got) ? tide_fail(e, TIDE_CORRUPT, "a stored curve is damaged")
                                        : get_columns(columns, columns + got, from_ns, to_ns, p, e);
    free(columns);
    return rc;
}

/* ---- the pyramid ---- */

static enum tide_rc feed_level(struct tide_pyramid *p, int level, const struct tide_point *point,
                               struct tide_error *e);

static enum tide_rc close_interval(struct tide_pyramid *p, int level, struct tide_error *e)
{
    struct tide_point out[2];
    enum tide_rc rc = TIDE_OK;
    if (!p->open[level].n) return TIDE_OK;
    size_t n = put_interval(out, &p->open[level].low, &p->open[level].high);
    p->open[level].n = 0;
    for (size_t i = 0; i < n && !rc; i++) {
        rc = tide_points_add(&p->levels[level], &out[i], e);
        if (!rc && level < TIDE_PYRAMID_LEVELS) rc = feed_level(p, level + 1, &out[i], e);
    }
    return rc;
}

static enum tide_rc feed_level(struct tide_pyramid *p, int level, const struct tide_point *point,
                               struct tide_error *e)
{
    if (!p->open[level].n) p->open[level].low = p->open[level].high = *point;
    if (point->rss < p->open[level].low.rss) p->open[level].low = *point;
    if (point->rss > p->open[level].high.rss) p->open[level].high = *point;
    return ++p->open[level].n < TIDE_PYRAMID_FACTOR ? TIDE_OK : close_interval(p, level, e);
}

enum tide_rc tide_pyramid_add(struct tide_pyramid *p, const struct tide_point *point,
                              struct tide_error *e)
{
    return feed_level(p, 1, point, e);
}

enum tide_rc tide_pyramid_finish(struct tide_pyramid *p, struct tide_error *e)
{
    enum tide_rc rc = TIDE_OK;
    for (int level = 1; level <= TIDE_PYRAMID_LEVELS && !rc; level++)
        rc = close_interval(p, level, e);
    return rc;
}

void tide_pyramid_free(struct tide_pyramid *p)
{
    for (int level = 1; level <= TIDE_PYRAMID_LEVELS; level++)
        tide_points_free(&p->levels[level]);
}
