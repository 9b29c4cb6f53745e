/* changes_test.c - change points: published series, laws, and what must not alarm.
 *
 * Random series come from fixed seeds, so that a failure comes back; rates over many series are
 * measured by `make bench-stats`. */
#include "base/testing.h"

#include "stats/changes.h"
#include "stats/robust.h"
#include "stats/shift.h"

#include <math.h>

#define MIB  1048576.0
#define PAGE 4096.0
#define MOST 5000

static struct tide_error error;
static double x[MOST];

struct found {
    struct tide_change at[64];
    size_t n;
};

static struct found find_with(const struct tide_change_options *options, size_t n)
{
    struct found f = {.n = 0};
    struct tide_change *list;
    assert_rc(tide_changes_find(x, n, options, &list, &f.n, &error), TIDE_OK, &error);
    assert_true(f.n <= 64);
    for (size_t i = 0; i < f.n; i++)
        f.at[i] = list[i];
    free(list);
    return f;
}

static struct found find(size_t n)
{
    struct tide_change_options options = tide_change_defaults(x, n);
    return find_with(&options, n);
}

/* Normal noise by the method of Box and Muller. */
static double noise(uint64_t *seed)
{
    double u = ((double)(next_random(seed) >> 11) + 0.5) / 9007199254740992.0;
    double v = ((double)(next_random(seed) >> 11) + 0.5) / 9007199254740992.0;
    return sqrt(-2 * log(u)) * cos(6.283185307179586 * v);
}

static void fill(uint64_t seed, size_t n, double level, double deviation)
{
    for (size_t i = 0; i < n; i++)
        x[i] = level + deviation * noise(&seed);
}

static void raise_from(size_t at, size_t n, double by)
{
    for (size_t i = at; i < n; i++)
        x[i] += by;
}

static void assert_one(const struct found *f, size_t index, enum tide_change_status status)
{
    assert_int_equal(f->n, 1);
    assert_int_equal(f->at[0].index, index);
    assert_int_equal(f->at[0].status, status);
}

/* ---- published ---- */

/* Annual flow of the Nile at Aswan, 1871 to 1970, in 10^8 m^3: Cobb, "The problem of the Nile",
 * Biometrika 65 (1978), who finds the change at 1898, the last year of the higher level. */
static void test_nile_changes_after_1898(void **state)
{
    (void)state;
    static const double flow[] = {
        1120, 1160, 963, 1210, 1160, 1160, 813,  1230, 1370, 1140, 995,  935,  1110, 994,  1020,
        960,  1180, 799, 958,  1140, 1100, 1210, 1150, 1250, 1260, 1220, 1030, 1100, 774,  840,
        874,  694,  940, 833,  701,  916,  692,  1020, 1050, 969,  831,  726,  456,  824,  702,
        1120, 1100, 832, 764,  821,  768,  845,  864,  862,  698,  845,  744,  796,  1040, 759,
        781,  865,  845, 944,  984,  897,  822,  1010, 771,  676,  649,  846,  812,  742,  801,
        1040, 860,  874, 848,  890,  744,  749,  838,  1050, 918,  986,  797,  923,  975,  815,
        1020, 906,  901, 1170, 912,  746,  919,  718,  714,  740};
    assert_int_equal(sizeof flow / sizeof *flow, 100);
    memcpy(x, flow, sizeof flow);
    struct found f = find(100);
    assert_one(&f, 1899 - 1871, TIDE_CONFIRMED);
    assert_true(f.at[0].low < -247 && -247 < f.at[0].high); /* the difference of the means */
    assert_true(f.at[0].high < 0);
}

/* ---- without noise ---- */

static void test_step_without_noise(void **state)
{
    (void)state;
    for (size_t at = 3; at < 60; at++) {
        fill(1, 60, 50 * MIB, 0);
        raise_from(at, 60, MIB);
        struct found f = find(60);
        assert_one(&f, at, at == 59 ? TIDE_SUSPECT : TIDE_CONFIRMED);
        assert_true(f.at[0].effect == MIB && f.at[0].low == MIB && f.at[0].high == MIB);
        assert_true(f.at[0].before == 50 * MIB && f.at[0].after == 51 * MIB);
    }
}

