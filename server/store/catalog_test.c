/* catalog_test.c - rows of what can be measured are put once, changed in place, and never
 * renumbered. */
#include "store/samples.h"
#include "store/testing.h"

static void test_putting_again_gives_the_same_id(void **state)
{
    (void)state;
    int64_t again = 0;
    EXPECT_OK(tide_store_put_project(store, "converters", "/moved", &again, &error));
    assert_int_equal(again, catalog.project);
    assert_int_equal(ask("SELECT repo = '/moved' FROM projects"), 1);
    char sha[41];
    snprintf(sha, sizeof sha, "b%039d", 1);
    const struct tide_commit_row row = {sha, "New subject", "Ann <ann@example.org>", 1001};
    EXPECT_OK(tide_store_put_commit(store, catalog.project, &row, &again, &error));
    assert_int_equal(again, catalog.commits[1]);
    assert_int_equal(ask("SELECT count(*) FROM commits WHERE subject = 'New subject'"), 1);
}

static void test_a_short_sha_is_refused(void **state)
{
    (void)state;
    int64_t id = 0;
    const struct tide_commit_row row = {"abc", "s", "a", 1};
    assert_int_equal(tide_store_put_commit(store, catalog.project, &row, &id, &error), TIDE_IO);
    assert_contains(error.text, "CHECK");
    assert_int_equal(ask("SELECT count(*) FROM commits"), 3);
}

static void test_a_commit_of_no_project_is_refused(void **state)
{
    (void)state;
    int64_t id = 0;
    char sha[41];
    snprintf(sha, sizeof sha, "%040d", 9);
    const struct tide_commit_row row = {sha, "s", "a", 1};
    assert_int_equal(tide_store_put_commit(store, 4711, &row, &id, &error), TIDE_IO);
    assert_contains(error.text, "FOREIGN KEY");
}

static void expect_columns(int64_t wanted)
{
    struct tide_str columns = {0};
    EXPECT_OK(tide_store_columns_json(store, catalog.project, "none", &columns, &error));
    char *sql = tide_format("SELECT json_array_length('%s')", columns.at);
    assert_int_equal(ask(sql), wanted);
    free(sql);
    tide_str_free(&columns);
}

/* A project that names no pythons has all that can be used, one that names a version those of it.
 */
static void test_pythons_of_a_project(void **state)
{
    (void)state;
    struct tide_project row;
    expect_columns(ask("SELECT count(*) FROM pythons WHERE present AND reason IS NULL"));
    EXPECT_OK(tide_store_find_project(store, "converters", &row, &error));
    free(row.pythons);
    row.pythons = strdup("[\"3.12\"]");
    EXPECT_OK(tide_store_set_project(store, &row, &error));
    expect_columns(1);
    tide_project_clear(&row);
}

static void test_pythons_that_are_gone_stay_as_rows(void **state)
{
    (void)state;
    int64_t ids[2];
    const struct tide_python_row rows[] = {
        {"3.13.0", "3.13.0", "cpython-313", "/opt/3.13", "/opt/3.13/bin/python3", "", "", "uv",
         "identity-13", NULL},
        {"3.12.1@path", "3.12.1", "cpython-312", "/opt/3.12", "/other/python", "", "", "path",
         "identity-12", "its library is missing"},
    };
    EXPECT_OK(tide_store_put_pythons(store, rows, 2, ids, &error));
    assert_int_equal(ids[1], catalog.pythons[0]); /* known by its identity */
    assert_int_equal(ask("SELECT count(*) FROM pythons"), 4);
    assert_int_equal(ask("SELECT count(*) FROM pythons WHERE present"), 2);
    assert_int_equal(ask("SELECT count(*) FROM pythons WHERE name = '3.12.1@path' AND present"
                         " AND program = '/other/python' AND reason IS NOT NULL AND position = 1"),
                     1);
    EXPECT_OK(tide_store_put_pythons(store, rows, 0, ids, &error));
    assert_int_equal(ask("SELECT count(*) FROM pythons WHERE present"), 0);
    put_pythons();
    assert_int_equal(ask("SELECT count(*) FROM pythons WHERE present AND reason IS NULL"), 2);
}

