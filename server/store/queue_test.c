/* queue_test.c - batches are queued whole, runs claimed once and in order, and the last one ends
 * its batch. */
#include "store/testing.h"

static int64_t queue(const struct tide_cell_key *cells, size_t n, int samples)
{
    int64_t batch = 0;
    EXPECT_OK(queue_cells(cells, n, samples, &batch, &error));
    assert_true(batch > 0);
    return batch;
}

static bool end_run(int64_t run, const char *why)
{
    const struct tide_outcome outcome = {.error = why, NO_FIGURES};
    bool done = true;
    EXPECT_OK(tide_store_end_run(store, run, &outcome, &done, &error));
    return done;
}

static void test_claim_gives_the_whole_job(void **state)
{
    (void)state;
    const struct tide_cell_key key = cell(1, 2, 0);
    struct tide_job job;
    int64_t batch = queue(&key, 1, 1);
    EXPECT_OK(tide_store_claim(store, 0, &job, &error));
    assert_int_equal(job.batch, batch);
    assert_int_equal(job.commit, catalog.commits[2]);
    assert_int_equal(job.python, catalog.pythons[0]);
    assert_string_equal(job.project, "converters");
    assert_string_equal(job.repo, "/repo");
    assert_int_equal(strlen(job.sha), 40);
    assert_string_equal(job.python_identity, "identity-12");
    assert_string_equal(job.scenario, "list_float");
    assert_string_equal(job.file, "/s/list_float.py");
    assert_string_equal(job.module, "tideconv");
    assert_string_equal(job.params, "{\"count\":8}");
    assert_int_equal(ask("SELECT count(*) FROM runs WHERE status = 'building'"), 1);
    tide_job_clear(&job);
    tide_job_clear(&job);
}

static void test_empty_queue_is_absent(void **state)
{
    (void)state;
    struct tide_job job;
    assert_int_equal(tide_store_claim(store, 0, &job, &error), TIDE_ABSENT);
    assert_string_equal(error.text, "the queue is empty");
    tide_job_clear(&job);
}

/* By sample, then as the cells stand: cells alternate, so that drift meets each of them alike. */
static void test_claims_come_in_order(void **state)
{
    (void)state;
    const struct tide_cell_key cells[] = {cell(0, 0, 0), cell(0, 1, 0), cell(0, 0, 1)};
    int64_t last = 0;
    queue(cells, 3, 2);
    queue(cells, 1, 1);
    for (size_t i = 0; i < 7; i++) {
        struct tide_job job;
        EXPECT_OK(tide_store_claim(store, 0, &job, &error));
        assert_true(job.run > last);
        last = job.run;
        assert_int_equal(job.commit, cells[i % 3].commit);
        assert_int_equal(job.python, cells[i % 3].python);
        tide_job_clear(&job);
    }
    assert_int_equal(ask("SELECT count(*) FROM runs WHERE sample = 2"), 3);
}

static void test_many_samples(void **state)
{
    (void)state;
    const struct tide_cell_key key = cell(0, 0, 0);
    queue(&key, 1, 100);
    assert_int_equal(ask("SELECT count(DISTINCT sample) FROM runs"), 100);
    assert_int_equal(ask("SELECT max(sample) FROM runs"), 100);
    assert_int_equal(ask("SELECT count(*) FROM cells"), 1);
}

static void test_batches_share_cells(void **state)
{
    (void)state;
    struct tide_cell_key cells[] = {cell(0, 0, 0), cell(0, 1, 0)};
    queue(cells, 2, 1);
    queue(cells, 2, 3);
    assert_int_equal(ask("SELECT count(*) FROM cells"), 2);
    assert_int_equal(ask("SELECT count(*) FROM runs"), 8);
    cells[0].params = "{\"count\":9}";
    queue(cells, 1, 1);
    assert_int_equal(ask("SELECT count(*) FROM cells"), 3);
}

static void test_queueing_is_all_or_nothing(void **state)
{
    (void)state;
    struct tide_cell_key cells[] = {cell(0, 0, 0), cell(0, 1, 0), cell(0, 2, 0)};
    int64_t batch = 0;
    cells[2].commit = 4711;
    assert_int_equal(queue_cells(cells, 3, 2, &batch, &error), TIDE_IO);
    assert_contains(error.text, "FOREIGN KEY");
    assert_int_equal(ask("SELECT count(*) FROM runs"), 0);
    assert_int_equal(ask("SELECT count(*) FROM cells"), 0);
    assert_int_equal(ask("SELECT count(*) FROM batches"), 0);
    queue(cells, 2, 1); /* and the writer goes on */
}

