/* latency.h - how long requests took, by route, as histograms.
 *
 * Threads: any may call. */
#ifndef TIDE_HTTP_LATENCY_H
#define TIDE_HTTP_LATENCY_H

#include "base/str.h"

#include <stdint.h>

struct tide_route;
struct tide_latency;

struct tide_latency *tide_latency_new(void);    /* NULL when memory ends */
void tide_latency_free(struct tide_latency *l); /* NULL is a no-op */

/* A request for this route (NULL: none, a file of the dashboard) took so long. */
void tide_latency_add(struct tide_latency *l, const struct tide_route *route, int64_t took_ns);

/* Append the samples of the histogram `name` in OpenMetrics; routes that were not asked are left
 * out. */
void tide_latency_put(struct tide_latency *l, const char *name, struct tide_str *out);

/* The upper bounds of its buckets in seconds, as texts, ended by NULL ("+Inf" is not among them).
 */
extern const char *const tide_latency_bounds[];

#endif
