/* bisect_test.c - the search: its bound over random lines, what it prefers, what a value says. */
#include "base/testing.h"

#include "stats/bisect.h"

#include <math.h>

#define LONGEST 5000

static struct tide_bisect_commit line[LONGEST];
static bool unbuildable[LONGEST];

struct outcome {
    struct tide_bisect_step end;
    unsigned builds, skipped; /* tries of commits without a build; of those, that could not be */
};

/* Search the line of n commits, of which those from `culprit` on are bad. */
static struct outcome search(size_t n, size_t culprit)
{
    struct outcome o = {0};
    while ((o.end = tide_bisect_next(line, n)).state == TIDE_BISECT_TRY) {
        struct tide_bisect_commit *c = &line[o.end.next];
        assert_int_equal(c->mark, TIDE_BISECT_UNKNOWN);
        assert_true(o.end.next > o.end.good && o.end.next < o.end.bad);
        assert_true(o.end.first <= o.end.last);
        o.builds += !c->built;
        o.skipped += unbuildable[o.end.next];
        c->mark = unbuildable[o.end.next] ? TIDE_BISECT_SKIPPED
                  : o.end.next >= culprit ? TIDE_BISECT_BAD
                                          : TIDE_BISECT_GOOD;
    }
    return o;
}

/* A line of n unknown commits between a good one and a bad one. */
static void lay_out(size_t n)
{
    memset(line, 0, n * sizeof *line);
    memset(unbuildable, 0, n * sizeof *unbuildable);
    line[0].mark = TIDE_BISECT_GOOD;
    line[n - 1].mark = TIDE_BISECT_BAD;
}

/* The commit itself; where it, or what stands before it, could not be measured, the smallest range
 * that holds it, of which every commit but the last is unbuildable. */
static void assert_located(const struct outcome *o, size_t culprit)
{
    assert_true(o->end.good < culprit && culprit <= o->end.bad);
    for (size_t i = o->end.good + 1; i < o->end.bad; i++)
        assert_true(unbuildable[i]);
    assert_int_equal(o->end.state,
                     o->end.bad == o->end.good + 1 ? TIDE_BISECT_FOUND : TIDE_BISECT_RANGE);
    assert_false(o->end.back);
}

static unsigned ceil_log2(size_t n)
{
    unsigned bits = 0;
    while (((size_t)1 << bits) < n)
        bits++;
    return bits;
}

static void break_builds(uint64_t *seed, size_t n, size_t percent)
{
    for (size_t broken = 0; broken < n * percent / 100;) {
        size_t at = 1 + next_random(seed) % (n - 2);
        broken += !unbuildable[at];
        unbuildable[at] = true;
    }
}

static void stays_within_the_bound_over_200_commits(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 5000; seed++) {
        uint64_t random = seed;
        const size_t n = 200;
        lay_out(n);
        break_builds(&random, n, 10);
        size_t culprit = 1 + next_random(&random) % (n - 1);
        struct outcome o = search(n, culprit);
        assert_located(&o, culprit);
        if (o.builds > ceil_log2(n) + o.skipped)
            fail_msg("seed %d: %u builds, %u of them skipped", (int)seed, o.builds, o.skipped);
    }
}

static void stays_within_the_bound_over_any_line(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 5000; seed++) {
        uint64_t random = seed;
        size_t n = 2 + next_random(&random) % 600;
        lay_out(n);
        if (n > 4) break_builds(&random, n, next_random(&random) % 21);
        for (size_t i = 1; i < n - 1; i++)
            line[i].built = next_random(&random) % 8 == 0 && !unbuildable[i];
        size_t culprit = 1 + next_random(&random) % (n - 1);
        struct outcome o = search(n, culprit);
        assert_located(&o, culprit);
        if (o.builds > ceil_log2(n) + o.skipped)
            fail_msg("seed %d: %zu commits, %u builds, %u of them skipped", (int)seed, n, o.builds,
                     o.skipped);
    }
}

static void leaves_a_broken_stretch_quickly(void **state)
{
    (void)state;
    for (size_t culprit = 1; culprit < 200; culprit++) {
        if (culprit >= 70 && culprit <= 130) continue;
        lay_out(200);
        for (size_t i = 75; i < 125; i++)
            unbuildable[i] = true;
        struct outcome o = search(200, culprit);
        assert_located(&o, culprit);
        assert_true(o.skipped <= 12); /* of 50 */
    }
}

