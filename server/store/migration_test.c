/* migration_test.c - a database of an earlier version comes up to date with all that it held. */
#include "store/testing.h"

/* Make the closed store's file a database of the version, with these rows. */
static void make_old(int version, const char *rows)
{
    struct tide_str sql = {0};
    tide_store_close(store);
    store = NULL;
    remove_store_files();
    for (int v = 1; v <= version; v++) {
        char *text = NULL;
        char *path = v == 1 ? tide_format("%s/db/schema.sql", TIDEMARK_SOURCE)
                            : tide_format("%s/db/%04d.sql", TIDEMARK_SOURCE, v);
        EXPECT_OK(tide_file_read(path, 1 << 20, &text, NULL, &error));
        tide_str_put(&sql, text);
        free(path);
        free(text);
    }
    tide_str_printf(&sql, "PRAGMA user_version = %d; %s", version, rows);
    change(sql.at);
    tide_str_free(&sql);
}

static const char old_rows[] =
    "INSERT INTO projects VALUES (1, 'converters', '/repo');"
    "INSERT INTO commits VALUES (1, 1, 'a000000000000000000000000000000000000000', 's', 'a', 1);"
    "INSERT INTO pythons VALUES (1, '3.12', '3.12', '', '', '', '', '', '', 'id', NULL, 1, 0);"
    "INSERT INTO scenarios VALUES (1, 1, 'list_bytes', 'v', '/s.py', '{\"module\":\"m\"}', 1);"
    "INSERT INTO cells VALUES (3, 1, '{}', 1, 1, 'pymalloc'), (7, 1, '{\"a\":1}', 1, 1, 'unknown'),"
    " (9, 1, '{\"a\":2}', 1, 1, 'pymalloc'); DELETE FROM cells WHERE id = 9;"
    "INSERT INTO batches VALUES (1, 5, NULL);"
    "INSERT INTO runs (id, batch, cell, sample, status, queued_ns, imported) VALUES"
    " (1, 1, 3, 1, 'done', 5, 0), (2, 1, 7, 1, 'done', 5, 1), (3, 1, 3, 2, 'queued', 5, 0);";

static void test_cells_keep_their_runs_and_get_the_default_measure(void **state)
{
    (void)state;
    struct tide_job job;
    make_old(2, old_rows);
    EXPECT_OK(tide_store_open(store_path, &store, &error));
    assert_int_equal(ask("SELECT count(*) FROM runs JOIN cells ON cells.id = cell"), 3);
    assert_int_equal(ask("SELECT id FROM cells WHERE measure = '" DEFAULT_MEASURE "'"), 3);
    assert_int_equal(ask("SELECT id FROM cells WHERE measure = '{}'"), 7);
    EXPECT_OK(tide_store_claim(store, 0, &job, &error));
    assert_int_equal(job.run, 3);
    assert_string_equal(job.recording, "changes");
    assert_int_equal(job.interval_us, 1000);
    tide_job_clear(&job);
}

static void test_ids_of_cells_are_not_given_again(void **state)
{
    (void)state;
    int64_t batch = 0;
    make_old(2, old_rows);
    EXPECT_OK(tide_store_open(store_path, &store, &error));
    const struct tide_cell_key key = {1, 1, 1, "{\"a\":3}", "pymalloc", DEFAULT_MEASURE};
    EXPECT_OK(queue_cells(&key, 1, 1, &batch, &error));
    assert_int_equal(ask("SELECT max(id) FROM cells"), 10);
}

static void test_references_are_watched_afterwards(void **state)
{
    (void)state;
    int64_t batch = 0;
    make_old(2, old_rows);
    EXPECT_OK(tide_store_open(store_path, &store, &error));
    const struct tide_cell_key key = {1, 4711, 1, "{}", "pymalloc", DEFAULT_MEASURE};
    assert_int_equal(queue_cells(&key, 1, 1, &batch, &error), TIDE_IO);
    assert_contains(error.text, "FOREIGN KEY");
}

static void test_a_database_whose_references_are_broken_is_refused(void **state)
{
    (void)state;
    make_old(2, old_rows);
    change("UPDATE runs SET cell = 4711 WHERE id = 2");
    assert_int_equal(tide_store_open(store_path, &store, &error), TIDE_CORRUPT);
    assert_contains(error.text, "1 rows refer to rows that are gone");
    assert_int_equal(ask("PRAGMA user_version"), 2);
}

static void test_metrics_of_earlier_runs_are_filled_in(void **state)
{
    (void)state;
    make_old(5, "INSERT INTO projects (id, name, repo) VALUES (1, 'converters', '/repo');"
                "INSERT INTO commits VALUES (1, 1, 'a000000000000000000000000000000000000000', 's',"
                " 'a', 1);"
                "INSERT INTO pythons VALUES (1, '3.12', '3.12', '', '', '', '', '', '', 'id', NULL,"
                " 1, 0);"
                "INSERT INTO scenarios VALUES (1, 1, 'list_bytes', 'v', '/s.py', '{}', 1);"
                "INSERT INTO cells VALUES (3, 1, '{}', 1, 1, 'pymalloc', '{}'),"
                " (4, 1, '{\"a\":1}', 1, 1, 'pymalloc', '{}');"
                "INSERT INTO batches (id, queued_ns) VALUES (1, 5);"
                "INSERT INTO runs (id, batch, cell, sample, status, queued_ns, base, original,"
                " tide_mark, end) VALUES (1, 1, 3, 1, 'done', 5, 10, 20, 50, 12),"
                " (2, 1, 3, 2, 'done', 5, 10, 20, 40, 12), (3, 1, 4, 1, 'failed', 5, 1, 2, 3, 4);");
    EXPECT_OK(tide_store_open(store_path, &store, &error));
    assert_int_equal(ask("SELECT count(DISTINCT series) FROM cells"), 2);
    assert_int_equal(ask("SELECT count(*) FROM summaries WHERE cell = 4"), 0);
    assert_int_equal(ask("SELECT n * 1000 + median FROM summaries WHERE cell = 3 AND metric = 2"),
                     2045);
    assert_int_equal(ask("SELECT median FROM summaries WHERE metric = 4"), 2);
    assert_int_equal(ask("SELECT count(*) FROM summaries WHERE metric = 8"), 0);
}

static void test_every_earlier_version(void **state)
{
    (void)state;
    make_old(1, "");
    EXPECT_OK(tide_store_open(store_path, &store, &error));
    put_catalog();
    claim_new_run(NULL);
}

#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, open_store, close_store)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_cells_keep_their_runs_and_get_the_default_measure),
        STORE_TEST(test_ids_of_cells_are_not_given_again),
        STORE_TEST(test_references_are_watched_afterwards),
        STORE_TEST(test_a_database_whose_references_are_broken_is_refused),
        STORE_TEST(test_metrics_of_earlier_runs_are_filled_in),
        STORE_TEST(test_every_earlier_version),
    };
    return cmocka_run_group_tests_name("migration", tests, make_test_folder, remove_test_folder);
}
