/* shift.c - see shift.h. */
#include "stats/shift.h"

#include "stats/robust.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#define EXACT_PAIRS   400
#define EXACT_SMALLER 8

/* The number of ways to each value of the Mann-Whitney statistic up to `most`, from its generating
 * function: the product over i of (1 - q^(m+i)) / (1 - q^i). Coefficients depend on lower ones
 * alone, so that the tail, which is what matters, is exact. */
static void count_ways(double *ways, size_t most, size_t m, size_t n)
{
    ways[0] = 1;
    for (size_t u = 1; u <= most; u++)
        ways[u] = 0;
    for (size_t i = 1; i <= n; i++) {
        for (size_t u = most; u >= m + i; u--)
            ways[u] -= ways[u - m - i];
        for (size_t u = i; u <= most; u++)
            ways[u] += ways[u - i];
    }
}

static double log_choose(size_t n, size_t k)
{
    return lgamma((double)n + 1) - lgamma((double)k + 1) - lgamma((double)(n - k) + 1);
}

/* How many of the smallest differences lie outside the interval, on each side; `ways` has room for
 * half of the pairs. */
static size_t outside_exactly(double *ways, size_t m, size_t n, double tail)
{
    size_t most = m * n / 2, k = 0;
    double all = exp(log_choose(m + n, n)), below = 0;
    count_ways(ways, most, m, n);
    while (k <= most && (below += ways[k]) <= tail * all * (1 + 1e-9))
        k++;
    return k;
}

/* The z with this upper tail, by bisection of erfc. */
static double normal_quantile(double tail)
{
    double low = 0, high = 40;
    for (int i = 0; i < 60; i++) {
        double z = (low + high) / 2;
        *(erfc(z / sqrt(2)) / 2 > tail ? &low : &high) = z;
    }
    return low;
}

static size_t outside_nearly(size_t m, size_t n, double tail)
{
    double pairs = (double)m * (double)n;
    double deviation = sqrt(pairs * (double)(m + n + 1) / 12);
    double k = floor(pairs / 2 - 0.5 - normal_quantile(tail) * deviation);
    return k > 0 ? (size_t)k : 0;
}

static void fill_differences(double *to, const double *base, size_t n_base, const double *head,
                             size_t n_head)
{
    for (size_t i = 0; i < n_base; i++)
        for (size_t k = 0; k < n_head; k++)
            *to++ = head[k] - base[i];
}

enum tide_rc tide_shift_estimate(const double *base, size_t n_base, const double *head,
                                 size_t n_head, double confidence, struct tide_shift *out,
                                 struct tide_error *e)
{
    size_t pairs = n_base * n_head, smaller = n_base < n_head ? n_base : n_head;
    double tail = (1 - confidence) / 2;
    double *at = calloc(pairs, sizeof *at);
    *out = (struct tide_shift){NAN, -INFINITY, INFINITY};
    if (!at) return tide_fail(e, TIDE_NOMEM, "compare samples of %zu and %zu", n_base, n_head);
    bool exact = pairs <= EXACT_PAIRS || smaller <= EXACT_SMALLER;
    size_t outside =
        exact ? outside_exactly(at, n_base, n_head, tail) : outside_nearly(n_base, n_head, tail);
    fill_differences(at, base, n_base, head, n_head);
    out->effect = tide_robust_median(at, pairs);
    if (outside) {
        out->low = tide_robust_select(at, pairs, outside - 1);
        out->high = tide_robust_select(at, pairs, pairs - outside);
    }
    free(at);
    return TIDE_OK;
}
