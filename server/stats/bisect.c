/* bisect.c - see bisect.h. Commits between the ends are counted by rank, skipped ones left out. */
#include "stats/bisect.h"

#include "stats/robust.h"

#include <math.h>

#define FAR     16 /* commits: beyond it a skipped one says nothing */
#define STRETCH 8  /* so many skipped ones in one range: they are likely a stretch */

/* The last good commit, and the first bad one after it. */
static struct tide_bisect_step find_ends(const struct tide_bisect_commit *line, size_t n)
{
    struct tide_bisect_step step = {.good = 0, .bad = n - 1};
    for (size_t i = 1; i < n - 1; i++)
        if (line[i].mark == TIDE_BISECT_GOOD) step.good = i;
    for (size_t i = n - 1; i > step.good; i--)
        if (line[i].mark == TIDE_BISECT_BAD) step.bad = i;
    for (size_t i = 1; i < step.good; i++)
        step.back = step.back || line[i].mark == TIDE_BISECT_BAD;
    return step;
}

static size_t count_unknown(const struct tide_bisect_commit *line,
                            const struct tide_bisect_step *step)
{
    size_t unknown = 0;
    for (size_t i = step->good + 1; i < step->bad; i++)
        unknown += line[i].mark == TIDE_BISECT_UNKNOWN;
    return unknown;
}

unsigned tide_bisect_tries(size_t unknown)
{
    unsigned tries = 0;
    for (; unknown; unknown /= 2)
        tries++;
    return tries;
}

/* How far the commit stands from the next one that was skipped, at most FAR. */
static size_t distance_to_skipped(const struct tide_bisect_commit *line, size_t at,
                                  const struct tide_bisect_step *step)
{
    for (size_t d = 1; d < FAR; d++) {
        if (at >= d + step->good && line[at - d].mark == TIDE_BISECT_SKIPPED) return d;
        if (at + d <= step->bad && line[at + d].mark == TIDE_BISECT_SKIPPED) return d;
    }
    return FAR;
}

static size_t off_middle(size_t rank, size_t unknown)
{
    size_t twice = 2 * rank + 1;
    return twice > unknown ? twice - unknown : unknown - twice;
}

/* Where so many were skipped since the range was last narrowed: the middle of what was not tried
 * before the first or after the last of them, whichever is more. */
static void leave_stretch(const struct tide_bisect_commit *line, struct tide_bisect_step *step)
{
    size_t skipped = 0, first = 0, last = 0;
    for (size_t i = step->good + 1; i < step->bad; i++) {
        if (line[i].mark != TIDE_BISECT_SKIPPED) continue;
        if (!skipped++) first = i;
        last = i;
    }
    if (skipped < STRETCH) return;
    size_t before = first - step->good - 1, after = step->bad - last - 1;
    if (before + after == 0) return;
    step->next = before > after ? step->good + 1 + before / 2 : last + 1 + after / 2;
}

struct choice {
    size_t rank, distance;
    bool any;
};

/* Whether the commit is a better try than what was chosen so far: a built one near the middle
 * first, then what stands farther from the skipped ones, then what is nearer to the middle. */
static bool is_better(const struct choice *c, size_t rank, size_t distance, size_t unknown)
{
    if (!c->any || distance != c->distance) return !c->any || distance > c->distance;
    return off_middle(rank, unknown) < off_middle(c->rank, unknown);
}

/* Go over the unknown commits by rank. A built one may be any of the middle half; another must
 * leave no more on its larger side than one try fewer can tell apart. */
static void choose(const struct tide_bisect_commit *line, size_t unknown,
                   struct tide_bisect_step *step)
{
    struct choice built = {0}, other = {0};
    size_t most = ((size_t)1 << (tide_bisect_tries(unknown) - 1)) - 1;
    size_t quarter = unknown / 4, rank = 0, built_at = 0;
    for (size_t i = step->good + 1; i < step->bad; i++) {
        if (line[i].mark != TIDE_BISECT_UNKNOWN) continue;
        size_t after = unknown - 1 - rank;
        if (rank == quarter) step->first = i;
        if (rank <= unknown - 1 - quarter) step->last = i;
        if (line[i].built && rank >= quarter && after >= quarter &&
            is_better(&built, rank, 0, unknown)) {
            built = (struct choice){rank, 0, true};
            built_at = i;
        }
        size_t distance = distance_to_skipped(line, i, step);
        if (rank <= most && after <= most && is_better(&other, rank, distance, unknown)) {
            other = (struct choice){rank, distance, true};
            step->next = i;
        }
        rank++;
    }
    if (built.any)
        step->next = built_at;
    else
        leave_stretch(line, step);
}

struct tide_bisect_step tide_bisect_next(const struct tide_bisect_commit *line, size_t n)
{
    struct tide_bisect_step step = find_ends(line, n);
    size_t unknown = count_unknown(line, &step);
    if (unknown)
        choose(line, unknown, &step);
    else
        step.state = step.bad == step.good + 1 ? TIDE_BISECT_FOUND : TIDE_BISECT_RANGE;
    return step;
}

struct tide_bisect_levels tide_bisect_levels(double good, double bad, double limit)
{
    struct tide_bisect_levels levels = {good, bad, (good + bad) / 2};
    if (limit > 0 && limit < fabs(bad - good) / 2)
        levels.cut = bad > good ? good + limit : good - limit;
    return levels;
}

enum tide_bisect_mark tide_bisect_judge(const struct tide_bisect_levels *levels, double *samples,
                                        size_t n, bool forced)
{
    double way = levels->bad - levels->good, third = fabs(way) / 3;
    bool halfway = levels->cut == (levels->good + levels->bad) / 2;
    size_t beyond = 0;
    for (size_t i = 0; i < n; i++)
        beyond += way > 0 ? samples[i] > levels->cut : samples[i] < levels->cut;
    double median = tide_robust_median(samples, n);
    bool between = halfway && fabs(median - levels->good) > third &&
                   fabs(median - levels->bad) > third &&
                   (median - levels->good) * (median - levels->bad) < 0;
    if (!forced && (between || (beyond > 0 && beyond < n))) return TIDE_BISECT_UNKNOWN;
    bool bad = way > 0 ? median > levels->cut : median < levels->cut;
    return bad ? TIDE_BISECT_BAD : TIDE_BISECT_GOOD;
}
