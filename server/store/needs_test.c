/* needs_test.c - what a run will need is told by the runs that are most alike. */
#include "store/testing.h"

#include "store/needs.h"

static int64_t queue(struct tide_cell_key key)
{
    int64_t batch = 0;
    EXPECT_OK(queue_cells(&key, 1, 1, &batch, &error));
    return ask("SELECT max(id) FROM runs");
}

static void measure(struct tide_cell_key key, int64_t tide_mark)
{
    struct tide_outcome outcome = {NO_FIGURES};
    struct tide_job job;
    bool done;
    outcome.tide_mark = tide_mark;
    EXPECT_OK(tide_store_claim(store, queue(key), &job, &error));
    EXPECT_OK(tide_store_end_run(store, job.run, &outcome, &done, &error));
    tide_job_clear(&job);
}

static int64_t past(int64_t run)
{
    struct tide_need n;
    EXPECT_OK(tide_store_need(store, run, &n, &error));
    int64_t bytes = n.past;
    tide_need_clear(&n);
    return bytes;
}

static void test_the_most_alike_runs_tell(void **state)
{
    (void)state;
    int64_t run = queue(cell(0, 0, 0));
    assert_int_equal(past(run), 0);
    measure(cell(1, 0, 0), 999);
    assert_int_equal(past(run), 0); /* another scenario */
    measure(cell(0, 1, 1), 300);
    assert_int_equal(past(run), 300); /* another python */
    measure(cell(0, 2, 0), 200);
    assert_int_equal(past(run), 200); /* this python */
    measure(cell(0, 0, 0), 100);
    measure(cell(0, 0, 0), 110);
    assert_int_equal(past(run), 110); /* this very cell */
    struct tide_cell_key other = cell(0, 0, 0);
    other.params = "{\"count\":9}";
    assert_int_equal(past(queue(other)), 0);
}

static void test_what_a_scenario_says_is_kept(void **state)
{
    (void)state;
    struct tide_need n;
    int64_t run = queue(cell(0, 0, 0));
    EXPECT_OK(tide_store_need(store, run, &n, &error));
    assert_false(n.known);
    assert_string_equal(n.file, "/s/list_bytes.py");
    n.floor = 5;
    n.memory = 7;
    EXPECT_OK(tide_store_put_need(store, &n, &error));
    tide_need_clear(&n);
    EXPECT_OK(tide_store_need(store, queue(cell(0, 1, 1)), &n, &error));
    assert_true(n.known && n.floor == 5 && n.memory == 7);
    tide_need_clear(&n);
    assert_int_equal(tide_store_need(store, 4711, &n, &error), TIDE_ABSENT);
}

static void test_waiting_is_told_until_it_is_claimed(void **state)
{
    (void)state;
    struct tide_job job;
    struct tide_need n;
    int64_t runs[4], run = queue(cell(0, 0, 0));
    size_t count = 0;
    EXPECT_OK(tide_store_set_waiting(store, run, "for rain", &error));
    EXPECT_OK(tide_store_need(store, run, &n, &error));
    assert_true(n.waiting);
    tide_need_clear(&n);
    EXPECT_OK(tide_store_claim(store, run, &job, &error));
    tide_job_clear(&job);
    assert_int_equal(ask("SELECT count(*) FROM runs WHERE waiting IS NOT NULL"), 0);
    assert_int_equal(tide_store_claim(store, run, &job, &error), TIDE_ABSENT);
    EXPECT_OK(tide_store_give_back(store, run, "for snow", &error));
    EXPECT_OK(tide_store_queue_head(store, 4, runs, &count, &error));
    assert_int_equal(count, 1);
    assert_int_equal(runs[0], run);
    assert_int_equal(ask("SELECT attempt FROM runs WHERE waiting = 'for snow'"), 1);
}

#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, open_store, close_store)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_the_most_alike_runs_tell),
        STORE_TEST(test_what_a_scenario_says_is_kept),
        STORE_TEST(test_waiting_is_told_until_it_is_claimed),
    };
    return cmocka_run_group_tests_name("needs", tests, make_test_folder, remove_test_folder);
}
