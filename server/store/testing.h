/* testing.h - what the tests on the store share: a fresh database in the test's folder, and a
 * catalog in it. Included by *_test.c only. */
#ifndef TIDE_STORE_TESTING_H
#define TIDE_STORE_TESTING_H

#include "base/testing.h"

#include "store/store.h"

#include <jansson.h>
#include <math.h>
#include <sqlite3.h>

static struct tide_store *store;
static char *store_path;
static struct tide_error error;

/* Rows that most tests need, by id. */
static struct {
    int64_t project, commits[3], pythons[3], scenarios[2];
} catalog;

/* As server/schedule/measure.c makes it of a request that says nothing. */
#define DEFAULT_MEASURE                                                                           \
    "{\"bound\":262144,\"interval_us\":1000,\"precision\":\"bounded\",\"recording\":\"changes\"," \
    "\"threshold\":4096}"

#define EXPECT_OK(call) assert_rc((call), TIDE_OK, &error)

static inline void put_pythons(void)
{
    const struct tide_python_row rows[] = {
        {"3.12.1", "3.12.1", "cpython-312", "/opt/3.12", "/opt/3.12/bin/python3.12",
         "/opt/3.12/lib/libpython3.12.so", "/opt/3.12/include", "path", "identity-12", NULL},
        {"3.11.7", "3.11.7", "cpython-311", "/opt/3.11", "/opt/3.11/bin/python3.11", "", "",
         "pyenv", "identity-11", NULL},
        {"3.7.1", "3.7.1", "cpython-37m", "/opt/3.7", "/opt/3.7/bin/python3.7", "", "", "path",
         "identity-7", "CPython 3.7.1 is older than 3.8"},
    };
    EXPECT_OK(tide_store_put_pythons(store, rows, 3, catalog.pythons, &error));
}

static inline void put_scenarios(void)
{
    static const char params[] =
        "{\"file\":\"/s.py\",\"module\":\"tideconv\",\"name\":\"x\",\"params\":[{\"default\":8,"
        "\"demo\":2,\"maximum\":100,\"minimum\":1,\"name\":\"count\",\"type\":\"integer\"}],"
        "\"title\":\"Lists of bytes\"}";
    const struct tide_scenario_row rows[] = {{"list_bytes", "v1", "/s/list_bytes.py", params},
                                             {"list_float", "v1", "/s/list_float.py", params}};
    EXPECT_OK(tide_store_put_scenarios(store, catalog.project, rows, 2, catalog.scenarios, &error));
}

static inline void put_catalog(void)
{
    const char *const subjects[] = {"First", "Say \"<img src=x onerror=alert(1)>\" \\ and '; DROP",
                                    "Grüße 🌊 日本"};
    EXPECT_OK(tide_store_put_project(store, "converters", "/repo", &catalog.project, &error));
    for (size_t i = 0; i < 3; i++) {
        char sha[41];
        snprintf(sha, sizeof sha, "%c%039zu", (char)('a' + i), i);
        const struct tide_commit_row row = {sha, subjects[i], "Ann <ann@example.org>",
                                            1000 + (int64_t)i};
        EXPECT_OK(tide_store_put_commit(store, catalog.project, &row, &catalog.commits[i], &error));
    }
    put_pythons();
    put_scenarios();
}

static inline void remove_store_files(void)
{
    static const char *const ends[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < 3; i++) {
        char *path = tide_format("%s%s", store_path, ends[i]);
        unlink(path);
        free(path);
    }
}

/* Test setup and teardown: a new database with the catalog. */
static inline int open_store(void **state)
{
    (void)state;
    store_path = in_folder("test.db");
    EXPECT_OK(tide_store_open(store_path, &store, &error));
    put_catalog();
    return 0;
}

static inline int close_store(void **state)
{
    (void)state;
    tide_store_close(store);
    store = NULL;
    remove_store_files();
    free(store_path);
    return 0;
}

static inline void reopen_store(void)
{
    tide_store_close(store);
    EXPECT_OK(tide_store_open(store_path, &store, &error));
}

