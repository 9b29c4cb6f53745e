/* order_test.c - every run once, in rounds that hold each cell once, and the same for the same
 * seed. */
#include "store/testing.h"

#include "schedule/order.h"

#define CELLS 40

static struct tide_run_key *order(const int *samples, size_t n, int64_t seed, size_t *n_runs)
{
    struct tide_run_key *runs = NULL;
    EXPECT_OK(tide_order_runs(samples, n, seed, &runs, n_runs, &error));
    return runs;
}

static void test_rounds_hold_every_cell_once(void **state)
{
    (void)state;
    int samples[CELLS], seen[CELLS] = {0};
    size_t n, wanted = 0;
    for (int i = 0; i < CELLS; i++)
        wanted += (size_t)(samples[i] = i % 4);
    struct tide_run_key *runs = order(samples, CELLS, 1, &n);
    assert_int_equal(n, wanted);
    for (size_t i = 0; i < n; i++) {
        assert_true(!i || runs[i].sample >= runs[i - 1].sample);
        assert_int_equal(runs[i].sample, ++seen[runs[i].cell]);
    }
    for (int i = 0; i < CELLS; i++)
        assert_int_equal(seen[i], samples[i]);
    free(runs);
}

static void test_a_seed_gives_one_order(void **state)
{
    (void)state;
    int samples[CELLS];
    size_t n, same = 0;
    for (int i = 0; i < CELLS; i++)
        samples[i] = 2;
    struct tide_run_key *a = order(samples, CELLS, 5, &n), *b = order(samples, CELLS, 5, &n),
                        *c = order(samples, CELLS, 6, &n);
    assert_memory_equal(a, b, n * sizeof *a);
    for (size_t i = 0; i < n; i++)
        same += a[i].cell == c[i].cell;
    assert_true(same < n / 4);
    for (size_t i = same = 0; i < CELLS; i++)
        same += a[i].cell == a[CELLS + i].cell;
    assert_true(same < CELLS / 4); /* rounds differ */
    free(a);
    free(b);
    free(c);
}

/* Each cell comes to each place about as often: of 6,000 orders of 3 cells, each of the 6 between
 * 800 and 1,200 times (nine standard deviations). */
static void test_orders_are_equally_likely(void **state)
{
    (void)state;
    static const int samples[] = {1, 1, 1};
    int counts[27] = {0};
    for (int64_t seed = 0; seed < 6000; seed++) {
        size_t n;
        struct tide_run_key *r = order(samples, 3, seed, &n);
        counts[r[0].cell * 9 + r[1].cell * 3 + r[2].cell]++;
        free(r);
    }
    static const int orders[] = {5, 7, 11, 15, 19, 21};
    for (size_t i = 0; i < 6; i++)
        assert_in_range(counts[orders[i]], 800, 1200);
}

static void test_nothing(void **state)
{
    (void)state;
    size_t n = 1;
    free(order(NULL, 0, 5, &n));
    assert_int_equal(n, 0);
}

static void test_drawn_seeds_differ(void **state)
{
    (void)state;
    int64_t a = 0, b = 0;
    EXPECT_OK(tide_order_draw_seed(&a, &error));
    EXPECT_OK(tide_order_draw_seed(&b, &error));
    assert_true(a != b && a >= 0 && b >= 0 && a <= TIDE_SEED_MAX && b <= TIDE_SEED_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rounds_hold_every_cell_once),
        cmocka_unit_test(test_a_seed_gives_one_order),
        cmocka_unit_test(test_orders_are_equally_likely),
        cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_drawn_seeds_differ),
    };
    return cmocka_run_group_tests_name("order", tests, NULL, NULL);
}
