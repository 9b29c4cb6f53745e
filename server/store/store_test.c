/* store_test.c - the database opens, refuses what it cannot read,
 * and forgives a daemon that died. */
#include "store/testing.h"

#include <pthread.h>
#include <stdatomic.h>

static void test_open_creates_and_reopen_keeps(void **state)
{
    (void)state;
    assert_true(ask("PRAGMA user_version") >= 7);
    claim_new_run(NULL);
    reopen_store();
    assert_int_equal(ask("SELECT count(*) FROM commits"), 3);
    assert_int_equal(ask("SELECT count(*) FROM runs"), 1);
    tide_store_close(NULL);
}

static void test_the_file_is_in_wal_mode_and_whole(void **state)
{
    (void)state;
    claim_new_run(NULL);
    assert_int_equal(ask("SELECT journal_mode = 'wal' FROM pragma_journal_mode"), 1);
    assert_int_equal(ask("SELECT integrity_check = 'ok' FROM pragma_integrity_check"), 1);
    assert_int_equal(ask("SELECT count(*) FROM pragma_foreign_key_check"), 0);
}

static void expect_refusal(enum tide_rc rc, const char *why)
{
    struct tide_store *none = (struct tide_store *)1;
    assert_rc(tide_store_open(store_path, &none, &error), rc, &error);
    assert_null(none);
    assert_contains(error.text, why);
    assert_contains(error.text, store_path);
}

/* Replace the database by these bytes. */
static void put_file(const void *bytes, size_t n)
{
    tide_store_close(store);
    store = NULL;
    remove_store_files();
    free(write_bytes("test.db", bytes, n, 0644));
}

static void test_garbage_is_refused_and_left_alone(void **state)
{
    (void)state;
    char garbage[8192], *text = NULL;
    size_t n = 0;
    memset(garbage, 'g', sizeof garbage);
    put_file(garbage, sizeof garbage);
    expect_refusal(TIDE_CORRUPT, "not a database");
    EXPECT_OK(tide_file_read(store_path, 1 << 20, &text, &n, &error));
    assert_int_equal(n, sizeof garbage);
    assert_memory_equal(text, garbage, n);
    free(text);
}

static void test_an_empty_file_is_a_new_database(void **state)
{
    (void)state;
    put_file("", 0);
    EXPECT_OK(tide_store_open(store_path, &store, &error));
    put_catalog();
}

static void test_a_cut_file_is_refused(void **state)
{
    (void)state;
    char *bytes = NULL;
    size_t n = 0;
    tide_store_close(store);
    store = NULL;
    EXPECT_OK(tide_file_read(store_path, 16 << 20, &bytes, &n, &error));
    put_file(bytes, n / 2);
    struct tide_store *opened = NULL;
    enum tide_rc rc = tide_store_open(store_path, &opened, &error);
    assert_true(rc == TIDE_CORRUPT || rc == TIDE_IO);
    assert_contains(error.text, "malformed");
    free(bytes);
}

static void test_a_folder_is_refused(void **state)
{
    (void)state;
    put_file("", 0);
    run_shell("rm test.db && mkdir test.db");
    expect_refusal(TIDE_IO, "open");
    run_shell("rmdir test.db");
}

static void test_a_newer_schema_is_refused(void **state)
{
    (void)state;
    tide_store_close(store);
    store = NULL;
    change("PRAGMA user_version = 4711");
    expect_refusal(TIDE_NEWER, "newer Tidemark (schema 4711");
    assert_int_equal(ask("SELECT count(*) FROM commits"), 3);
}

static int64_t begin_build(const char *key)
{
    int64_t id = 0;
    const struct tide_build_row row = {key, "-O2", "cc 12", catalog.commits[0], catalog.pythons[0]};
    EXPECT_OK(tide_store_begin_build(store, &row, &id, &error));
    return id;
}

static void append_something(int64_t run)
{
    struct tide_name_row name = {.id = 1, .kind = 1, .text = "f", .file = "f.py", .line = 3};
    struct tide_phase_row phase = {.name = "base", .seq = 0, .t_ns = 5};
    struct tide_chunk_row chunks[] = {
        {.level = 0, .from_ns = 1, .to_ns = 9, .stack = "[]", .data = "x", .size = 1},
        {.level = 1, .from_ns = 1, .to_ns = 9, .data = "x", .size = 1},
    };
    const struct tide_measured m = {.names = &name,
                                    .phases = &phase,
                                    .chunks = chunks,
                                    .n_names = 1,
                                    .n_phases = 1,
                                    .n_chunks = 2,
                                    .origin_ns = 1000};
    EXPECT_OK(tide_store_append(store, run, &m, &error));
}

static int64_t count_measured(void)
{
    return ask("SELECT (SELECT count(*) FROM names) + (SELECT count(*) FROM phases)"
               " + (SELECT count(*) FROM event_chunks) + (SELECT count(*) FROM curve_chunks)");
}

static void end_run(int64_t run)
{
    const struct tide_outcome outcome = {NO_FIGURES};
    bool done;
    EXPECT_OK(tide_store_end_run(store, run, &outcome, &done, &error));
}

