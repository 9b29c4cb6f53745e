/* verdict.c - see verdict.h. */
#include "stats/verdict.h"

#include "stats/robust.h"
#include "stats/shift.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONFIDENCE 0.95
#define SAME_SHARE 0.01 /* of the median of base: noise beyond it does not make things the same */
#define Z          1.959964           /* its normal quantile */
#define OF_PAIR    (Z * 1.4142135624) /* a difference of two, in deviations of one */

static const char *const verdict_names[] = {"inconclusive", "same", "better", "worse"};

const char *tide_verdict_name(enum tide_verdict v)
{
    return verdict_names[v];
}

struct tide_floors tide_floors_of(const char *metric)
{
    static const struct {
        const char *metric;
        struct tide_floors floors;
    } known[] = {
        {"leak", {1, 0}},        {"wall_ns", {1e6, 0.02}},     {"cpu_ns", {1e6, 0.02}},
        {"events", {10, 0.001}}, {"page_faults", {16, 0.001}}, {"over_floor", {0.001, 0.001}},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!strcmp(metric, known[i].metric)) return known[i].floors;
    return (struct tide_floors){32768, 0.001}; /* of memory: 8 pages, as for change points */
}

/* ---- in words ---- */

static void write_scaled(double value, double step, const char *const *names, char *out,
                         size_t room)
{
    double size = fabs(value);
    while (size >= step && names[1]) {
        size /= step;
        value /= step;
        names++;
    }
    bool whole = value == floor(value) || size >= 100;
    snprintf(out, room, "%.*f %s", whole ? 0 : size >= 10 ? 1 : 2, value, *names);
}

void tide_verdict_write(double value, const char *unit, char *out, size_t room)
{
    static const char *const bytes[] = {"bytes", "KiB", "MiB", "GiB", "TiB", NULL};
    static const char *const times[] = {"ns", "us", "ms", "s", NULL};
    static const char *const others[] = {"", NULL};
    if (!strncmp(unit, "bytes", 5))
        write_scaled(value, 1024, bytes, out, room);
    else if (!strcmp(unit, "ns"))
        write_scaled(value, 1000, times, out, room);
    else {
        write_scaled(value, 1e300, others, out, room);
        out[strlen(out) - 1] = '\0'; /* the blank before no unit */
    }
}

/* ---- noise ---- */

/* The quantile of Student's t with this confidence: the first from the table, then the expansion of
 * Cornish and Fisher. */
static double student(size_t freedom)
{
    static const double table[] = {12.706, 4.303, 3.182, 2.776, 2.571};
    double n = (double)freedom;
    if (!freedom) return INFINITY; /* nothing is known of the noise */
    if (freedom <= sizeof table / sizeof *table) return table[freedom - 1];
    return Z + 2.37226 / n + 2.8225 / (n * n);
}

static double median_of(struct tide_sample s, double *room)
{
    for (size_t i = 0; i < s.n; i++)
        room[i] = s.at[i];
    return tide_robust_median(room, s.n);
}

static double mean_of(struct tide_sample s)
{
    double sum = 0; /* of what lies above the first: exact where all are alike */
    for (size_t i = 0; i < s.n; i++)
        sum += s.at[i] - s.at[0];
    return s.at[0] + sum / (double)s.n;
}

/* The sum of squared deviations from the mean. */
static double squares(struct tide_sample s)
{
    double mean = mean_of(s), sum = 0;
    for (size_t i = 0; i < s.n; i++)
        sum += (s.at[i] - mean) * (s.at[i] - mean);
    return sum;
}

struct noise {
    double deviation; /* of one sample, the larger of both sources; NAN: neither */
    size_t freedom;   /* of that source */
    size_t known;     /* A/A differences, those within the two cells counted in */
    double paired;    /* quantile of 95 % of the A/A differences, NAN without */
};

