/* trigger_test.c - a request is turned into a batch as a whole, or refused with the field that is
 * wrong and nothing written. A real repository stands behind it. */
#include "store/testing.h"

#include "schedule/trigger.h"

static struct tide_catalog known;
static char *newest; /* sha of HEAD */
static json_t *description;
static int64_t python_ids[3];

static struct tide_python pythons[] = {
    {.name = "3.12.1", .version = "3.12.1", .program = "/opt/3.12/bin/python3.12"},
    {.name = "3.11.7", .version = "3.11.7", .program = "/opt/3.11/bin/python3.11"},
    {.name = "3.7.1",
     .version = "3.7.1",
     .program = "/opt/3.7/bin/python3.7",
     .reason = "CPython 3.7.1 is older than 3.8"},
};
static struct tide_scenario scenarios[] = {
    {.name = "list_bytes", .file = "/s/list_bytes.py"},
    {.name = "list_float", .file = "/s/list_float.py"},
};

static int make_repository(void **state)
{
    if (make_test_folder(state)) return -1;
    run_shell("git init -q -b main source && cd source\n"
              "git config user.name Ann && git config user.email ann@example.org\n"
              "for i in 1 2 3; do git commit -q --allow-empty -m \"Commit $i\"; done\n"
              "git tag second HEAD~1");
    newest = shell("git -C source rev-parse HEAD");
    char *source = in_folder("source"), *mirror = in_folder("mirror.git");
    char *worktrees = in_folder("worktrees");
    EXPECT_OK(tide_repo_open(source, mirror, worktrees, NULL, &known.repo, &error));
    description = json_loads("{\"module\":\"tideconv\",\"params\":[{\"name\":\"count\",\"type\":"
                             "\"integer\",\"default\":1000,\"demo\":10,\"minimum\":1,"
                             "\"maximum\":5000}]}",
                             0, NULL);
    free(source);
    free(mirror);
    free(worktrees);
    return description ? 0 : -1;
}

static int remove_repository(void **state)
{
    tide_repo_close(known.repo);
    json_decref(description);
    free(newest);
    return remove_test_folder(state);
}

/* The catalog by hand: what discovery would have found. */
static int fill_catalog(void **state)
{
    if (open_store(state)) return -1;
    known.project = catalog.project;
    known.pythons = (struct tide_pythons){pythons, 3};
    known.python_ids = python_ids;
    known.scenarios = scenarios;
    known.n_scenarios = 2;
    memcpy(python_ids, catalog.pythons, sizeof python_ids);
    for (size_t i = 0; i < 2; i++) {
        scenarios[i].id = catalog.scenarios[i];
        scenarios[i].description = description;
    }
    return 0;
}

static enum tide_rc trigger(const char *request, int64_t *batch)
{
    json_error_t wrong;
    json_t *wish = json_loads(request, JSON_DECODE_ANY, &wrong);
    if (!wish) fail_msg("%s in %s", wrong.text, request);
    error = (struct tide_error){0};
    enum tide_rc rc = tide_trigger(&known, store, wish, batch, &error);
    json_decref(wish);
    return rc;
}

static void expect_runs(const char *request, int64_t runs)
{
    int64_t batch = 0;
    int64_t before = ask("SELECT count(*) FROM runs");
    EXPECT_OK(trigger(request, &batch));
    assert_true(batch > 0);
    assert_int_equal(ask("SELECT count(*) FROM runs") - before, runs);
}

static void expect_refusal(const char *request, const char *name, const char *why)
{
    int64_t batch = 0;
    enum tide_rc rc = trigger(request, &batch);
    if (rc != TIDE_INVALID) fail_msg("code %d for %s", (int)rc, request);
    if (strcmp(error.field, name) != 0)
        fail_msg("field %s instead of %s: %s", error.field, name, error.text);
    assert_contains(error.text, why);
    assert_int_equal(ask("SELECT (SELECT count(*) FROM runs) + (SELECT count(*) FROM batches)"
                         " + (SELECT count(*) FROM cells)"),
                     0);
    assert_int_equal(ask("SELECT count(*) FROM commits"), 3); /* of the test's own catalog */
}

static void test_defaults_are_head_and_every_usable_python(void **state)
{
    (void)state;
    char sql[160];
    expect_runs("{\"scenarios\":[\"list_bytes\"]}", 2);
    snprintf(sql, sizeof sql,
             "SELECT count(*) FROM cells JOIN commits ON commits.id = commit_id"
             " WHERE sha = '%s' AND subject = 'Commit 3'",
             newest);
    assert_int_equal(ask(sql), 2);
    assert_int_equal(ask("SELECT count(DISTINCT python) FROM cells"), 2);
    assert_int_equal(ask("SELECT count(*) FROM cells WHERE params = '{\"count\":1000}'"), 2);
}