static void test_steps_of_a_page_never_alarm(void **state)
{
    (void)state;
    uint64_t seed = 0x9a6e;
    for (int round = 0; round < 200; round++) {
        size_t n = 3 + random_below(&seed, 200);
        fill(1, n, (1 + (double)random_below(&seed, 100)) * MIB, 0);
        raise_from(random_below(&seed, n), n, random_below(&seed, 2) ? PAGE : -PAGE);
        assert_int_equal(find(n).n, 0);
    }
}

static void test_floor_is_the_smallest_that_counts(void **state)
{
    (void)state;
    const struct tide_change_options options = {.floor = 10};
    fill(1, 40, 1000, 0);
    raise_from(20, 40, 9.99);
    assert_int_equal(find_with(&options, 40).n, 0);
    raise_from(20, 40, 0.02);
    assert_int_equal(find_with(&options, 40).n, 1);
}

static void test_least_holds_in_noise_too(void **state)
{
    (void)state;
    struct tide_change_options options = {.least = 100};
    fill(7, 100, 1000, 1);
    raise_from(50, 100, 20);
    assert_int_equal(find_with(&options, 100).n, 0);
    options.least = 10;
    assert_int_equal(find_with(&options, 100).n, 1);
    options = (struct tide_change_options){.least_share = 0.05};
    assert_int_equal(find_with(&options, 100).n, 0);
}

static void test_constant_and_short_series(void **state)
{
    (void)state;
    for (size_t n = 0; n < 50; n++) {
        fill(1, n, 7, 0);
        assert_int_equal(find(n).n, 0);
    }
    fill(1, 50, 0, 0);
    assert_int_equal(find(50).n, 0);
}

/* ---- in noise ---- */

static void test_newest_point_is_suspect_then_confirmed(void **state)
{
    (void)state;
    fill(11, 60, 1000, 1);
    raise_from(50, 60, 8);
    assert_int_equal(find(50).n, 0);
    struct found f = find(51);
    assert_one(&f, 50, TIDE_SUSPECT);
    f = find(52);
    assert_one(&f, 50, TIDE_CONFIRMED);
    f = find(60);
    assert_one(&f, 50, TIDE_CONFIRMED);
}

static void test_suspect_that_goes_back_is_dropped(void **state)
{
    (void)state;
    fill(11, 60, 1000, 1);
    x[50] += 8;
    assert_int_equal(find(51).n, 1);
    assert_int_equal(find(52).n, 0);
    assert_int_equal(find(60).n, 0);
}

static void test_up_and_down(void **state)
{
    (void)state;
    fill(3, 100, 1000, 1);
    raise_from(40, 45, 8);
    struct found f = find(100);
    assert_int_equal(f.n, 2);
    assert_int_equal(f.at[0].index, 40);
    assert_int_equal(f.at[1].index, 45);
    assert_true(f.at[0].low > 0 && f.at[1].high < 0);
}

static void test_single_outliers_never_confirm(void **state)
{
    (void)state;
    for (size_t at = 0; at < 100; at++) {
        fill(5, 100, 1000, 1);
        x[at] += 1000;
        struct found f = find(100);
        assert_int_equal(f.n, at == 99);
        if (f.n) assert_int_equal(f.at[0].status, TIDE_SUSPECT);
    }
}

static void test_creep_is_one_change(void **state)
{
    (void)state;
    fill(9, 120, 1000, 3);
    for (size_t i = 40; i < 120; i++)
        x[i] += 5 * (double)(i < 80 ? i - 39 : 40);
    struct found f = find(120);
    assert_int_equal(f.n, 1);
    assert_int_equal(f.at[0].kind, TIDE_CREEP);
    assert_in_range(f.at[0].index, 37, 43);
    assert_in_range(f.at[0].end, 76, 82);
    assert_true(f.at[0].low < 200 && 200 < f.at[0].high);
}

