/* leak_test.c - a leak is told from warm-up, steps and noise. */
#include "base/testing.h"

#include "stats/leak.h"

#include <math.h>

#define MARKS 257
#define PAGE  4096.0

static struct tide_error error;
static uint64_t seed;

/* splitmix64 (Steele, Lea and Flood, OOPSLA 2014), as a number from 0 to 1. */
static double draw(void)
{
    uint64_t z = (seed += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (double)((z ^ (z >> 31)) >> 11) / 9007199254740992.0;
}

struct shape { /* of RSS over a run of `iterations` */
    double iterations, leak;
    double warm_up, until; /* pages that come at first, up to this share of the way */
    double jitter;         /* pages of noise, at most */
    double step, at;       /* pages that come at once */
};

static struct tide_leak judge(struct shape s, size_t n)
{
    struct tide_leak_mark marks[MARKS];
    struct tide_leak leak;
    for (size_t i = 0; i < n; i++) {
        double share = (double)i / (double)(n - 1), done = floor(share * s.iterations);
        double pages = 4000 + floor(done * s.leak / PAGE) + floor(s.jitter * draw());
        if (s.until > 0) pages += floor(s.warm_up * fmin(1, share / s.until));
        if (share >= s.at) pages += s.step;
        marks[i] = (struct tide_leak_mark){done, pages * PAGE};
    }
    assert_rc(tide_leak_judge(marks, n, TIDE_LEAK_LEAST, &leak, &error), TIDE_OK, &error);
    return leak;
}

static void test_leaks_of_some_bytes_are_found_and_measured(void **state)
{
    (void)state;
    static const double leaks[] = {1, 8, 64, 1024};
    for (size_t i = 0; i < 4; i++) {
        struct tide_leak l = judge((struct shape){1e5, leaks[i], 200, 0.05, 1, 0, 2}, MARKS);
        assert_int_equal(l.verdict, TIDE_LEAK_FOUND);
        assert_true(l.low <= leaks[i] && leaks[i] <= l.high);
        assert_true(fabs(l.slope - leaks[i]) < 0.1);
        assert_int_equal(l.iterations, 100000);
        assert_int_equal(l.needed, 0);
    }
}

static void test_what_holds_is_no_leak(void **state)
{
    (void)state;
    static const struct shape shapes[] = {
        {1e5, 0, 0, 0, 0, 0, 2},         /* nothing moves */
        {1e5, 0, 2000, 0.1, 0, 0, 2},    /* an allocator warms up */
        {1e5, 0, 200, 0.05, 3, 0, 2},    /* noise of three pages beside it */
        {1e5, 0, 0, 0, 1, -64, 0.5},     /* memory is given back */
        {1e7, 0, 2000, 0.1, 2, 64, 0.4}, /* a table is made larger once, in ten million */
    };
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        struct tide_leak l = judge(shapes[i], MARKS);
        assert_int_equal(l.verdict, TIDE_LEAK_NONE);
        assert_true(fabs(l.slope) < 0.1);
    }
}

static void test_what_cannot_be_told_says_how_many_iterations_would(void **state)
{
    (void)state;
    /* A step of 64 pages amid 1,000 iterations may be one of many. */
    struct tide_leak l = judge((struct shape){1000, 0, 0, 0, 0, 64, 0.5}, MARKS);
    assert_int_equal(l.verdict, TIDE_LEAK_INCONCLUSIVE);
    assert_true(l.needed > 1000);
    struct shape longer = {(double)l.needed, 0, 0, 0, 0, 64, 0.5};
    assert_int_equal(judge(longer, MARKS).verdict, TIDE_LEAK_NONE);
    longer.leak = 1;
    longer.step = 0;
    assert_int_equal(judge(longer, MARKS).verdict, TIDE_LEAK_FOUND);
    /* Three round trips are too few for anything. */
    l = judge((struct shape){3, 1e6, 0, 0, 0, 0, 2}, 4);
    assert_int_equal(l.verdict, TIDE_LEAK_INCONCLUSIVE);
    assert_true(l.needed >= 8);
    l = judge((struct shape){1, 0, 0, 0, 0, 0, 2}, 2);
    assert_true(isnan(l.slope));
}

static void test_no_marks(void **state)
{
    (void)state;
    struct tide_leak l;
    assert_rc(tide_leak_judge(NULL, 0, 1, &l, &error), TIDE_OK, &error);
    assert_int_equal(l.verdict, TIDE_LEAK_INCONCLUSIVE);
    assert_int_equal(l.iterations, 0);
    assert_string_equal(tide_leak_verdict_name(l.verdict), "inconclusive");
}

static void test_noise_alone_is_hardly_ever_a_leak(void **state)
{
    (void)state;
    static const size_t marks[] = {11, 33, MARKS};
    for (size_t i = 0; i < 3; i++) {
        int found = 0;
        for (int run = 0; run < 1000; run++) {
            struct shape s = {(double)(marks[i] - 1), 0, 0, 0, 40, 0, 2};
            found += judge(s, marks[i]).verdict == TIDE_LEAK_FOUND;
        }
        assert_in_range(found, 0, 10);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_leaks_of_some_bytes_are_found_and_measured),
        cmocka_unit_test(test_what_holds_is_no_leak),
        cmocka_unit_test(test_what_cannot_be_told_says_how_many_iterations_would),
        cmocka_unit_test(test_no_marks),
        cmocka_unit_test(test_noise_alone_is_hardly_ever_a_leak),
    };
    return cmocka_run_group_tests_name("leak", tests, NULL, NULL);
}