static void test_all_fields(void **state)
{
    (void)state;
    expect_runs("{\"project\":\"converters\",\"commits\":[\"HEAD\",\"HEAD~1\",\"HEAD~2\"],"
                "\"pythons\":[\"3.12\",\"/opt/3.11/bin/python3.11\"],"
                "\"scenarios\":[\"list_bytes\",\"list_float\"],\"params\":{\"count\":5},"
                "\"samples\":4,\"size\":\"full\"}",
                48); /* 3 commits, 2 pythons, 2 scenarios, 4 samples */
    assert_int_equal(ask("SELECT count(*) FROM cells WHERE params = '{\"count\":5}'"), 12);
    assert_int_equal(ask("SELECT max(sample) FROM runs"), 4);
}

/* Neighbours in the queue differ in their commit, so that drift of the host meets each alike. */
static void test_commits_are_interleaved(void **state)
{
    (void)state;
    expect_runs("{\"commits\":[\"HEAD\",\"HEAD~1\"],\"pythons\":[\"3.12\"],"
                "\"scenarios\":[\"list_bytes\"],\"samples\":3}",
                6);
    assert_int_equal(ask("SELECT count(*) FROM (SELECT commit_id <> lag(commit_id) OVER"
                         " (ORDER BY runs.id) AS moved FROM runs JOIN cells ON cells.id = cell)"
                         " WHERE moved"),
                     5);
}

static void test_size_demo(void **state)
{
    (void)state;
    expect_runs("{\"scenarios\":[\"list_bytes\"],\"size\":\"demo\",\"pythons\":[\"3.12\"]}", 1);
    assert_int_equal(ask("SELECT count(*) FROM cells WHERE params = '{\"count\":10}'"), 1);
}

static void test_what_is_named_twice_runs_once(void **state)
{
    (void)state;
    char request[400];
    snprintf(request, sizeof request,
             "{\"commits\":[\"HEAD\",\"main\",\"%s\",\"%.9s\",\"second\",\"HEAD~1\"],"
             "\"pythons\":[\"3.12\",\"3.12.1\",\"all\",\"3.11.7\",\"all\"],"
             "\"scenarios\":[\"list_bytes\",\"list_float\",\"list_bytes\"]}",
             newest, newest);
    expect_runs(request, 8);
}

static void test_a_new_commit_of_the_source_is_known_at_once(void **state)
{
    (void)state;
    run_shell("git -C source checkout -q -b topic && "
              "git -C source commit -q --allow-empty -m 'On a topic'");
    expect_runs("{\"commits\":[\"topic\"],\"pythons\":[\"3.12\"],\"scenarios\":[\"list_bytes\"]}",
                1);
    assert_int_equal(ask("SELECT count(*) FROM commits WHERE subject = 'On a topic'"), 1);
    run_shell("git -C source checkout -q main && git -C source branch -qD topic");
}

#define WITH(fields) "{\"scenarios\":[\"list_bytes\"]," fields "}"

static void test_refusals_of_shape(void **state)
{
    (void)state;
    expect_refusal("[]", "", "the body must be a JSON object");
    expect_refusal("5", "", "the body must be a JSON object");
    expect_refusal("{}", "scenarios", "is missing");
    expect_refusal(WITH("\"comits\":[]"), "comits", "allowed are project, commits");
    expect_refusal(WITH("\"project\":\"other\""), "project", "there is converters");
    expect_refusal(WITH("\"project\":5"), "project", "no such project");
    expect_refusal(WITH("\"params\":[]"), "params", "must be an object");
    expect_refusal(WITH("\"size\":\"huge\""), "size", "\"demo\" or \"full\"");
    expect_refusal(WITH("\"size\":null"), "size", "\"demo\" or \"full\"");
}

static void test_refusals_of_samples(void **state)
{
    (void)state;
    static const char *const wrong[] = {"0",    "-1",   "101",   "1.5", "\"2\"",
                                        "null", "true", "1e300", "[1]"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char request[120];
        snprintf(request, sizeof request, WITH("\"samples\":%s"), wrong[i]);
        expect_refusal(request, "samples", "must be an integer from 1 to 100");
    }
    expect_runs(WITH("\"samples\":100"), 200);
    expect_runs(WITH("\"samples\":2.0"), 4);
}

