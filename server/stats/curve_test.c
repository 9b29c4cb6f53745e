/* curve_test.c - laws of curves: thinning and the pyramid lose no peak, packing loses nothing.
 *
 * Random curves come from fixed seeds, so that a failure comes back. */
#include "base/testing.h"

#include "stats/curve.h"

#include <zstd.h>

static struct tide_error error;

/* ---- curves to test on ---- */

enum shape { FLAT, CLIMB, NOISE, SPIKE, BURSTS, SHAPES };

static struct tide_points random_curve(uint64_t *seed, size_t n, enum shape shape)
{
    struct tide_points p = {0};
    struct tide_point point = {.t_ns = (int64_t)random_below(seed, 1000000), .rss = 50 << 20};
    size_t spike = random_below(seed, n ? n : 1);
    for (size_t i = 0; i < n; i++) {
        uint64_t step = shape == BURSTS && random_below(seed, 50) ? 0 : 1000000;
        point.t_ns += (int64_t)random_below(seed, step + 2); /* equal instants come up */
        if (shape == CLIMB) point.rss += random_below(seed, 3) * 4096;
        if (shape == NOISE || shape == BURSTS) point.rss = random_below(seed, 1 << 18) * 4096;
        if (shape == SPIKE) point.rss = i == spike ? UINT64_C(1) << 33 : 50 << 20;
        point.name = (uint32_t)random_below(seed, 20);
        assert_rc(tide_points_add(&p, &point, &error), TIDE_OK, &error);
    }
    return p;
}

static struct tide_points copy(const struct tide_points *from)
{
    struct tide_points to = {0};
    for (size_t i = 0; i < from->n; i++)
        assert_rc(tide_points_add(&to, &from->at[i], &error), TIDE_OK, &error);
    return to;
}

static uint64_t lowest(const struct tide_points *p)
{
    uint64_t low = UINT64_MAX;
    for (size_t i = 0; i < p->n; i++)
        if (p->at[i].rss < low) low = p->at[i].rss;
    return low;
}

static uint64_t highest(const struct tide_points *p)
{
    uint64_t high = 0;
    for (size_t i = 0; i < p->n; i++)
        if (p->at[i].rss > high) high = p->at[i].rss;
    return high;
}

static bool is_same(const struct tide_point *a, const struct tide_point *b)
{
    return a->t_ns == b->t_ns && a->rss == b->rss && a->name == b->name;
}

static void assert_same(const struct tide_points *a, const struct tide_points *b)
{
    assert_int_equal(a->n, b->n);
    for (size_t i = 0; i < a->n; i++)
        assert_true(is_same(&a->at[i], &b->at[i]));
}

static void assert_in_order(const struct tide_points *p)
{
    for (size_t i = 1; i < p->n; i++)
        assert_true(p->at[i - 1].t_ns <= p->at[i].t_ns);
}

static void assert_each_is_one_of(const struct tide_points *some, const struct tide_points *all)
{
    for (size_t i = 0; i < some->n; i++) {
        bool found = false;
        for (size_t k = 0; k < all->n && !found; k++)
            found = is_same(&some->at[i], &all->at[k]);
        assert_true(found);
    }
}

/* ---- thinning ---- */

static void check_thinning(const struct tide_points *whole, size_t limit)
{
    struct tide_points thin = copy(whole);
    tide_points_thin(&thin, limit);
    if (limit >= whole->n) assert_same(&thin, whole);
    assert_true(thin.n <= (limit < 2 ? 2 : limit));
    assert_true(thin.n > 0 || whole->n == 0);
    assert_int_equal(highest(&thin), highest(whole));
    assert_int_equal(lowest(&thin), lowest(whole));
    assert_in_order(&thin);
    assert_each_is_one_of(&thin, whole);
    tide_points_free(&thin);
}

static void test_thinning_keeps_lowest_and_highest(void **state)
{
    (void)state;
    uint64_t seed = 0x7de;
    for (int round = 0; round < 400; round++) {
        struct tide_points p =
            random_curve(&seed, random_below(&seed, 800), (enum shape)(round % SHAPES));
        check_thinning(&p, random_below(&seed, p.n + 10));
        tide_points_free(&p);
    }
}