static struct noise measure_noise(struct tide_sample base, struct tide_sample head,
                                  struct tide_sample aa, double *room)
{
    size_t own = base.n + head.n - 2;
    struct noise n = {.deviation = NAN, .known = own + aa.n, .paired = NAN};
    if (aa.n) {
        memcpy(room, aa.at, aa.n * sizeof *room);
        size_t place = (size_t)ceil(0.95 * (double)aa.n) - 1;
        n.paired = tide_robust_select(room, aa.n, place);
        n.deviation = n.paired / OF_PAIR;
        n.freedom = aa.n;
    }
    if (own) {
        double inner = sqrt((squares(base) + squares(head)) / (double)own);
        if (isnan(n.deviation) || inner > n.deviation) {
            n.deviation = inner;
            n.freedom = own;
        }
    }
    return n;
}

/* A/A differences that the noise must be known from, by samples on the smaller side. */
static size_t count_wanted(size_t smaller)
{
    return smaller == 1 ? 20 : smaller == 2 ? 6 : 4;
}

/* ---- the verdict ---- */

struct case_at_hand {
    struct tide_sample base, head;
    struct noise noise;
    double floor;  /* the larger one: a change reaches it */
    double margin; /* what is the same stays within it */
    bool ranked;   /* the interval comes from the ranks */
    const char *unit;
};

static size_t smaller_side(const struct case_at_hand *c)
{
    return c->base.n < c->head.n ? c->base.n : c->head.n;
}

/* Without enough samples for ranks: from the noise, where it is known well enough. It stands around
 * the difference of the means: of values that flicker between two, the median of some differences
 * is the whole flicker. One or two samples a side may all be of one kind by chance, so the interval
 * is as wide as two runs differ; and a quarter wider for one, which is seen by nothing else. */
static void bound_by_noise(const struct case_at_hand *c, struct tide_judgement *j)
{
    size_t least = smaller_side(c);
    j->low = j->high = NAN;
    if (c->noise.known < count_wanted(least)) return;
    double half = student(c->noise.freedom) * c->noise.deviation *
                  sqrt(1 / (double)c->base.n + 1 / (double)c->head.n);
    if (least <= 2 && !isnan(c->noise.paired)) half = fmax(half, c->noise.paired);
    if (least == 1) half *= 1.25;
    double middle = mean_of(c->head) - mean_of(c->base);
    j->low = middle - half;
    j->high = middle + half;
}

static enum tide_verdict decide(const struct case_at_hand *c, const struct tide_judgement *j)
{
    if (isnan(j->low)) return TIDE_INCONCLUSIVE;
    if (j->low > 0 && j->effect >= c->floor) return TIDE_WORSE;
    if (j->high < 0 && j->effect <= -c->floor) return TIDE_BETTER;
    bool within = j->low >= -c->margin && j->high <= c->margin;
    return within ? TIDE_SAME : TIDE_INCONCLUSIVE;
}

/* Samples a side at which an interval as wide as the noise has it would decide, less those that
 * there are. Ranks want four a side. */
static int count_needs(const struct case_at_hand *c, const struct tide_judgement *j)
{
    size_t there = smaller_side(c);
    double size = fabs(j->effect), wanted = 0;
    if (isnan(j->low)) { /* each further sample a side gives two more differences */
        for (size_t n = there + 1; n <= 4; n++)
            if (n == 4 || c->noise.known + 2 * (n - there) >= count_wanted(n)) {
                wanted = (double)n;
                break;
            }
    } else {
        double off = size >= c->floor ? size : 0; /* 0 from the interval, or margin from its ends */
        double room = fmax(off, c->margin - size);
        double width = 1.2 * Z * c->noise.deviation; /* ranks are a little less sharp */
        wanted = room > 0 ? fmax(4, ceil(2 * width * width / (room * room))) : INFINITY;
    }
    double more = fmax(1, wanted - (double)there);
    return more >= TIDE_NEEDS_MOST ? TIDE_NEEDS_MOST : (int)more;
}

static bool is_constant(struct tide_sample s)
{
    for (size_t i = 1; i < s.n; i++)
        if (s.at[i] != s.at[0]) return false;
    return true;
}

