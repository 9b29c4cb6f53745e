/* control_test.c - what is done to the queue changes what it should, and nothing else. */
#include "store/testing.h"

#include "store/control.h"

static int64_t queue(size_t n, int64_t priority)
{
    const struct tide_cell_key cells[] = {cell(0, 0, 0), cell(0, 1, 0), cell(0, 2, 0)};
    const struct tide_run_key runs[] = {{0, 1}, {1, 1}, {2, 1}};
    const struct tide_batch_row row = {.cells = cells,
                                       .runs = runs,
                                       .n_cells = n,
                                       .n_runs = n,
                                       .seed = -1,
                                       .priority = priority,
                                       .reason = priority ? "cron" : NULL};
    int64_t batch = 0;
    EXPECT_OK(tide_store_queue(store, &row, &batch, &error));
    return batch;
}

static int64_t claim(void)
{
    struct tide_job job;
    EXPECT_OK(tide_store_claim(store, 0, &job, &error));
    int64_t run = job.run;
    tide_job_clear(&job);
    return run;
}

static void end_run(int64_t run, const char *why, bool outside)
{
    const struct tide_outcome outcome = {.error = why, .outside = outside, NO_FIGURES};
    bool done;
    EXPECT_OK(tide_store_end_run(store, run, &outcome, &done, &error));
}

static size_t cancel(struct tide_scope scope)
{
    struct tide_touched changes;
    EXPECT_OK(tide_store_cancel_queued(store, scope, &changes, &error));
    size_t n = changes.n;
    tide_touched_free(&changes);
    return n;
}

static size_t retry(struct tide_scope scope, bool all)
{
    struct tide_touched changes;
    EXPECT_OK(tide_store_retry(store, scope, all, &changes, &error));
    size_t n = changes.n;
    tide_touched_free(&changes);
    return n;
}

static void test_priority_goes_before_age(void **state)
{
    (void)state;
    int64_t first = queue(2, 0), low = queue(1, -1), high = queue(1, 50);
    struct tide_job job;
    const int64_t wanted[] = {high, first, first, low};
    for (size_t i = 0; i < 4; i++) {
        EXPECT_OK(tide_store_claim(store, 0, &job, &error));
        assert_int_equal(job.batch, wanted[i]);
        tide_job_clear(&job);
    }
    int64_t late = queue(1, 0);
    queue(1, 10);
    EXPECT_OK(tide_store_set_priority(store, late, 11, &error));
    EXPECT_OK(tide_store_claim(store, 0, &job, &error));
    assert_int_equal(job.batch, late);
    tide_job_clear(&job);
    assert_int_equal(tide_store_set_priority(store, 4711, 1, &error), TIDE_ABSENT);
    assert_int_equal(ask("SELECT count(*) FROM batches WHERE reason = 'cron'"), 3);
}

static void test_cancel_reaches_the_queued_runs_of_its_scope(void **state)
{
    (void)state;
    int64_t one = queue(3, 0), other = queue(2, 0), working = claim();
    assert_int_equal(cancel((struct tide_scope){.run = working}), 0);
    assert_int_equal(cancel((struct tide_scope){.batch = one}), 2);
    assert_int_equal(ask("SELECT count(*) FROM batches WHERE finished_ns IS NOT NULL"), 0);
    end_run(working, NULL, false);
    assert_int_equal(ask("SELECT count(*) FROM batches WHERE finished_ns IS NOT NULL"), 1);
    assert_int_equal(cancel((struct tide_scope){.run = working}), 0);
    assert_int_equal(cancel((struct tide_scope){0}), 2);
    assert_int_equal(ask("SELECT count(*) FROM runs WHERE status = 'cancelled'"), 4);
    assert_int_equal(ask("SELECT count(*) FROM batches WHERE finished_ns IS NULL"), 0);
    struct tide_touched changes;
    assert_int_equal(
        tide_store_cancel_queued(store, (struct tide_scope){.batch = other + 1}, &changes, &error),
        TIDE_ABSENT);
}