static void test_thinning_to_every_limit(void **state)
{
    (void)state;
    uint64_t seed = 0x11;
    struct tide_points p = random_curve(&seed, 100, NOISE);
    for (size_t limit = 0; limit <= 101; limit++)
        check_thinning(&p, limit);
    tide_points_free(&p);
}

/* Not only over the whole: of each interval both extremes stay. */
static void test_thinning_keeps_the_extremes_of_each_interval(void **state)
{
    (void)state;
    struct tide_points p = {0};
    for (int64_t i = 0; i < 1000; i++) {
        const struct tide_point point = {.t_ns = i,
                                         .rss = (uint64_t)(i % 100 == 57   ? 900 + i
                                                           : i % 100 == 31 ? i / 100
                                                                           : 500)};
        assert_rc(tide_points_add(&p, &point, &error), TIDE_OK, &error);
    }
    tide_points_thin(&p, 20);
    assert_int_equal(p.n, 20);
    for (size_t i = 0; i < 20; i++)
        assert_int_equal(p.at[i].t_ns, i / 2 * 100 + (i % 2 ? 57 : 31));
    tide_points_free(&p);
}

static void test_thinning_of_one_instant(void **state)
{
    (void)state;
    struct tide_points p = {0};
    for (uint64_t i = 0; i < 50; i++) {
        const struct tide_point point = {.t_ns = 5, .rss = i};
        assert_rc(tide_points_add(&p, &point, &error), TIDE_OK, &error);
    }
    check_thinning(&p, 7);
    tide_points_free(&p);
}

static void test_thinning_over_the_widest_times(void **state)
{
    (void)state;
    struct tide_points p = {0};
    for (int i = 0; i < 5; i++) {
        const int64_t times[] = {INT64_MIN, -1, 0, 1, INT64_MAX};
        const struct tide_point point = {.t_ns = times[i], .rss = (uint64_t)i};
        assert_rc(tide_points_add(&p, &point, &error), TIDE_OK, &error);
    }
    for (size_t limit = 0; limit < 6; limit++)
        check_thinning(&p, limit);
    tide_points_free(&p);
}

static void test_sort_orders_and_is_stable(void **state)
{
    (void)state;
    uint64_t seed = 0x50f7;
    for (int round = 0; round < 100; round++) {
        struct tide_points p = {0};
        size_t n = random_below(&seed, 200);
        for (size_t i = 0; i < n; i++) {
            const struct tide_point point = {.t_ns = (int64_t)(i + random_below(&seed, 20)),
                                             .rss = i};
            assert_rc(tide_points_add(&p, &point, &error), TIDE_OK, &error);
        }
        tide_points_sort(&p);
        assert_int_equal(p.n, n);
        assert_in_order(&p);
        for (size_t i = 1; i < n; i++)
            if (p.at[i].t_ns == p.at[i - 1].t_ns) assert_true(p.at[i].rss > p.at[i - 1].rss);
        tide_points_free(&p);
    }
}

/* ---- packing ---- */

static void check_packing(const struct tide_points *p)
{
    void *bytes = NULL;
    size_t size = 0;
    struct tide_points back = {0};
    assert_rc(tide_points_pack(p->at, p->n, &bytes, &size, &error), TIDE_OK, &error);
    assert_rc(tide_points_unpack(bytes, size, INT64_MIN, INT64_MAX, &back, &error), TIDE_OK,
              &error);
    assert_same(&back, p);
    tide_points_free(&back);
    free(bytes);
}

static void test_unpack_after_pack_is_identity(void **state)
{
    (void)state;
    uint64_t seed = 0xbac;
    for (int round = 0; round < 200; round++) {
        struct tide_points p =
            random_curve(&seed, random_below(&seed, 500), (enum shape)(round % SHAPES));
        check_packing(&p);
        tide_points_free(&p);
    }
}

static void test_extreme_points_survive_packing(void **state)
{
    (void)state;
    uint64_t seed = 0xe87e;
    for (int round = 0; round < 200; round++) {
        struct tide_points p = {0};
        for (size_t i = 0; i < 50; i++) {
            const struct tide_point point = {.t_ns = (int64_t)random_number(&seed),
                                             .rss = random_number(&seed),
                                             .name = (uint32_t)random_number(&seed)};
            assert_rc(tide_points_add(&p, &point, &error), TIDE_OK, &error);
        }
        check_packing(&p);
        tide_points_free(&p);
    }
}