static void test_an_edited_scenario_is_a_new_version(void **state)
{
    (void)state;
    int64_t id = 0;
    const struct tide_scenario_row row = {"list_bytes", "v2", "/s/list_bytes.py", "{}"};
    EXPECT_OK(tide_store_put_scenarios(store, catalog.project, &row, 1, &id, &error));
    assert_true(id != catalog.scenarios[0]);
    assert_int_equal(ask("SELECT count(*) FROM scenarios"), 3);
    assert_int_equal(ask("SELECT count(*) FROM scenarios WHERE present AND version = 'v2'"), 1);
    int64_t before = catalog.scenarios[0];
    put_scenarios();
    assert_int_equal(catalog.scenarios[0], before);
    assert_int_equal(ask("SELECT count(*) FROM scenarios WHERE present"), 2);
}

/* ---- builds ---- */

static int64_t begin_build(const char *key)
{
    int64_t id = 0;
    const struct tide_build_row row = {key, "-O2", "cc 12", catalog.commits[0], catalog.pythons[0]};
    EXPECT_OK(tide_store_begin_build(store, &row, &id, &error));
    return id;
}

static void expect_build(const char *key, enum tide_rc rc, const char *why)
{
    struct tide_known_build known = {.error = (char *)1};
    assert_rc(tide_store_find_build(store, key, &known, &error), rc, &error);
    if (rc == TIDE_OK) assert_true(known.id > 0 && known.finished_ns > 0);
    if (why)
        assert_string_equal(known.error, why);
    else
        assert_null(known.error);
    free(known.error);
}

static char *build_log(int64_t id)
{
    struct tide_str text = {0};
    EXPECT_OK(tide_store_build_log(store, id, &text, &error));
    char *taken = tide_str_take(&text);
    assert_non_null(taken);
    return taken;
}

static void test_a_build_is_found_once_it_has_ended(void **state)
{
    (void)state;
    expect_build("k", TIDE_ABSENT, NULL);
    assert_contains(error.text, "no build with key k");
    int64_t id = begin_build("k");
    expect_build("k", TIDE_ABSENT, NULL);
    EXPECT_OK(tide_store_end_build(store, id, NULL, "compiled", 8, &error));
    expect_build("k", TIDE_OK, NULL);
    char *log = build_log(id);
    assert_string_equal(log, "compiled");
    free(log);
}

static void test_a_failed_build_keeps_its_reason_and_log(void **state)
{
    (void)state;
    int64_t id = begin_build("k");
    char *long_log = malloc(300000);
    assert_non_null(long_log);
    memset(long_log, 'l', 300000);
    EXPECT_OK(tide_store_end_build(store, id, "cc: error", long_log, 300000, &error));
    expect_build("k", TIDE_OK, "cc: error");
    char *log = build_log(id);
    assert_int_equal(strlen(log), 300000);
    assert_true(ask("SELECT length(log) FROM builds") < 3000); /* packed */
    free(log);
    free(long_log);
}

static void test_a_build_begun_anew_is_the_same_row(void **state)
{
    (void)state;
    int64_t id = begin_build("k");
    EXPECT_OK(tide_store_end_build(store, id, "broke", "log", 3, &error));
    assert_int_equal(begin_build("k"), id);
    expect_build("k", TIDE_ABSENT, NULL);
    char *log = build_log(id);
    assert_string_equal(log, "");
    free(log);
}

static void test_a_dropped_build_is_forgotten(void **state)
{
    (void)state;
    int64_t id = begin_build("k"), run = claim_new_run(NULL);
    EXPECT_OK(tide_store_set_build(store, run, id, &error));
    EXPECT_OK(tide_store_drop_build(store, id, &error));
    assert_int_equal(ask("SELECT count(*) FROM builds"), 0);
    assert_int_equal(ask("SELECT build FROM runs"), -1);
}

