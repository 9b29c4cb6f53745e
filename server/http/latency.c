/* latency.c - see latency.h. */
#include "http/latency.h"

#include "http/internal.h"

#include <stdatomic.h>
#include <stdlib.h>

#define BUCKETS 14

const char *const tide_latency_bounds[] = {"0.0005", "0.001", "0.0025", "0.005", "0.01",
                                           "0.025",  "0.05",  "0.1",    "0.25",  "0.5",
                                           "1.0",    "2.5",   "10.0",   NULL};
static const int64_t bounds_us[BUCKETS - 1] = {
    500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 500000, 1000000, 2500000, 10000000};

struct histogram {
    _Atomic uint64_t counts[BUCKETS]; /* of each bucket alone; the last: beyond all bounds */
    _Atomic uint64_t sum_us;
};

struct tide_latency {
    size_t n;
    struct histogram at[]; /* of each route, and of files */
};

static size_t count_routes(void)
{
    size_t n = 0;
    while (tide_routes[n].path)
        n++;
    return n;
}

struct tide_latency *tide_latency_new(void)
{
    size_t n = count_routes();
    struct tide_latency *l = calloc(1, sizeof *l + (n + 1) * sizeof l->at[0]);
    if (l) l->n = n;
    return l;
}

void tide_latency_free(struct tide_latency *l)
{
    free(l);
}

void tide_latency_add(struct tide_latency *l, const struct tide_route *route, int64_t took_ns)
{
    struct histogram *h = &l->at[route ? (size_t)(route - tide_routes) : l->n];
    int64_t us = took_ns / 1000;
    size_t i = 0;
    while (i < BUCKETS - 1 && us > bounds_us[i])
        i++;
    h->counts[i]++;
    h->sum_us += (uint64_t)us;
}

static void put_histogram(const struct histogram *h, const char *name, const char *method,
                          const char *route, struct tide_str *out)
{
    uint64_t counts[BUCKETS], total = 0, below = 0;
    for (size_t i = 0; i < BUCKETS; i++)
        total += counts[i] = h->counts[i];
    if (!total) return;
    for (size_t i = 0; i < BUCKETS; i++) {
        below += counts[i];
        tide_str_printf(out, "%s_bucket{method=\"%s\",route=\"%s\",le=\"%s\"} %llu\n", name, method,
                        route, i < BUCKETS - 1 ? tide_latency_bounds[i] : "+Inf",
                        (unsigned long long)below);
    }
    tide_str_printf(out, "%s_count{method=\"%s\",route=\"%s\"} %llu\n", name, method, route,
                    (unsigned long long)total);
    tide_str_printf(out, "%s_sum{method=\"%s\",route=\"%s\"} %.6f\n", name, method, route,
                    (double)h->sum_us / 1e6);
}

void tide_latency_put(struct tide_latency *l, const char *name, struct tide_str *out)
{
    for (size_t i = 0; i < l->n; i++)
        put_histogram(&l->at[i], name, tide_routes[i].method, tide_routes[i].path, out);
    put_histogram(&l->at[l->n], name, "GET", "/", out);
}
