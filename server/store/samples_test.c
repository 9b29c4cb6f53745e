/* samples_test.c - what comparisons read: samples, repeated runs of cells like them, what an empty
 * run needs, the values before a cell. */
#include "store/testing.h"

#include "store/samples.h"

/* End a new run of the cell with this tide mark, on a host with this kernel. */
static int64_t measure(struct tide_cell_key key, int64_t tide_mark, const char *kernel)
{
    struct tide_job job;
    int64_t batch = 0;
    bool done = false;
    char environment[80];
    snprintf(environment, sizeof environment, "{\"kernel\":\"%s\",\"cpu\":\"c\"}", kernel);
    EXPECT_OK(queue_cells(&key, 1, 1, &batch, &error));
    EXPECT_OK(tide_store_claim(store, 0, &job, &error));
    int64_t run = job.run;
    tide_job_clear(&job);
    struct tide_outcome outcome = {NO_FIGURES};
    outcome.base = 1000;
    outcome.original = 41000;
    outcome.tide_mark = tide_mark;
    outcome.environment = environment;
    EXPECT_OK(tide_store_end_run(store, run, &outcome, &done, &error));
    return run;
}

static int64_t cell_of(int64_t run)
{
    char sql[80];
    snprintf(sql, sizeof sql, "SELECT cell FROM runs WHERE id = %lld", (long long)run);
    return ask(sql);
}

static void test_samples_are_those_that_are_done(void **state)
{
    (void)state;
    struct tide_samples s;
    int64_t first = measure(cell(0, 0, 0), 5000, "6.1");
    measure(cell(0, 1, 0), 7000, "6.1");
    int64_t second = measure(cell(0, 0, 0), 4000, "6.1");
    EXPECT_OK(tide_store_samples(store, cell_of(first), TIDE_METRIC_TIDE_MARK, &s, &error));
    assert_int_equal(s.n, 2);
    assert_true(s.values[0] == 5000 && s.values[1] == 4000);
    assert_true(s.runs[0] == first && s.runs[1] == second);
    tide_samples_clear(&s);
    EXPECT_OK(tide_store_samples(store, cell_of(first), TIDE_METRIC_PAGE_FAULTS, &s, &error));
    assert_int_equal(s.n, 0);
}

/* Of the other commits and Pythons, on the same host, of the same scenario. */
static void test_repeats_are_of_cells_like_these(void **state)
{
    (void)state;
    struct tide_samples s;
    int64_t head = cell_of(measure(cell(0, 0, 0), 5000, "6.1"));
    measure(cell(0, 0, 0), 9000, "6.1");
    int64_t base = cell_of(measure(cell(0, 1, 0), 5000, "6.1"));
    measure(cell(0, 1, 0), 9500, "6.1");
    measure(cell(0, 2, 0), 6000, "6.1"); /* 6000, 6010, 6040: two pairs */
    measure(cell(0, 2, 0), 6010, "6.1");
    measure(cell(0, 2, 0), 6040, "6.1");
    measure(cell(0, 2, 1), 7000, "6.1"); /* another Python: one pair */
    measure(cell(0, 2, 1), 6900, "6.1");
    measure(cell(0, 1, 1), 7000, "6.1"); /* once on each of two hosts: none */
    measure(cell(0, 1, 1), 8000, "5.4");
    measure(cell(1, 2, 0), 1, "6.1"); /* another scenario */
    measure(cell(1, 2, 0), 2, "6.1");
    EXPECT_OK(tide_store_repeats(store, head, base, TIDE_METRIC_TIDE_MARK, 100, &s, &error));
    double sum = 0;
    for (size_t i = 0; i < s.n; i++)
        sum += s.values[i];
    assert_int_equal(s.n, 3);
    assert_true(sum == 10 + 30 + 100);
    tide_samples_clear(&s);
    EXPECT_OK(tide_store_repeats(store, head, base, TIDE_METRIC_TIDE_MARK, 2, &s, &error));
    assert_int_equal(s.n, 2);
    tide_samples_clear(&s);
}