static void takes_a_built_one_near_the_middle(void **state)
{
    (void)state;
    lay_out(101);
    line[30].built = line[60].built = line[90].built = true;
    assert_int_equal(tide_bisect_next(line, 101).next, 60);
    line[60].built = false;
    assert_int_equal(tide_bisect_next(line, 101).next, 30);
    line[30].built = false; /* the one at 90 would tell too little */
    size_t next = tide_bisect_next(line, 101).next;
    assert_true(next >= 37 && next <= 64);
}

static void a_line_of_built_ones_costs_no_build(void **state)
{
    (void)state;
    lay_out(LONGEST);
    for (size_t i = 1; i < LONGEST - 1; i++)
        line[i].built = true;
    struct outcome o = search(LONGEST, 1234);
    assert_int_equal(o.end.bad, 1234);
    assert_int_equal(o.builds, 0);
}

static void neighbours_need_no_try(void **state)
{
    (void)state;
    lay_out(2);
    struct tide_bisect_step step = tide_bisect_next(line, 2);
    assert_int_equal(step.state, TIDE_BISECT_FOUND);
    assert_int_equal(step.bad, 1);
}

static void tells_that_the_level_went_back(void **state)
{
    (void)state;
    lay_out(10);
    line[3].mark = TIDE_BISECT_BAD;
    line[5].mark = TIDE_BISECT_GOOD;
    struct tide_bisect_step step = tide_bisect_next(line, 10);
    assert_int_equal(step.good, 5);
    assert_int_equal(step.bad, 9);
    assert_true(step.back);
}

static enum tide_bisect_mark judge(double good, double bad, double limit, double a, double b,
                                   double c, bool forced)
{
    struct tide_bisect_levels levels = tide_bisect_levels(good, bad, limit);
    double samples[] = {a, b, c};
    return tide_bisect_judge(&levels, samples, 3, forced);
}

static void a_value_near_a_level_decides(void **state)
{
    (void)state;
    assert_int_equal(judge(100, 130, 0, 101, 99, 100, false), TIDE_BISECT_GOOD);
    assert_int_equal(judge(100, 130, 0, 131, 129, 128, false), TIDE_BISECT_BAD);
    assert_int_equal(judge(100, 130, 0, 150, 151, 152, false), TIDE_BISECT_BAD);
    assert_int_equal(judge(100, 130, 0, 50, 51, 52, false), TIDE_BISECT_GOOD);
    /* the same for a change for the better */
    assert_int_equal(judge(130, 100, 0, 131, 129, 128, false), TIDE_BISECT_GOOD);
    assert_int_equal(judge(130, 100, 0, 101, 99, 100, false), TIDE_BISECT_BAD);
}

static void what_lies_between_wants_more_samples(void **state)
{
    (void)state;
    assert_int_equal(judge(100, 130, 0, 114, 113, 112, false), TIDE_BISECT_UNKNOWN);
    assert_int_equal(judge(100, 130, 0, 114, 113, 112, true), TIDE_BISECT_GOOD);
    /* noisy: on both sides */
    assert_int_equal(judge(100, 130, 0, 100, 101, 129, false), TIDE_BISECT_UNKNOWN);
    assert_int_equal(judge(100, 130, 0, 100, 101, 129, true), TIDE_BISECT_GOOD);
}

static void a_limit_moves_the_cut(void **state)
{
    (void)state;
    assert_int_equal(judge(100, 130, 5, 108, 108, 108, false), TIDE_BISECT_BAD);
    assert_int_equal(judge(100, 130, 5, 104, 104, 104, false), TIDE_BISECT_GOOD);
    assert_int_equal(judge(130, 100, 5, 120, 120, 120, false), TIDE_BISECT_BAD);
    /* beyond half the way it would hide the step that is looked for */
    assert_int_equal(judge(100, 130, 29, 128, 128, 128, false), TIDE_BISECT_BAD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stays_within_the_bound_over_200_commits),
        cmocka_unit_test(stays_within_the_bound_over_any_line),
        cmocka_unit_test(leaves_a_broken_stretch_quickly),
        cmocka_unit_test(takes_a_built_one_near_the_middle),
        cmocka_unit_test(a_line_of_built_ones_costs_no_build),
        cmocka_unit_test(neighbours_need_no_try),
        cmocka_unit_test(tells_that_the_level_went_back),
        cmocka_unit_test(a_value_near_a_level_decides),
        cmocka_unit_test(what_lies_between_wants_more_samples),
        cmocka_unit_test(a_limit_moves_the_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