static void test_retry_takes_what_failed_from_outside(void **state)
{
    (void)state;
    int64_t batch = queue(3, 0), killed = claim();
    end_run(killed, "killed by signal 9", true);
    int64_t own = claim();
    end_run(own, "MemoryError", false);
    int64_t done = claim();
    end_run(done, NULL, false);
    assert_int_equal(ask("SELECT count(*) FROM batches WHERE finished_ns IS NULL"), 0);
    assert_int_equal(retry((struct tide_scope){.batch = batch}, false), 1);
    assert_int_equal(ask("SELECT count(*) FROM batches WHERE finished_ns IS NULL"), 1);
    assert_int_equal(ask("SELECT attempt FROM runs WHERE status = 'queued' AND error IS NULL"), 2);
    assert_int_equal(ask("SELECT count(*) FROM attempts WHERE outcome = 'failed' AND attempt = 1"
                         " AND error = 'killed by signal 9'"),
                     1);
    struct tide_touched changes;
    for (size_t i = 0; i < 3; i++) {
        const struct tide_scope scope = {.run = (const int64_t[]){killed, own, done}[i]};
        assert_int_equal(tide_store_retry(store, scope, i == 2, &changes, &error), TIDE_CONFLICT);
    }
    assert_contains(error.text, "is done");
    assert_int_equal(retry((struct tide_scope){0}, true), 1);
    assert_int_equal(ask("SELECT retry_ns > 0 FROM runs WHERE id = 2"), 1);
    assert_int_equal(cancel((struct tide_scope){.batch = batch}), 2);
    assert_int_equal(retry((struct tide_scope){.batch = batch}, false), 0);
    assert_int_equal(retry((struct tide_scope){.run = own}, false), 1);
    assert_int_equal(ask("SELECT max(attempt) FROM runs"), 3);
}

static void test_an_interruption_is_an_attempt(void **state)
{
    (void)state;
    queue(2, 0);
    claim();
    reopen_store();
    assert_int_equal(ask("SELECT sum(attempt) FROM runs WHERE status = 'queued'"), 3);
    assert_int_equal(ask("SELECT count(*) FROM attempts WHERE outcome = 'interrupted'"), 1);
    reopen_store();
    assert_int_equal(ask("SELECT sum(attempt) FROM runs"), 3);
}

static void test_pause_is_kept(void **state)
{
    (void)state;
    bool paused = true;
    EXPECT_OK(tide_store_is_paused(store, &paused, &error));
    assert_false(paused);
    EXPECT_OK(tide_store_set_paused(store, true, &error));
    reopen_store();
    EXPECT_OK(tide_store_is_paused(store, &paused, &error));
    assert_true(paused);
}

static void test_wanted_builds(void **state)
{
    (void)state;
    bool wanted = true;
    queue(1, 0);
    EXPECT_OK(tide_store_is_wanted(store, catalog.commits[0], catalog.pythons[0], &wanted, &error));
    assert_true(wanted);
    EXPECT_OK(tide_store_is_wanted(store, catalog.commits[1], catalog.pythons[0], &wanted, &error));
    assert_false(wanted);
    cancel((struct tide_scope){0});
    EXPECT_OK(tide_store_is_wanted(store, catalog.commits[0], catalog.pythons[0], &wanted, &error));
    assert_false(wanted);
}

#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, open_store, close_store)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_priority_goes_before_age),
        STORE_TEST(test_cancel_reaches_the_queued_runs_of_its_scope),
        STORE_TEST(test_retry_takes_what_failed_from_outside),
        STORE_TEST(test_an_interruption_is_an_attempt),
        STORE_TEST(test_pause_is_kept),
        STORE_TEST(test_wanted_builds),
    };
    return cmocka_run_group_tests_name("control", tests, make_test_folder, remove_test_folder);
}