/* What the interval stands on. */
static void write_basis(const struct case_at_hand *c, char *out, size_t room)
{
    char noise[40];
    size_t b = c->base.n, h = c->head.n;
    if (c->ranked)
        snprintf(out, room, "by the ranks of %zu and %zu samples", b, h);
    else if (b > 1 && h > 1 && is_constant(c->base) && is_constant(c->head) &&
             !(c->noise.deviation > 0))
        snprintf(out, room, "the %zu samples of base are equal, and the %zu of head", b, h);
    else if (!isnan(c->noise.paired)) {
        tide_verdict_write(c->noise.paired, c->unit, noise, sizeof noise);
        snprintf(out, room,
                 "%zu and %zu samples, against %zu repeated ones of cells like these, of which 95 "
                 "in 100 differ by %s at the most",
                 b, h, c->noise.known, noise);
    } else
        snprintf(out, room, "by the spread of %zu and %zu samples", b, h);
}

static void write_why(const struct case_at_hand *c, struct tide_judgement *j)
{
    char basis[200], effect[40], least[40];
    write_basis(c, basis, sizeof basis);
    tide_verdict_write(fabs(j->effect), c->unit, effect, sizeof effect);
    tide_verdict_write(c->margin, c->unit, least, sizeof least);
    if (j->verdict == TIDE_WORSE || j->verdict == TIDE_BETTER)
        snprintf(j->why, sizeof j->why, "%s %s: %s", effect,
                 j->verdict == TIDE_WORSE ? "more" : "less", basis);
    else if (j->verdict == TIDE_SAME)
        snprintf(j->why, sizeof j->why, "no difference of more than %s: %s", least, basis);
    else if (isnan(j->low))
        snprintf(j->why, sizeof j->why,
                 "%zu and %zu samples are too few, and %zu repeated ones of cells like these too "
                 "few to know the noise from",
                 c->base.n, c->head.n, c->noise.known);
    else
        snprintf(j->why, sizeof j->why,
                 "between no difference and more than %s all is possible: %s", least, basis);
}

static struct tide_sample newest(struct tide_sample s)
{
    if (s.n <= TIDE_VERDICT_SAMPLES) return s;
    return (struct tide_sample){s.at + s.n - TIDE_VERDICT_SAMPLES, TIDE_VERDICT_SAMPLES};
}

enum tide_rc tide_verdict_judge(struct tide_sample base, struct tide_sample head,
                                struct tide_sample aa, struct tide_floors floors, const char *unit,
                                struct tide_judgement *out, struct tide_error *e)
{
    struct tide_shift shift;
    *out = (struct tide_judgement){0};
    base = newest(base);
    head = newest(head);
    double *room = calloc(base.n + head.n + aa.n, sizeof *room);
    if (!room) return tide_fail(e, TIDE_NOMEM, "judge two samples");
    enum tide_rc rc = tide_shift_estimate(base.at, base.n, head.at, head.n, CONFIDENCE, &shift, e);
    if (!rc) {
        double level = median_of(base, room);
        struct case_at_hand c = {
            .base = base,
            .head = head,
            .noise = measure_noise(base, head, aa, room),
            .floor = fmax(floors.absolute, floors.share * fabs(level)),
            .ranked = isfinite(shift.low),
            .unit = unit,
        };
        out->effect = shift.effect;
        out->low = shift.low;
        out->high = shift.high;
        out->percent = level != 0 ? 100 * shift.effect / fabs(level) : NAN;
        out->noise = OF_PAIR * c.noise.deviation;
        c.margin = fmax(c.floor, fmin(out->noise, SAME_SHARE * fabs(level)));
        if (!c.ranked) bound_by_noise(&c, out);
        out->verdict = decide(&c, out);
        if (out->verdict == TIDE_INCONCLUSIVE) out->needs = count_needs(&c, out);
        write_why(&c, out);
    }
    free(room);
    return rc;
}