static void test_gaps_shift_the_index_alone(void **state)
{
    (void)state;
    fill(2, 60, 1000, 1);
    raise_from(30, 60, 10);
    x[0] = x[10] = x[11] = x[29] = x[30] = x[59] = NAN;
    struct found f = find(60);
    assert_one(&f, 31, TIDE_CONFIRMED);
    for (size_t i = 0; i < 60; i++)
        x[i] = NAN;
    assert_int_equal(find(60).n, 0);
}

/* ---- laws ---- */

static struct found find_random(uint64_t seed, double factor, double offset)
{
    const struct tide_change_options options = {0};
    size_t n = 20 + seed % 200;
    fill(seed, n, 64, 1);
    for (int k = 0; k < 3; k++)
        raise_from(random_below(&seed, n), n, (double)random_below(&seed, 20) - 10);
    for (size_t i = 0; i < n; i++)
        x[i] = x[i] * factor + offset;
    return find_with(&options, n);
}

static void assert_near(double a, double b, double scale)
{
    if (!(fabs(a - b) <= 1e-6 * scale)) fail_msg("%.17g is not %.17g", a, b);
}

static void assert_transformed(const struct found *a, const struct found *b, double factor)
{
    assert_int_equal(a->n, b->n);
    for (size_t i = 0; i < a->n; i++) {
        assert_int_equal(a->at[i].index, b->at[i].index);
        assert_int_equal(a->at[i].status, b->at[i].status);
        assert_int_equal(a->at[i].kind, b->at[i].kind);
        assert_near(a->at[i].effect * factor, b->at[i].effect, fabs(factor));
        assert_near(a->at[i].low * factor, factor < 0 ? b->at[i].high : b->at[i].low, fabs(factor));
    }
}

static void test_shift_scale_and_mirror(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct found plain = find_random(seed, 1, 0);
        struct found moved = find_random(seed, 1, 1024);
        struct found scaled = find_random(seed, MIB, 0);
        struct found small = find_random(seed, 1 / MIB, 0);
        struct found mirrored = find_random(seed, -1, 0);
        assert_transformed(&plain, &moved, 1);
        assert_transformed(&plain, &scaled, MIB);
        assert_transformed(&plain, &small, 1 / MIB);
        assert_transformed(&plain, &mirrored, -1);
    }
}

static void test_any_series_is_survived(void **state)
{
    (void)state;
    uint64_t seed = 0xf00d;
    for (int round = 0; round < 500; round++) {
        size_t n = random_below(&seed, 60), kind = random_below(&seed, 4);
        for (size_t i = 0; i < n; i++) {
            double huge = ldexp(1, (int)random_below(&seed, 1800) - 900);
            double values[] = {huge, NAN, (double)random_below(&seed, 3), -huge};
            x[i] = values[random_below(&seed, kind + 1)];
        }
        struct found f = find(n);
        for (size_t i = 0; i < f.n; i++)
            assert_true(f.at[i].index < n && f.at[i].end < n && !isnan(x[f.at[i].index]));
    }
}

static void test_refuses_what_is_no_number(void **state)
{
    (void)state;
    struct tide_change_options options = {0};
    struct tide_change *list;
    size_t count;
    fill(1, 10, 1, 0);
    x[4] = INFINITY;
    assert_rc(tide_changes_find(x, 10, &options, &list, &count, &error), TIDE_INVALID, &error);
    assert_contains(error.text, "value 4 is infinite");
    options.least = -1;
    x[4] = 1;
    assert_rc(tide_changes_find(x, 10, &options, &list, &count, &error), TIDE_INVALID, &error);
    assert_null(list);
}

/* ---- what it stands on ---- */

static int by_size(const void *a, const void *b)
{
    const double *p = a, *q = b;
    return (*p > *q) - (*p < *q);
}