static void test_unpack_appends(void **state)
{
    (void)state;
    uint64_t seed = 0xadd;
    struct tide_points p = random_curve(&seed, 10, NOISE), both = copy(&p);
    void *bytes = NULL;
    size_t size = 0;
    assert_rc(tide_points_pack(p.at, p.n, &bytes, &size, &error), TIDE_OK, &error);
    assert_rc(tide_points_unpack(bytes, size, INT64_MIN, INT64_MAX, &both, &error), TIDE_OK,
              &error);
    assert_int_equal(both.n, 20);
    for (size_t i = 0; i < 20; i++)
        assert_true(is_same(&both.at[i], &p.at[i % 10]));
    tide_points_free(&p);
    tide_points_free(&both);
    free(bytes);
}

/* Whatever the bytes, the answer is points or CORRUPT; what is under test is what ASan and UBSan
 * say. */
static void check_damaged(const void *bytes, size_t size)
{
    struct tide_points p = {0};
    enum tide_rc rc = tide_points_unpack(bytes, size, INT64_MIN, INT64_MAX, &p, &error);
    assert_true(rc == TIDE_OK || rc == TIDE_CORRUPT);
    if (rc) assert_string_equal(error.text, "a stored curve is damaged");
    tide_points_free(&p);
}

static void test_damaged_bytes_never_crash(void **state)
{
    (void)state;
    uint64_t seed = 0xbad;
    struct tide_points p = random_curve(&seed, 300, NOISE);
    void *packed = NULL;
    size_t size = 0;
    assert_rc(tide_points_pack(p.at, p.n, &packed, &size, &error), TIDE_OK, &error);
    uint8_t *bytes = malloc(size);
    assert_non_null(bytes);
    for (int round = 0; round < 3000; round++) {
        memcpy(bytes, packed, size);
        for (uint64_t flips = 1 + random_below(&seed, 4); flips; flips--)
            bytes[random_below(&seed, size)] ^= (uint8_t)(1u << random_below(&seed, 8));
        check_damaged(bytes, size);
    }
    for (size_t cut = 0; cut < size; cut++) {
        struct tide_points none = {0};
        memcpy(bytes, packed, cut);
        assert_int_equal(tide_points_unpack(bytes, cut, INT64_MIN, INT64_MAX, &none, &error),
                         TIDE_CORRUPT);
        tide_points_free(&none);
    }
    free(bytes);
    free(packed);
    tide_points_free(&p);
}

/* Damage below the compression: a frame that is sound around columns that are not. */
static void test_damaged_columns_never_crash(void **state)
{
    (void)state;
    uint64_t seed = 0xc01;
    for (int round = 0; round < 3000; round++) {
        uint8_t columns[64], packed[256];
        size_t n = random_below(&seed, sizeof columns);
        for (size_t i = 0; i < n; i++)
            columns[i] = (uint8_t)(random_below(&seed, 3) ? 0x80 | next_random(&seed)
                                                          : random_below(&seed, 0x80));
        if (n && random_below(&seed, 2)) columns[0] = (uint8_t)random_below(&seed, n);
        size_t size = ZSTD_compress(packed, sizeof packed, columns, n, 1);
        assert_false(ZSTD_isError(size));
        check_damaged(packed, size);
    }
}

/* ---- the pyramid ---- */

static void build_pyramid(struct tide_pyramid *pyramid, const struct tide_points *p)
{
    for (size_t i = 0; i < p->n; i++)
        assert_rc(tide_pyramid_add(pyramid, &p->at[i], &error), TIDE_OK, &error);
    assert_rc(tide_pyramid_finish(pyramid, &error), TIDE_OK, &error);
}

static void check_level(const struct tide_points *level, const struct tide_points *below,
                        const struct tide_points *all)
{
    size_t intervals = (below->n + TIDE_PYRAMID_FACTOR - 1) / TIDE_PYRAMID_FACTOR;
    assert_true(level->n >= intervals && level->n <= 2 * intervals);
    assert_int_equal(highest(level), highest(all));
    assert_int_equal(lowest(level), lowest(all));
    assert_in_order(level);
    assert_each_is_one_of(level, below);
}

