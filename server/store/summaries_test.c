/* summaries_test.c - the metrics of cells, the series that cells belong to, and the line of
 * commits. */
#include "store/testing.h"

/* End a new run of the cell with this tide mark; original is 100 below it. */
static int64_t measure(struct tide_cell_key key, int64_t tide_mark, const char *why)
{
    struct tide_job job;
    int64_t batch = 0;
    bool done = false;
    EXPECT_OK(queue_cells(&key, 1, 1, &batch, &error));
    EXPECT_OK(tide_store_claim(store, 0, &job, &error));
    int64_t run = job.run;
    tide_job_clear(&job);
    const struct tide_outcome outcome = {.error = why,
                                         .base = 1000,
                                         .original = tide_mark - 100,
                                         .tide_mark = tide_mark,
                                         .end = 1500,
                                         .floor = 1000,
                                         .wall_ns = 7,
                                         .cpu_ns = 6,
                                         .events = 5,
                                         .samples = 4,
                                         .missed_ticks = 0,
                                         .page_faults = -1,
                                         .leak = 0.25};
    EXPECT_OK(tide_store_end_run(store, run, &outcome, &done, &error));
    return run;
}

static double real(const char *sql)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *q = NULL;
    assert_int_equal(sqlite3_open_v2(store_path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &q, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(q), SQLITE_ROW);
    double value = sqlite3_column_double(q, 0);
    sqlite3_finalize(q);
    sqlite3_close(db);
    return value;
}

static void test_metrics_are_named_in_the_order_of_their_ids(void **state)
{
    (void)state;
    static const char *const names[] = {"base",        "original", "tide_mark", "over_original",
                                        "retained",    "leak",     "wall_ns",   "cpu_ns",
                                        "page_faults", "events",   "over_floor"};
    struct tide_metric_row row;
    assert_int_equal(sizeof names / sizeof *names, TIDE_METRICS);
    assert_int_equal(ask("SELECT count(*) FROM metrics"), TIDE_METRICS);
    for (int i = 0; i < TIDE_METRICS; i++) {
        EXPECT_OK(tide_store_metric(store, names[i], &row, &error));
        assert_int_equal(row.id, i);
    }
    assert_string_equal(row.unit, "ratio");
    assert_int_equal(tide_store_metric(store, "rss", &row, &error), TIDE_ABSENT);
}

static void test_a_summary_follows_the_runs_that_are_done(void **state)
{
    (void)state;
    measure(cell(0, 0, 0), 5000, NULL);
    measure(cell(0, 0, 0), 4000, NULL);
    measure(cell(0, 0, 0), 9000, "it crashed");
    assert_int_equal(ask("SELECT n FROM summaries WHERE metric = 2"), 2);
    assert_int_equal(ask("SELECT minimum FROM summaries WHERE metric = 2"), 4000);
    assert_int_equal(ask("SELECT maximum FROM summaries WHERE metric = 2"), 5000);
    assert_int_equal(ask("SELECT median FROM summaries WHERE metric = 2"), 4500);
    assert_int_equal(ask("SELECT typeof(median) = 'integer' FROM summaries WHERE metric = 2"), 1);
    assert_int_equal(ask("SELECT low FROM summaries WHERE metric = 2"), -1);
    assert_int_equal(ask("SELECT median FROM summaries WHERE metric = 3"), 100);
    assert_int_equal(ask("SELECT median FROM summaries WHERE metric = 4"), 500);
    assert_true(real("SELECT median FROM summaries WHERE metric = 5") == 0.25);
    assert_int_equal(ask("SELECT count(*) FROM summaries WHERE metric = 8"), 0);
    assert_true(real("SELECT maximum FROM summaries WHERE metric = 10") == 4);
}

static void test_the_interval_of_a_median(void **state)
{
    (void)state;
    double values[1500];
    for (size_t n = 1; n <= 1500; n++) {
        for (size_t i = 0; i < n; i++)
            values[i] = (double)(n - i); /* 1 to n, from above */
        struct tide_summary s = tide_store_summary(values, n);
        assert_true(s.median == ((double)n + 1) / 2);
        assert_int_equal(isnan(s.low), n < 6);
        if (n >= 6) assert_true(s.low + s.high == (double)n + 1);
    }
    /* The tables of the sign test: 1 of 9 and 5 of 20 outside, 39 of 100. */
    for (size_t i = 0; i < 100; i++)
        values[i] = (double)(i + 1);
    assert_true(tide_store_summary(values, 9).low == 2);
    assert_true(tide_store_summary(values, 20).low == 6);
    assert_true(tide_store_summary(values, 100).low == 40);
}