static void test_selection_agrees_with_sorting(void **state)
{
    (void)state;
    uint64_t seed = 0x5e1;
    double sorted[100], room[100];
    for (int round = 0; round < 2000; round++) {
        size_t n = 1 + random_below(&seed, 100), k = random_below(&seed, n);
        for (size_t i = 0; i < n; i++)
            sorted[i] = room[i] = (double)random_below(&seed, 1 + random_below(&seed, 50));
        qsort(sorted, n, sizeof *sorted, by_size);
        assert_true(tide_robust_select(room, n, k) == sorted[k]);
        assert_true(tide_robust_median(room, n) == (sorted[(n - 1) / 2] + sorted[n / 2]) / 2);
    }
}

static void test_noise_is_the_standard_deviation(void **state)
{
    (void)state;
    double room[MOST];
    fill(21, MOST, 1000, 3);
    raise_from(MOST / 2, MOST, 500);
    double found = tide_robust_noise(x, MOST, room);
    assert_true(found > 2.85 && found < 3.15);
}

/* The shift and the 95 % interval of samples without ties, against the definition: of the nine
 * sizes of U for 5 and 5 that leave 2.5 % out, Mann and Whitney's table gives U <= 2. */
static void test_shift_of_small_samples(void **state)
{
    (void)state;
    const double base[] = {1, 2, 4, 8, 16}, head[] = {103, 105, 109, 117, 133};
    double pairs[25];
    struct tide_shift s;
    for (size_t i = 0; i < 25; i++)
        pairs[i] = head[i % 5] - base[i / 5];
    qsort(pairs, 25, sizeof *pairs, by_size);
    assert_rc(tide_shift_estimate(base, 5, head, 5, 0.95, &s, &error), TIDE_OK, &error);
    assert_true(s.effect == pairs[12]);
    assert_true(s.low == pairs[2] && s.high == pairs[22]);
    assert_rc(tide_shift_estimate(base, 3, head, 3, 0.95, &s, &error), TIDE_OK, &error);
    assert_true(isinf(s.low) && isinf(s.high));
}

static void test_intervals_hold_the_shift(void **state)
{
    (void)state;
    int held[2] = {0, 0};
    for (uint64_t round = 0; round < 1000; round++)
        for (int large = 0; large < 2; large++) {
            size_t n = large ? 40 : 7;
            struct tide_shift s;
            fill(round * 2 + 1, 2 * n, 100, 1);
            raise_from(n, 2 * n, 1);
            assert_rc(tide_shift_estimate(x, n, x + n, n, 0.95, &s, &error), TIDE_OK, &error);
            held[large] += s.low <= 1 && 1 <= s.high;
        }
    assert_in_range(held[0], 940, 995);
    assert_in_range(held[1], 930, 975);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nile_changes_after_1898),
        cmocka_unit_test(test_step_without_noise),
        cmocka_unit_test(test_steps_of_a_page_never_alarm),
        cmocka_unit_test(test_floor_is_the_smallest_that_counts),
        cmocka_unit_test(test_least_holds_in_noise_too),
        cmocka_unit_test(test_constant_and_short_series),
        cmocka_unit_test(test_newest_point_is_suspect_then_confirmed),
        cmocka_unit_test(test_suspect_that_goes_back_is_dropped),
        cmocka_unit_test(test_up_and_down),
        cmocka_unit_test(test_single_outliers_never_confirm),
        cmocka_unit_test(test_creep_is_one_change),
        cmocka_unit_test(test_gaps_shift_the_index_alone),
        cmocka_unit_test(test_shift_scale_and_mirror),
        cmocka_unit_test(test_any_series_is_survived),
        cmocka_unit_test(test_refuses_what_is_no_number),
        cmocka_unit_test(test_selection_agrees_with_sorting),
        cmocka_unit_test(test_noise_is_the_standard_deviation),
        cmocka_unit_test(test_shift_of_small_samples),
        cmocka_unit_test(test_intervals_hold_the_shift),
    };
    return cmocka_run_group_tests_name("changes", tests, NULL, NULL);
}