static void test_each_level_keeps_lowest_and_highest(void **state)
{
    (void)state;
    uint64_t seed = 0x919;
    for (int round = 0; round < 60; round++) {
        struct tide_pyramid pyramid = {0};
        struct tide_points p =
            random_curve(&seed, 1 + random_below(&seed, 3000), (enum shape)(round % SHAPES));
        build_pyramid(&pyramid, &p);
        for (int level = 1; level <= TIDE_PYRAMID_LEVELS; level++)
            check_level(&pyramid.levels[level], level > 1 ? &pyramid.levels[level - 1] : &p, &p);
        tide_pyramid_free(&pyramid);
        tide_points_free(&p);
    }
}

static void test_levels_shrink_by_eight(void **state)
{
    (void)state;
    uint64_t seed = 0x888;
    struct tide_pyramid pyramid = {0};
    struct tide_points p = random_curve(&seed, 100000, NOISE);
    build_pyramid(&pyramid, &p);
    size_t below = p.n;
    for (int level = 1; level <= 4; level++) {
        double factor = (double)below / (double)pyramid.levels[level].n;
        assert_true(factor > 7.5 && factor < 8.5);
        below = pyramid.levels[level].n;
    }
    tide_pyramid_free(&pyramid);
    tide_points_free(&p);
}

/* Taking new points away while more arrive gives the same levels as keeping them. */
static void test_levels_may_be_emptied_on_the_way(void **state)
{
    (void)state;
    uint64_t seed = 0x7a4e;
    struct tide_pyramid whole = {0}, emptied = {0};
    struct tide_points taken[TIDE_PYRAMID_LEVELS + 1] = {{0}};
    struct tide_points p = random_curve(&seed, 5000, NOISE);
    build_pyramid(&whole, &p);
    for (size_t i = 0; i <= p.n; i++) {
        enum tide_rc rc = i < p.n ? tide_pyramid_add(&emptied, &p.at[i], &error)
                                  : tide_pyramid_finish(&emptied, &error);
        assert_rc(rc, TIDE_OK, &error);
        if (i < p.n && random_below(&seed, 100)) continue;
        for (int level = 1; level <= TIDE_PYRAMID_LEVELS; level++) {
            for (size_t k = 0; k < emptied.levels[level].n; k++)
                assert_rc(tide_points_add(&taken[level], &emptied.levels[level].at[k], &error),
                          TIDE_OK, &error);
            emptied.levels[level].n = 0;
        }
    }
    for (int level = 1; level <= TIDE_PYRAMID_LEVELS; level++) {
        assert_same(&taken[level], &whole.levels[level]);
        tide_points_free(&taken[level]);
    }
    tide_pyramid_free(&whole);
    tide_pyramid_free(&emptied);
    tide_points_free(&p);
}

static void test_pyramid_of_nothing_is_empty(void **state)
{
    (void)state;
    struct tide_pyramid pyramid = {0};
    assert_rc(tide_pyramid_finish(&pyramid, &error), TIDE_OK, &error);
    for (int level = 1; level <= TIDE_PYRAMID_LEVELS; level++)
        assert_int_equal(pyramid.levels[level].n, 0);
    tide_pyramid_free(&pyramid);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_thinning_keeps_lowest_and_highest),
        cmocka_unit_test(test_thinning_to_every_limit),
        cmocka_unit_test(test_thinning_keeps_the_extremes_of_each_interval),
        cmocka_unit_test(test_thinning_of_one_instant),
        cmocka_unit_test(test_thinning_over_the_widest_times),
        cmocka_unit_test(test_sort_orders_and_is_stable),
        cmocka_unit_test(test_unpack_after_pack_is_identity),
        cmocka_unit_test(test_extreme_points_survive_packing),
        cmocka_unit_test(test_unpack_appends),
        cmocka_unit_test(test_damaged_bytes_never_crash),
        cmocka_unit_test(test_damaged_columns_never_crash),
        cmocka_unit_test(test_each_level_keeps_lowest_and_highest),
        cmocka_unit_test(test_levels_shrink_by_eight),
        cmocka_unit_test(test_levels_may_be_emptied_on_the_way),
        cmocka_unit_test(test_pyramid_of_nothing_is_empty),
    };
    return cmocka_run_group_tests_name("curve", tests, NULL, NULL);
}