static void test_refusals_of_lists(void **state)
{
    (void)state;
    static const char *const lists[] = {"commits", "pythons"};
    for (size_t i = 0; i < 2; i++) {
        char request[160], entry[32];
        const char *const wrong[] = {"[]", "\"HEAD\"", "null", "{}", "5"};
        for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++) {
            snprintf(request, sizeof request, WITH("\"%s\":%s"), lists[i], wrong[k]);
            expect_refusal(request, lists[i], "must be a list of 1 to 1000 strings");
        }
        snprintf(entry, sizeof entry, "%s[1]", lists[i]);
        snprintf(request, sizeof request, WITH("\"%s\":[\"all\",5]"), lists[i]);
        expect_refusal(request, entry, "must be a string that is not empty");
        snprintf(request, sizeof request, WITH("\"%s\":[\"all\",\"\"]"), lists[i]);
        expect_refusal(request, entry, "must be a string that is not empty");
    }
    expect_refusal("{\"scenarios\":[]}", "scenarios", "must be a list");
    expect_refusal("{\"scenarios\":[\"list_bytes\",null]}", "scenarios[1]", "must be a string");
}

static void test_a_list_that_is_too_long(void **state)
{
    (void)state;
    struct tide_str request = {0};
    tide_str_put(&request, "{\"scenarios\":[\"list_bytes\"],\"commits\":[\"HEAD\"");
    for (int i = 0; i < 1000; i++)
        tide_str_put(&request, ",\"HEAD\"");
    tide_str_put(&request, "]}");
    expect_refusal(request.at, "commits", "must be a list of 1 to 1000 strings");
    tide_str_free(&request);
}

static void test_refusals_of_names(void **state)
{
    (void)state;
    expect_refusal("{\"scenarios\":[\"list_bytes\",\"list_int\"]}", "scenarios[1]",
                   "no scenario \"list_int\"; there is list_bytes, list_float");
    expect_refusal(WITH("\"pythons\":[\"3.12\",\"3.9\"]"), "pythons[1]", "3.9");
    expect_refusal(WITH("\"pythons\":[\"3.7\"]"), "pythons[0]", "older than 3.8");
    expect_refusal(WITH("\"commits\":[\"HEAD\",\"nowhere\"]"), "commits[1]", "nowhere");
    expect_refusal(WITH("\"commits\":[\"HEAD~9\"]"), "commits[0]", "HEAD~9");
    expect_refusal(WITH("\"commits\":[\"--upload-pack=x\"]"), "commits[0]", "");
    expect_refusal(WITH("\"commits\":[\"a\\nb\"]"), "commits[0]", "");
    expect_refusal(WITH("\"params\":{\"count\":0}"), "params.count", "from 1 to 5000");
    expect_refusal(WITH("\"params\":{\"size\":1}"), "params.size", "allowed are count");
}

static void test_a_batch_that_is_too_large(void **state)
{
    (void)state;
    struct tide_str request = {0};
    tide_str_put(&request, "{\"samples\":100,\"scenarios\":[\"list_bytes\",\"list_float\"],"
                           "\"commits\":[\"HEAD\"");
    for (int i = 0; i < 25; i++)
        tide_str_printf(&request, ",\"HEAD~%d\"", i % 3);
    tide_str_put(&request, "]}");
    expect_refusal(request.at, "samples", "10400 runs are more than the 10000");
    tide_str_free(&request);
}

static void test_no_usable_python(void **state)
{
    (void)state;
    known.pythons = (struct tide_pythons){pythons + 2, 1};
    expect_refusal(WITH("\"commits\":[\"HEAD\"]"), "pythons", "no usable CPython was found");
    known.pythons.n = 0;
    expect_refusal(WITH("\"pythons\":[\"all\"]"), "pythons", "no usable CPython was found");
}

static void test_no_scenarios(void **state)
{
    (void)state;
    known.n_scenarios = 0;
    expect_refusal("{\"scenarios\":[\"x\"]}", "scenarios[0]", "there is none");
}

#define TRIGGER_TEST(name) cmocka_unit_test_setup_teardown(name, fill_catalog, close_store)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TRIGGER_TEST(test_defaults_are_head_and_every_usable_python),
        TRIGGER_TEST(test_all_fields),
        TRIGGER_TEST(test_commits_are_interleaved),
        TRIGGER_TEST(test_size_demo),
        TRIGGER_TEST(test_what_is_named_twice_runs_once),
        TRIGGER_TEST(test_a_new_commit_of_the_source_is_known_at_once),
        TRIGGER_TEST(test_refusals_of_shape),
        TRIGGER_TEST(test_refusals_of_samples),
        TRIGGER_TEST(test_refusals_of_lists),
        TRIGGER_TEST(test_a_list_that_is_too_long),
        TRIGGER_TEST(test_refusals_of_names),
        TRIGGER_TEST(test_a_batch_that_is_too_large),
        TRIGGER_TEST(test_no_usable_python),
        TRIGGER_TEST(test_no_scenarios),
    };
    return cmocka_run_group_tests_name("trigger", tests, make_repository, remove_repository);
}
