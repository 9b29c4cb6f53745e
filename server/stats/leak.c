/* leak.c - see leak.h. */
#include "stats/leak.h"

#include "stats/robust.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#define PAGE        4096.0
#define WARM_UP     8    /* the first eighth of the iterations is not looked at */
#define MARKS_LEAST 8    /* for a verdict */
#define BLOCKS      6    /* of marks, two or more each */
#define Z95         1.96 /* normal quantile of 97.5 % */

/* Those behind the warm-up. */
static size_t skip_warm_up(const struct tide_leak_mark *marks, size_t n)
{
    size_t skipped = 0;
    double first = n ? marks[0].iterations : 0, last = n ? marks[n - 1].iterations : 0;
    while (skipped < n && marks[skipped].iterations < first + (last - first) / WARM_UP)
        skipped++;
    return skipped;
}

/* Fill in slope, low and high. Sen's interval leaves out the slopes whose ranks Kendall's test
 * would reject; a page at either end, which RSS cannot show, is added to it. */
static enum tide_rc estimate(const struct tide_leak_mark *m, size_t n, struct tide_leak *out,
                             struct tide_error *e)
{
    size_t pairs = 0;
    double *slopes = calloc(n * (n - 1) / 2, sizeof *slopes);
    if (!slopes) return tide_fail(e, TIDE_NOMEM, "judge a leak");
    for (size_t i = 0; i < n; i++)
        for (size_t k = i + 1; k < n; k++)
            if (m[k].iterations > m[i].iterations)
                slopes[pairs++] = (m[k].rss - m[i].rss) / (m[k].iterations - m[i].iterations);
    double deviation = sqrt((double)(n * (n - 1) * (2 * n + 5)) / 18);
    double outside = ((double)pairs - Z95 * deviation) / 2 - 1;
    double unseen = PAGE / (m[n - 1].iterations - m[0].iterations);
    if (pairs) {
        out->slope = tide_robust_median(slopes, pairs);
        size_t k = outside > 0 ? (size_t)outside : 0;
        out->low = tide_robust_select(slopes, pairs, k) - unseen;
        out->high = tide_robust_select(slopes, pairs, pairs - 1 - k) + unseen;
    }
    free(slopes);
    return TIDE_OK;
}

struct blocks {
    double floor[BLOCKS]; /* the smallest RSS of each */
    size_t n;
    double span; /* iterations between the middles of the first and the last */
};

static struct blocks cut(const struct tide_leak_mark *m, size_t n)
{
    struct blocks b = {.n = n / 2 < BLOCKS ? n / 2 : BLOCKS};
    for (size_t i = 0; i < b.n; i++) {
        b.floor[i] = INFINITY;
        for (size_t k = n * i / b.n; k < n * (i + 1) / b.n; k++)
            b.floor[i] = fmin(b.floor[i], m[k].rss);
    }
    b.span = (m[n - 1].iterations - m[0].iterations) * (double)(b.n - 1) / (double)b.n;
    return b;
}

static bool rises_all_the_way(const struct blocks *b)
{
    for (size_t i = 1; i < b->n; i++)
        if (b->floor[i] < b->floor[i - 1] + PAGE) return false;
    return true;
}

/* How many iterations tell a leak of `least` from what was seen: that many raise every block by two
 * pages, and make what was seen, if it was once for all, too little for a leak; a quarter more, for
 * the interval is wider than that. */
static double count_needed(double least, double rise, double seen)
{
    double shown = 2 * PAGE * (BLOCKS + 1) / least, spread = (rise + 2 * PAGE) / least;
    double whole = (double)WARM_UP / (WARM_UP - 1) * BLOCKS / (BLOCKS - 1); /* of what is used */
    return fmin(fmax(ceil(fmax(shown, spread) * whole * 1.25), 2 * seen), 1e15);
}

enum tide_rc tide_leak_judge(const struct tide_leak_mark *marks, size_t n, double least,
                             struct tide_leak *out, struct tide_error *e)
{
    size_t skipped = skip_warm_up(marks, n);
    const struct tide_leak_mark *m = marks + skipped;
    double seen = n ? marks[n - 1].iterations - marks[0].iterations : 0, rise = 0;
    n -= skipped;
    *out = (struct tide_leak){.slope = NAN, .low = NAN, .high = NAN, .iterations = (int64_t)seen};
    if (n >= 2) {
        enum tide_rc rc = estimate(m, n, out, e);
        if (rc) return rc;
    }
    if (n >= MARKS_LEAST) {
        struct blocks b = cut(m, n);
        rise = b.floor[b.n - 1] - b.floor[0];
        bool rises = rises_all_the_way(&b);
        double unnoticed = fmax(out->high, (rise + PAGE) / b.span);
        if (rises && out->low > 0)
            out->verdict = TIDE_LEAK_FOUND;
        else if (!rises && unnoticed <= least)
            out->verdict = TIDE_LEAK_NONE;
    }
    if (out->verdict == TIDE_LEAK_INCONCLUSIVE)
        out->needed = (int64_t)count_needed(least, fmax(rise, 0), fmax(seen, MARKS_LEAST));
    return TIDE_OK;
}

const char *tide_leak_verdict_name(enum tide_leak_verdict v)
{
    static const char *const names[] = {"inconclusive", "no leak", "leak"};
    return names[v];
}