static void test_a_build_of_nothing_is_refused(void **state)
{
    (void)state;
    int64_t id = 0;
    const struct tide_build_row row = {"k", "", "", 4711, catalog.pythons[0]};
    assert_int_equal(tide_store_begin_build(store, &row, &id, &error), TIDE_IO);
    assert_contains(error.text, "FOREIGN KEY");
    assert_int_equal(tide_store_set_build(store, claim_new_run(NULL), 4711, &error), TIDE_IO);
    struct tide_str text = {0};
    assert_int_equal(tide_store_build_log(store, 4711, &text, &error), TIDE_ABSENT);
    assert_string_equal(error.text, "no build 4711");
}

static int64_t put_build(const char *key, size_t commit, size_t python)
{
    const struct tide_build_row row = {key, "flags", "gcc", catalog.commits[commit],
                                       catalog.pythons[python]};
    int64_t id = 0;
    EXPECT_OK(tide_store_begin_build(store, &row, &id, &error));
    EXPECT_OK(tide_store_end_build(store, id, NULL, "", 0, &error));
    return id;
}

/* The keys, with a space after each. */
static void expect_idle(const char *wanted)
{
    struct tide_str keys = {0};
    EXPECT_OK(tide_store_idle_builds(store, &keys, &error));
    for (size_t i = 0; i < keys.length; i++)
        if (!keys.at[i]) keys.at[i] = ' ';
    assert_string_equal(keys.at ? keys.at : "", wanted);
    tide_str_free(&keys);
}

static void end_run(int64_t run)
{
    const struct tide_outcome outcome = {NO_FIGURES};
    bool done;
    EXPECT_OK(tide_store_end_run(store, run, &outcome, &done, &error));
}

/* A build is needed from when its run is queued to its end; then it is the one used last. */
static void test_idle_builds(void **state)
{
    (void)state;
    int64_t first = put_build("first", 0, 0);
    put_build("second", 1, 0);
    put_build("third", 0, 1);
    expect_idle("first second third ");
    int64_t run = claim_new_run(NULL); /* of commit 0 and python 0 */
    expect_idle("second third ");
    EXPECT_OK(tide_store_set_build(store, run, first, &error));
    EXPECT_OK(tide_store_set_running(store, run, &error));
    expect_idle("second third ");
    end_run(run);
    expect_idle("second third first ");
    const struct tide_build_row again = {"second", "flags", "gcc", catalog.commits[1],
                                         catalog.pythons[0]};
    EXPECT_OK(tide_store_begin_build(store, &again, &first, &error));
    expect_idle("third first ");
}

/* A build that commits share is needed by a run of any that used it, or that was told of it. */
static void test_idle_builds_are_nobodys(void **state)
{
    (void)state;
    int64_t shared = put_build("shared", 1, 0);
    int64_t run = claim_new_run(NULL), batch = 0;
    expect_idle("shared ");
    EXPECT_OK(tide_store_set_build(store, run, shared, &error));
    expect_idle("");
    end_run(run);
    expect_idle("shared ");
    const struct tide_cell_key key = cell(0, 0, 0);
    EXPECT_OK(queue_cells(&key, 1, 1, &batch, &error));
    expect_idle("");
}

#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, open_store, close_store)
int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_putting_again_gives_the_same_id),
        STORE_TEST(test_a_short_sha_is_refused),
        STORE_TEST(test_a_commit_of_no_project_is_refused),
        STORE_TEST(test_pythons_of_a_project),
        STORE_TEST(test_pythons_that_are_gone_stay_as_rows),
        STORE_TEST(test_an_edited_scenario_is_a_new_version),
        STORE_TEST(test_a_build_is_found_once_it_has_ended),
        STORE_TEST(test_a_failed_build_keeps_its_reason_and_log),
        STORE_TEST(test_a_build_begun_anew_is_the_same_row),
        STORE_TEST(test_a_dropped_build_is_forgotten),
        STORE_TEST(test_a_build_of_nothing_is_refused),
        STORE_TEST(test_idle_builds),
        STORE_TEST(test_idle_builds_are_nobodys),
    };
    return cmocka_run_group_tests_name("catalog", tests, make_test_folder, remove_test_folder);
}
