/* bisect.h - which commit of a line to try next, and what a value says of the commit it was
 * measured at.
 *
 * The line runs from a commit that is good to one that is bad; what lies between is unknown, or was
 * tried. A commit that cannot be measured is skipped. Each try that can be measured leaves at most
 * so many commits that the tries still needed in the worst case are one fewer, so that a line of n
 * commits takes ceil(log2(n)) tries, and one more for each skipped commit. Within that bound a
 * choice is left, and used: for a commit whose build is there already, and for one that stands far
 * from those that were skipped. Where eight in a range were skipped the next try stands away from
 * them, wherever that is: it may tell less, and leaves a broken stretch in few tries.
 *
 * Pure: plain arrays in, plain structs out. Nothing allocates, nothing fails. */
#ifndef TIDE_STATS_BISECT_H
#define TIDE_STATS_BISECT_H

#include <stdbool.h>
#include <stddef.h>

enum tide_bisect_mark {
    TIDE_BISECT_UNKNOWN,
    TIDE_BISECT_GOOD,
    TIDE_BISECT_BAD,
    TIDE_BISECT_SKIPPED, /* cannot be measured */
};

struct tide_bisect_commit {
    enum tide_bisect_mark mark;
    bool built; /* unknown, but its build is there: trying it costs none */
};

enum tide_bisect_state {
    TIDE_BISECT_TRY,   /* `next` is to be tried */
    TIDE_BISECT_FOUND, /* `bad` is the commit, `good` stands right before it */
    TIDE_BISECT_RANGE, /* it is one after `good`, up to `bad`; all between them were skipped */
};

struct tide_bisect_step {
    enum tide_bisect_state state;
    size_t good, bad;   /* the narrowest pair: the last good one, and the first bad one after it */
    size_t next;        /* TRY: an unknown one between them */
    size_t first, last; /* TRY: a built one from here to there is taken before any other */
    bool back;          /* a commit before `good` is bad: the level went back once */
};

/* The step after what is known of the n > 1 commits of the line, oldest first: line[0] is good,
 * line[n - 1] bad. */
struct tide_bisect_step tide_bisect_next(const struct tide_bisect_commit *line, size_t n);

/* The tries that a range with this many unknown commits needs in the worst case. */
unsigned tide_bisect_tries(size_t unknown);

struct tide_bisect_levels {
    double good, bad; /* medians at both ends of the line */
    double cut;       /* what lies on the far side of it, seen from `good`, is bad */
};

/* The cut halfway between the levels; with a limit above 0 at good + limit, where that is nearer to
 * `good`, so that less than the whole step is found too. */
struct tide_bisect_levels tide_bisect_levels(double good, double bad, double limit);

/* What n > 0 samples say: GOOD or BAD by their median; UNKNOWN when it lies in the middle third of
 * the way from one level to the other, or samples lie on both sides of the cut: then more samples
 * are wanted. With `forced` the median decides. Reorders the samples. */
enum tide_bisect_mark tide_bisect_judge(const struct tide_bisect_levels *levels, double *samples,
                                        size_t n, bool forced);

#endif