static inline struct tide_cell_key cell(size_t scenario, size_t commit, size_t python)
{
    return (struct tide_cell_key){catalog.scenarios[scenario],
                                  catalog.commits[commit],
                                  catalog.pythons[python],
                                  "{\"count\":8}",
                                  "pymalloc",
                                  DEFAULT_MEASURE};
}

/* One batch with `samples` runs of each cell, sample by sample. */
static inline enum tide_rc queue_cells(const struct tide_cell_key *cells, size_t n, int samples,
                                       int64_t *batch, struct tide_error *e)
{
    size_t n_runs = 0;
    struct tide_run_key *runs = calloc(n * (size_t)samples, sizeof *runs);
    for (int sample = 1; sample <= samples; sample++)
        for (size_t i = 0; i < n; i++)
            runs[n_runs++] = (struct tide_run_key){i, sample};
    const struct tide_batch_row row = {
        .cells = cells, .runs = runs, .n_cells = n, .n_runs = n_runs, .seed = -1};
    enum tide_rc rc = tide_store_queue(store, &row, batch, e);
    free(runs);
    return rc;
}

/* Every kind of cell: 2 scenarios x 3 commits x 2 pythons x 2 samples. */
static inline int64_t queue_all(void)
{
    struct tide_cell_key cells[12];
    int64_t batch = 0;
    for (size_t i = 0; i < 12; i++)
        cells[i] = cell(i % 2, i / 2 % 3, i / 6);
    EXPECT_OK(queue_cells(cells, 12, 2, &batch, &error));
    return batch;
}

/* One batch of one run; the run's id, which is claimed. */
static inline int64_t claim_new_run(int64_t *batch)
{
    const struct tide_cell_key key = cell(0, 0, 0);
    struct tide_job job;
    int64_t queued = 0;
    EXPECT_OK(queue_cells(&key, 1, 1, &queued, &error));
    EXPECT_OK(tide_store_claim(store, 0, &job, &error));
    int64_t run = job.run;
    assert_int_equal(job.batch, queued);
    if (batch) *batch = queued;
    tide_job_clear(&job);
    return run;
}

#define NO_FIGURES                                                                      \
    .base = -1, .original = -1, .tide_mark = -1, .end = -1, .floor = -1, .wall_ns = -1, \
    .cpu_ns = -1, .events = -1, .samples = -1, .missed_ticks = -1, .page_faults = -1, .leak = NAN

/* The one integer that a query on the file gives; -1 for NULL.
 * By a connection of the test's own. */
static inline int64_t ask(const char *sql)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *q = NULL;
    assert_int_equal(sqlite3_open_v2(store_path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    if (sqlite3_prepare_v2(db, sql, -1, &q, NULL)) fail_msg("%s\nof: %s", sqlite3_errmsg(db), sql);
    assert_int_equal(sqlite3_step(q), SQLITE_ROW);
    int64_t answer = sqlite3_column_type(q, 0) == SQLITE_NULL ? -1 : sqlite3_column_int64(q, 0);
    sqlite3_finalize(q);
    sqlite3_close(db);
    return answer;
}

/* Change the file by a connection of the test's own, while the store is closed. */
static inline void change(const char *sql)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(store_path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL)) fail_msg("%s\nof: %s", sqlite3_errmsg(db), sql);
    sqlite3_close(db);
}

/* The JSON that a resource appended, checked to be JSON; *text is emptied. */
static inline json_t *parsed(struct tide_str *text)
{
    json_error_t wrong;
    json_t *value = json_loadb(text->at ? text->at : "", text->length, 0, &wrong);
    if (!value) fail_msg("%s in: %s", wrong.text, text->at ? text->at : "");
    tide_str_free(text);
    return value;
}

static inline json_t *field(const json_t *object, const char *name)
{
    json_t *value = json_object_get(object, name);
    if (!value) fail_msg("no field %s", name);
    return value;
}

static inline int64_t number_of(const json_t *object, const char *name)
{
    assert_true(json_is_integer(field(object, name)));
    return json_integer_value(field(object, name));
}

static inline const char *text_of(const json_t *object, const char *name)
{
    assert_true(json_is_string(field(object, name)));
    return json_string_value(field(object, name));
}

#endif
