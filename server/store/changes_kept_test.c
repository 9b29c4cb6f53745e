/* changes_kept_test.c - change points in the database: the same one is known again, what is stale,
 * what a second look decides. */
#include "store/testing.h"

#include "store/changes.h"

#define POINTS 20

static int64_t series;
static struct tide_series_point points[POINTS];

/* A line of POINTS commits, and a series on it without a value. */
static int prepare(void **state)
{
    int64_t ids[POINTS], batch = 0;
    open_store(state);
    for (size_t i = 0; i < POINTS; i++) {
        char sha[41];
        snprintf(sha, sizeof sha, "%040zu", i + 100);
        const struct tide_commit_row row = {sha, "x", "Ann", (int64_t)i};
        EXPECT_OK(tide_store_put_commit(store, catalog.project, &row, &ids[i], &error));
        points[i] = (struct tide_series_point){.position = (int64_t)i, .commit = ids[i]};
    }
    EXPECT_OK(tide_store_put_line(store, catalog.project, ids, POINTS, &error));
    const struct tide_cell_key key = cell(0, 0, 0);
    EXPECT_OK(queue_cells(&key, 1, 1, &batch, &error));
    series = ask("SELECT id FROM series");
    return 0;
}

static struct tide_change_row step_at(size_t index, double effect, bool confirmed)
{
    return (struct tide_change_row){.index = index,
                                    .end = index,
                                    .confirmed = confirmed,
                                    .before = 100,
                                    .after = 100 + effect,
                                    .effect = effect,
                                    .low = -INFINITY,
                                    .high = INFINITY};
}

static void put(const struct tide_change_row *rows, size_t n)
{
    EXPECT_OK(tide_store_put_changes(store, series, TIDE_METRIC_TIDE_MARK, points, POINTS, rows, n,
                                     &error));
}

static void the_same_change_keeps_its_number(void **state)
{
    (void)state;
    struct tide_change_row rows[] = {step_at(5, 10, true), step_at(12, -10, false)};
    put(rows, 2);
    int64_t first = ask("SELECT min(id) FROM changes"), second = ask("SELECT max(id) FROM changes");
    EXPECT_OK(tide_store_accept_change(store, first, "meant", "ann", &error));
    rows[0].index = rows[0].end = 7; /* it moves by two points, the other by one */
    rows[1] = step_at(13, -9, true);
    put(rows, 2);
    assert_int_equal(ask("SELECT count(*) FROM changes"), 2);
    assert_int_equal(ask("SELECT id FROM changes WHERE reason = 'meant' AND status = 'confirmed'"),
                     first);
    assert_int_equal(ask("SELECT commit_id FROM changes WHERE reason = 'meant'"), points[7].commit);
    assert_int_equal(ask("SELECT previous FROM changes WHERE reason = 'meant'"), points[6].commit);
    assert_int_equal(ask("SELECT id FROM changes WHERE effect = -9"), second);
    assert_int_equal(ask("SELECT low IS NULL AND high IS NULL FROM changes LIMIT 1"), 1);
}

static void another_change_gets_its_own(void **state)
{
    (void)state;
    struct tide_change_row row = step_at(5, 10, true);
    put(&row, 1);
    row = step_at(6, -10, true); /* near, but the other way */
    put(&row, 1);
    assert_int_equal(ask("SELECT count(*) FROM changes WHERE status = 'dropped'"), 1);
    row = step_at(9, -10, true); /* the same way, but too far */
    put(&row, 1);
    assert_int_equal(ask("SELECT count(*) FROM changes WHERE status = 'dropped'"), 2);
    assert_int_equal(ask("SELECT count(*) FROM changes WHERE status = 'confirmed'"), 1);
    row = step_at(5, 10, true); /* the first comes back as itself */
    put(&row, 1);
    assert_int_equal(ask("SELECT count(*) FROM changes"), 3);
    assert_int_equal(ask("SELECT status = 'confirmed' FROM changes ORDER BY id LIMIT 1"), 1);
}