static void test_the_last_run_ends_its_batch(void **state)
{
    (void)state;
    const struct tide_cell_key cells[] = {cell(0, 0, 0), cell(0, 1, 0)};
    int64_t runs[5];
    queue(cells, 2, 2);
    queue(cells, 1, 1);
    for (size_t i = 0; i < 5; i++) {
        struct tide_job job;
        EXPECT_OK(tide_store_claim(store, 0, &job, &error));
        runs[i] = job.run;
        tide_job_clear(&job);
    }
    assert_false(end_run(runs[2], NULL));
    assert_false(end_run(runs[0], "broke"));
    assert_false(end_run(runs[3], NULL));
    assert_int_equal(ask("SELECT count(finished_ns) FROM batches"), 0);
    assert_true(end_run(runs[1], "broke"));
    assert_int_equal(ask("SELECT finished_ns > queued_ns FROM batches WHERE id = 1"), 1);
    assert_int_equal(ask("SELECT count(finished_ns) FROM batches"), 1);
    assert_true(end_run(runs[4], NULL));
}

static void test_outcome_is_stored(void **state)
{
    (void)state;
    int64_t run = claim_new_run(NULL);
    bool done = false;
    struct tide_str log = {0};
    const struct tide_outcome outcome = {
        .base = 1,
        .original = 2,
        .tide_mark = 3,
        .end = 4,
        .floor = 5,
        .wall_ns = 6,
        .cpu_ns = 7,
        .events = 8,
        .samples = 9,
        .missed_ticks = 0,
        .expected = "{\"original\":5}",
        .environment = "{}",
        .exit = "{\"code\":0}",
        .log = "printed\n",
        .log_size = 8,
    };
    EXPECT_OK(tide_store_set_running(store, run, &error));
    assert_int_equal(ask("SELECT started_ns >= queued_ns FROM runs"), 1);
    EXPECT_OK(tide_store_set_percent(store, run, 40, &error));
    EXPECT_OK(tide_store_end_run(store, run, &outcome, &done, &error));
    assert_int_equal(ask("SELECT base * 100000000 + original * 10000000 + tide_mark * 1000000"
                         " + end * 100000 + floor * 10000 + wall_ns * 1000 + cpu_ns * 100"
                         " + events * 10 + samples FROM runs"),
                     123456789);
    assert_int_equal(ask("SELECT status = 'done' AND error IS NULL AND percent = 100"
                         " AND missed_ticks = 0 AND finished_ns >= started_ns FROM runs"),
                     1);
    EXPECT_OK(tide_store_run_log(store, run, &log, &error));
    assert_string_equal(log.at, "printed\n");
    tide_str_free(&log);
}

/* What is not known is NULL, not -1; a failed run keeps the percent it reached. */
static void test_failed_outcome(void **state)
{
    (void)state;
    int64_t run = claim_new_run(NULL);
    EXPECT_OK(tide_store_set_percent(store, run, 40, &error));
    assert_true(end_run(run, "it's \"broken\""));
    assert_int_equal(ask("SELECT status = 'failed' AND error = 'it''s \"broken\"'"
                         " AND percent = 40 FROM runs"),
                     1);
    assert_int_equal(ask("SELECT coalesce(base, original, tide_mark, end, floor, wall_ns, cpu_ns,"
                         " events, samples, missed_ticks, expected, environment, exit) FROM runs"),
                     -1);
}

/* Counts and what is counted; false when they differ. */
static bool is_counted(void)
{
    return ask("SELECT NOT EXISTS (SELECT status, count(*) FROM runs GROUP BY status"
               " EXCEPT SELECT status, n FROM run_counts) AND"
               " (SELECT sum(n) FROM run_counts) = (SELECT count(*) FROM runs)") == 1;
}

static void test_runs_are_counted_by_status(void **state)
{
    (void)state;
    const struct tide_cell_key cells[] = {cell(0, 0, 0), cell(0, 1, 0)};
    struct tide_job job;
    queue(cells, 2, 3);
    assert_true(is_counted());
    EXPECT_OK(tide_store_claim(store, 0, &job, &error));
    assert_true(is_counted());
    end_run(job.run, "broke");
    tide_job_clear(&job);
    EXPECT_OK(tide_store_claim(store, 0, &job, &error));
    end_run(job.run, NULL);
    tide_job_clear(&job);
    assert_true(is_counted());
    tide_store_close(store);
    change("DELETE FROM runs WHERE status = 'done' OR id = 6");
    EXPECT_OK(tide_store_open(store_path, &store, &error));
    assert_true(is_counted());
    assert_int_equal(ask("SELECT n FROM run_counts WHERE status = 'queued'"), 3);
    assert_int_equal(ask("SELECT n FROM run_counts WHERE status = 'done'"), 0);
}

#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, open_store, close_store)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_claim_gives_the_whole_job),
        STORE_TEST(test_empty_queue_is_absent),
        STORE_TEST(test_claims_come_in_order),
        STORE_TEST(test_many_samples),
        STORE_TEST(test_batches_share_cells),
        STORE_TEST(test_queueing_is_all_or_nothing),
        STORE_TEST(test_the_last_run_ends_its_batch),
        STORE_TEST(test_outcome_is_stored),
        STORE_TEST(test_failed_outcome),
        STORE_TEST(test_runs_are_counted_by_status),
    };
    return cmocka_run_group_tests_name("queue", tests, make_test_folder, remove_test_folder);
}