static void test_cells_of_several_commits_are_one_series(void **state)
{
    (void)state;
    struct tide_series_point *points = NULL;
    size_t n = 0;
    measure(cell(0, 1, 0), 7000, NULL);
    measure(cell(0, 0, 0), 5000, NULL);
    measure(cell(0, 0, 1), 6000, NULL);
    measure(cell(1, 0, 0), 6000, NULL);
    assert_int_equal(ask("SELECT count(*) FROM series"), 3);
    EXPECT_OK(tide_store_series_points(store, ask("SELECT series FROM cells WHERE id = 1"),
                                       TIDE_METRIC_TIDE_MARK, &points, &n, &error));
    assert_int_equal(n, 2);
    assert_int_equal(points[0].commit, catalog.commits[0]);
    assert_true(points[0].summary.median == 5000);
    assert_true(points[1].summary.median == 7000);
    assert_true(isnan(points[1].summary.low));
    assert_int_equal(points[1].summary.n, 1);
    free(points);
}

static void test_a_line_is_kept_in_order(void **state)
{
    (void)state;
    char tip[65];
    int64_t *line = NULL;
    size_t n = 1;
    EXPECT_OK(tide_store_line_tip(store, catalog.project, tip, &error));
    assert_string_equal(tip, "");
    EXPECT_OK(tide_store_line(store, catalog.project, &line, &n, &error));
    assert_int_equal(n, 0);
    free(line);
    const int64_t order[] = {catalog.commits[2], catalog.commits[0], catalog.commits[1]};
    EXPECT_OK(tide_store_put_line(store, catalog.project, order, 3, &error));
    EXPECT_OK(tide_store_put_line(store, catalog.project, order, 2, &error));
    EXPECT_OK(tide_store_line(store, catalog.project, &line, &n, &error));
    assert_int_equal(n, 2);
    assert_int_equal(line[0], order[0]);
    assert_int_equal(line[1], order[1]);
    free(line);
    EXPECT_OK(tide_store_line_tip(store, catalog.project, tip, &error));
    assert_int_equal(tip[0], 'a');
}

static void test_what_goes_with_a_project(void **state)
{
    (void)state;
    measure(cell(0, 0, 0), 5000, NULL);
    EXPECT_OK(tide_store_put_line(store, catalog.project, catalog.commits, 3, &error));
    EXPECT_OK(tide_store_remove_project(store, catalog.project, &error));
    assert_int_equal(ask("SELECT (SELECT count(*) FROM series) + (SELECT count(*) FROM summaries)"
                         " + (SELECT count(*) FROM line)"),
                     0);
}

static void test_cells_are_listed_with_their_metrics(void **state)
{
    (void)state;
    struct tide_str text = {0};
    struct tide_cell_filter f = {.project = "converters", .commit = "a0", .page = {.limit = 1}};
    measure(cell(0, 0, 0), 5000, NULL);
    measure(cell(0, 0, 1), 6000, NULL);
    measure(cell(0, 1, 1), 7000, NULL);
    EXPECT_OK(tide_store_cells_json(store, &f, &text, &error));
    json_t *list = parsed(&text);
    json_t *first = json_array_get(field(list, "cells"), 0);
    assert_int_equal(json_array_size(field(list, "cells")), 1);
    assert_int_equal(number_of(first, "id"), 2);
    assert_string_equal(text_of(list, "next"), "2");
    assert_string_equal(text_of(field(first, "python"), "version"), "3.11.7");
    assert_int_equal(number_of(field(first, "runs"), "done"), 1);
    assert_int_equal(number_of(field(field(first, "metrics"), "tide_mark"), "median"), 6000);
    assert_true(json_is_null(field(field(field(first, "metrics"), "tide_mark"), "low")));
    json_decref(list);
    f = (struct tide_cell_filter){.allocator = "malloc", .page = {.limit = 10}};
    EXPECT_OK(tide_store_cells_json(store, &f, &text, &error));
    assert_string_equal(text.at, "{\"cells\":[],\"next\":null}");
    tide_str_free(&text);
    EXPECT_OK(tide_store_cell_json(store, 1, &text, &error));
    json_t *one = parsed(&text);
    assert_int_equal(json_integer_value(json_array_get(field(one, "run_ids"), 0)), 1);
    json_decref(one);
    assert_int_equal(tide_store_cell_json(store, 4711, &text, &error), TIDE_ABSENT);
}

#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, open_store, close_store)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_metrics_are_named_in_the_order_of_their_ids),
        STORE_TEST(test_a_summary_follows_the_runs_that_are_done),
        STORE_TEST(test_the_interval_of_a_median),
        STORE_TEST(test_cells_of_several_commits_are_one_series),
        STORE_TEST(test_a_line_is_kept_in_order),
        STORE_TEST(test_what_goes_with_a_project),
        STORE_TEST(test_cells_are_listed_with_their_metrics),
    };
    return cmocka_run_group_tests_name("summaries", tests, make_test_folder, remove_test_folder);
}