static void a_second_look_decides_until_points_do(void **state)
{
    (void)state;
    struct tide_change_row row = step_at(19, 10, false);
    put(&row, 1);
    int64_t id = ask("SELECT id FROM changes");
    EXPECT_OK(tide_store_end_second_look(store, id, false, &error));
    assert_int_equal(ask("SELECT status = 'dropped' FROM changes"), 1);
    put(&row, 1);
    assert_int_equal(ask("SELECT status = 'dropped' FROM changes"), 1);
    row.confirmed = true;
    put(&row, 1);
    assert_int_equal(ask("SELECT status = 'confirmed' FROM changes"), 1);
    assert_rc(tide_store_accept_change(store, id + 1, "meant", NULL, &error), TIDE_ABSENT, &error);
}

static void a_second_look_counts_for_its_two_commits(void **state)
{
    (void)state;
    struct tide_change_row row = step_at(18, 10, false);
    put(&row, 1);
    change("UPDATE changes SET batch = 1");
    EXPECT_OK(tide_store_end_second_look(store, ask("SELECT id FROM changes"), false, &error));
    row = step_at(19, 10, false); /* a point came in between: another commit is suspect */
    put(&row, 1);
    assert_int_equal(ask("SELECT status = 'suspect' AND batch IS NULL AND second IS NULL"
                         " FROM changes WHERE status <> 'dropped'"),
                     1);
    change("UPDATE changes SET batch = 2 WHERE status = 'suspect'");
    put(&row, 1); /* nothing has moved: the look that is under way counts */
    assert_int_equal(ask("SELECT batch FROM changes WHERE status = 'suspect'"), 2);
    points[18].commit = points[17].commit; /* the one before is another than was measured */
    put(&row, 1);
    assert_int_equal(ask("SELECT batch IS NULL FROM changes WHERE status = 'suspect'"), 1);
}

static void a_suspect_waits_for_the_runs_of_its_series(void **state)
{
    (void)state;
    struct tide_suspect suspect;
    struct tide_change_row row = step_at(19, 10, false);
    put(&row, 1);
    assert_rc(tide_store_suspect(store, 0, 24, &suspect, &error), TIDE_ABSENT, &error);
    change("UPDATE runs SET status = 'failed', finished_ns = 1");
    EXPECT_OK(tide_store_suspect(store, 0, 24, &suspect, &error));
    assert_int_equal(suspect.id, ask("SELECT id FROM changes"));
    tide_suspect_clear(&suspect);
}

static void a_summary_makes_its_series_stale(void **state)
{
    (void)state;
    struct tide_stale stale[2];
    size_t n = 0;
    struct tide_job job;
    bool done;
    EXPECT_OK(tide_store_stale(store, 2, stale, &n, &error));
    assert_int_equal(n, 0);
    EXPECT_OK(tide_store_claim(store, 0, &job, &error));
    struct tide_outcome outcome = {NO_FIGURES};
    outcome.tide_mark = 4096;
    EXPECT_OK(tide_store_end_run(store, job.run, &outcome, &done, &error));
    tide_job_clear(&job);
    EXPECT_OK(tide_store_stale(store, 2, stale, &n, &error));
    assert_int_equal(n, 1);
    assert_int_equal(stale[0].series, series);
    struct tide_stale older = {series, stale[0].version - 1}; /* it has changed since: it stays */
    EXPECT_OK(tide_store_settle(store, &older, &error));
    EXPECT_OK(tide_store_stale(store, 2, stale, &n, &error));
    assert_int_equal(n, 1);
    EXPECT_OK(tide_store_settle(store, &stale[0], &error));
    EXPECT_OK(tide_store_stale(store, 2, stale, &n, &error));
    assert_int_equal(n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_same_change_keeps_its_number, prepare, close_store),
        cmocka_unit_test_setup_teardown(another_change_gets_its_own, prepare, close_store),
        cmocka_unit_test_setup_teardown(a_second_look_decides_until_points_do, prepare,
                                        close_store),
        cmocka_unit_test_setup_teardown(a_second_look_counts_for_its_two_commits, prepare,
                                        close_store),
        cmocka_unit_test_setup_teardown(a_suspect_waits_for_the_runs_of_its_series, prepare,
                                        close_store),
        cmocka_unit_test_setup_teardown(a_summary_makes_its_series_stale, prepare, close_store),
    };
    return cmocka_run_group_tests(tests, make_test_folder, remove_test_folder);
}
