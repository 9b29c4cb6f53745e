/* curve.h - curves of RSS against time, thinned so that no peak is lost.
 *
 * A curve is a row of points in order of time. Thinning keeps the lowest and the highest point of
 * every interval; it never averages. The pyramid does the same while points arrive: level 1 holds
 * the lowest and highest of every 16 points, level n+1 the same of level n, so that a window of any
 * width is answered from about as many points as are asked for.
 *
 * Threads: an object is used by one thread at a time. Nothing here blocks. */
#ifndef TIDE_STATS_CURVE_H
#define TIDE_STATS_CURVE_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

struct tide_point {
    int64_t t_ns;
    uint64_t rss;  /* bytes */
    uint32_t name; /* innermost function active, 0 for none */
};

struct tide_points { /* grows; a zeroed struct is empty */
    struct tide_point *at;
    size_t n, capacity;
};

TIDE_CHECK enum tide_rc tide_points_add(struct tide_points *p, const struct tide_point *point,
                                        struct tide_error *e);
void tide_points_free(struct tide_points *p);

/* Put the points in order of time; stable. Cheap when they are so already. */
void tide_points_sort(struct tide_points *p);

/* Thin in place to at most `limit` points (at least 2): the time from first to last is cut into
 * limit/2 equal intervals and of each the lowest and the highest point stay, in order of time. */
void tide_points_thin(struct tide_points *p, size_t limit);

/* Points as bytes: columns of varint deltas, zstd-compressed. *out is freed by the caller. */
TIDE_CHECK enum tide_rc tide_points_pack(const struct tide_point *at, size_t n, void **out,
                                         size_t *size, struct tide_error *e);
/* Append those of what was packed that lie in [from_ns, to_ns]; CORRUPT when the bytes are not
 * that.
 */
TIDE_CHECK enum tide_rc tide_points_unpack(const void *bytes, size_t size, int64_t from_ns,
                                           int64_t to_ns, struct tide_points *p,
                                           struct tide_error *e);

#define TIDE_PYRAMID_LEVELS 10
#define TIDE_PYRAMID_FACTOR 16

struct tide_pyramid {
    struct tide_points levels[TIDE_PYRAMID_LEVELS + 1]; /* new points of each; [0] is not used */
    struct { /* the interval of the level below that is being filled */
        struct tide_point low, high;
        unsigned n;
    } open[TIDE_PYRAMID_LEVELS + 1];
};

/* A further point. New points appear in levels[1..];
 * the caller takes and empties them as it likes. */
TIDE_CHECK enum tide_rc tide_pyramid_add(struct tide_pyramid *p, const struct tide_point *point,
                                         struct tide_error *e);
/* No more points: close the open intervals of every level. */
TIDE_CHECK enum tide_rc tide_pyramid_finish(struct tide_pyramid *p, struct tide_error *e);
void tide_pyramid_free(struct tide_pyramid *p);

#endif