static void test_interrupted_runs_go_back_to_the_queue(void **state)
{
    (void)state;
    int64_t ended = claim_new_run(NULL), build = begin_build("kept");
    EXPECT_OK(tide_store_end_build(store, build, NULL, "log", 3, &error));
    EXPECT_OK(tide_store_set_build(store, ended, build, &error));
    append_something(ended);
    end_run(ended);
    int64_t building = claim_new_run(NULL), running = claim_new_run(NULL);
    EXPECT_OK(tide_store_set_build(store, building, begin_build("cut"), &error));
    EXPECT_OK(tide_store_set_build(store, running, build, &error));
    EXPECT_OK(tide_store_set_running(store, running, &error));
    EXPECT_OK(tide_store_set_percent(store, running, 40, &error));
    append_something(running);
    assert_int_equal(count_measured(), 8);
    reopen_store();
    assert_int_equal(ask("SELECT count(*) FROM runs WHERE status = 'queued' AND percent = 0"
                         " AND build IS NULL AND started_ns IS NULL"),
                     2);
    assert_int_equal(count_measured(), 4); /* those of the run that had ended */
    assert_int_equal(ask("SELECT count(*) FROM builds"), 1);
    assert_int_equal(ask("SELECT count(*) FROM builds WHERE status = 'done'"), 1);
    struct tide_job job;
    EXPECT_OK(tide_store_claim(store, 0, &job, &error));
    assert_int_equal(job.run, building);
    tide_job_clear(&job);
}

/* A cached build that went missing is begun anew under its row, which ended runs refer to. Dying
 * then must not make the database one that cannot be opened. */
static void test_a_build_cut_while_done_runs_refer_to_it(void **state)
{
    (void)state;
    int64_t run = claim_new_run(NULL), build = begin_build("again");
    EXPECT_OK(tide_store_set_build(store, run, build, &error));
    EXPECT_OK(tide_store_end_build(store, build, NULL, "", 0, &error));
    end_run(run);
    assert_int_equal(begin_build("again"), build);
    reopen_store();
    assert_int_equal(ask("SELECT count(*) FROM builds"), 0);
    assert_int_equal(ask("SELECT count(*) FROM runs WHERE status = 'done' AND build IS NULL"), 1);
}

/* ---- many readers beside the writer ---- */

#define READERS 5
#define BATCHES 60

static atomic_bool finished;
static atomic_int reads, faults;

/* A batch is queued in one transaction: no reader may see a part of it. */
static void *read_batches(void *context)
{
    (void)context;
    while (!finished || reads < 50) {
        const struct tide_batch_filter all = {.page.limit = 1000};
        struct tide_str text = {0};
        struct tide_error e;
        if (tide_store_batches_json(store, &all, &text, &e)) faults++;
        json_t *list = text.at ? json_loads(text.at, 0, NULL) : NULL, *batch;
        size_t i;
        json_array_foreach(json_object_get(list, "batches"), i, batch)
        {
            if (json_integer_value(json_object_get(batch, "runs")) != 4) faults++;
        }
        if (!list) faults++;
        json_decref(list);
        tide_str_free(&text);
        reads++;
    }
    return NULL;
}

static void *write_batches(void *context)
{
    const struct tide_cell_key cells[] = {cell(0, 0, 0), cell(0, 1, 0)};
    (void)context;
    for (int i = 0; i < BATCHES; i++) {
        int64_t batch = 0;
        struct tide_error e;
        if (queue_cells(cells, 2, 2, &batch, &e)) faults++;
    }
    return NULL;
}

static void *claim_runs(void *context)
{
    int *claimed = context;
    while (*claimed < BATCHES * 4) {
        struct tide_job job;
        struct tide_error e;
        enum tide_rc rc = tide_store_claim(store, 0, &job, &e);
        if (rc && rc != TIDE_ABSENT) faults++;
        if (!rc) ++*claimed;
        tide_job_clear(&job);
    }
    return NULL;
}

static void test_readers_beside_writers(void **state)
{
    (void)state;
    pthread_t readers[READERS], writer, claimer;
    int claimed = 0;
    for (int i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&readers[i], NULL, read_batches, NULL), 0);
    assert_int_equal(pthread_create(&writer, NULL, write_batches, NULL), 0);
    assert_int_equal(pthread_create(&claimer, NULL, claim_runs, &claimed), 0);
    pthread_join(writer, NULL);
    pthread_join(claimer, NULL);
    finished = true;
    for (int i = 0; i < READERS; i++)
        pthread_join(readers[i], NULL);
    assert_int_equal(faults, 0);
    assert_int_equal(claimed, BATCHES * 4);
    assert_int_equal(ask("SELECT count(*) FROM runs WHERE status = 'building'"), BATCHES * 4);
}

#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, open_store, close_store)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_open_creates_and_reopen_keeps),
        STORE_TEST(test_the_file_is_in_wal_mode_and_whole),
        STORE_TEST(test_garbage_is_refused_and_left_alone),
        STORE_TEST(test_an_empty_file_is_a_new_database),
        STORE_TEST(test_a_cut_file_is_refused),
        STORE_TEST(test_a_folder_is_refused),
        STORE_TEST(test_a_newer_schema_is_refused),
        STORE_TEST(test_interrupted_runs_go_back_to_the_queue),
        STORE_TEST(test_a_build_cut_while_done_runs_refer_to_it),
        STORE_TEST(test_readers_beside_writers),
    };
    return cmocka_run_group_tests_name("store", tests, make_test_folder, remove_test_folder);
}