static void test_a_python_is_named_by_the_beginning_of_its_version(void **state)
{
    (void)state;
    char name[80];
    static const char *const texts[][2] = {
        {"3.12", "3.12.1"}, {"3.12.1", "3.12.1"}, {"3.11", "3.11.7"}, {"3", "3.12.1"}};
    for (size_t i = 0; i < 4; i++) {
        EXPECT_OK(tide_store_python_named(store, texts[i][0], name, sizeof name, &error));
        assert_string_equal(name, texts[i][1]);
    }
    assert_int_equal(tide_store_python_named(store, "3.1", name, sizeof name, &error), TIDE_ABSENT);
}

static void test_what_an_empty_run_needs(void **state)
{
    (void)state;
    const struct tide_scenario_row row = {"empty", "v1", "/s/empty.py", "{\"module\":\"\"}"};
    double own = 0;
    int64_t scenario = 0, at = cell_of(measure(cell(0, 2, 0), 50000, "6.1"));
    assert_int_equal(tide_store_empty_value(store, at, TIDE_METRIC_TIDE_MARK, &own, &error),
                     TIDE_ABSENT);
    EXPECT_OK(tide_store_put_scenarios(store, catalog.project, &row, 1, &scenario, &error));
    struct tide_cell_key empty = cell(0, 0, 0);
    empty.scenario = scenario;
    empty.params = "{}";
    measure(empty, 10000, "6.1");
    EXPECT_OK(tide_store_empty_value(store, at, TIDE_METRIC_TIDE_MARK, &own, &error));
    assert_true(own == 10000); /* of another commit */
    empty.commit = catalog.commits[2];
    measure(empty, 12000, "6.1");
    EXPECT_OK(tide_store_empty_value(store, at, TIDE_METRIC_TIDE_MARK, &own, &error));
    assert_true(own == 12000); /* of its own */
}

static void test_a_spark_follows_the_line(void **state)
{
    (void)state;
    double values[20];
    size_t n = 0;
    const int64_t line[] = {catalog.commits[1], catalog.commits[0], catalog.commits[2]};
    EXPECT_OK(tide_store_put_line(store, catalog.project, line, 3, &error));
    measure(cell(0, 1, 0), 5000, "6.1");
    int64_t at = cell_of(measure(cell(0, 2, 0), 7000, "6.1"));
    EXPECT_OK(tide_store_spark(store, at, TIDE_METRIC_TIDE_MARK, 20, values, &n, &error));
    assert_int_equal(n, 3);
    assert_true(values[0] == 5000 && isnan(values[1]) && values[2] == 7000);
    EXPECT_OK(tide_store_spark(store, at, TIDE_METRIC_TIDE_MARK, 2, values, &n, &error));
    assert_int_equal(n, 2);
}

static void test_iterations_of_a_run(void **state)
{
    (void)state;
    struct tide_phase_row phases[] = {
        {"base", 0, 1, 0, 100, 0}, {"iteration", 1, 2, 0, 200, 0}, {"iteration", 2, 3, 1, 300, 0}};
    const struct tide_measured m = {.phases = phases, .n_phases = 3, .origin_ns = 1};
    struct tide_iteration_row *rows = NULL;
    size_t n = 0;
    int64_t payload = 0, run = measure(cell(0, 0, 0), 5000, "6.1");
    EXPECT_OK(tide_store_append(store, run, &m, &error));
    EXPECT_OK(tide_store_iterations(store, run, &rows, &n, &payload, &error));
    assert_int_equal(n, 2);
    assert_int_equal(rows[1].value, 1);
    assert_int_equal(rows[1].rss, 300);
    assert_int_equal(payload, 40000);
    free(rows);
    assert_int_equal(tide_store_iterations(store, 4711, &rows, &n, &payload, &error), TIDE_ABSENT);
}

#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, open_store, close_store)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_samples_are_those_that_are_done),
        STORE_TEST(test_repeats_are_of_cells_like_these),
        STORE_TEST(test_a_python_is_named_by_the_beginning_of_its_version),
        STORE_TEST(test_what_an_empty_run_needs),
        STORE_TEST(test_a_spark_follows_the_line),
        STORE_TEST(test_iterations_of_a_run),
    };
    return cmocka_run_group_tests_name("samples", tests, make_test_folder, remove_test_folder);
}
