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
              "git tag second HEAD~1; git checkout -q -b many\n"
              "for i in $(seq 30); do git commit -q --allow-empty -m \"Many $i\"; done\n"
              "git checkout -q main");
    newest = shell("git -C source rev-parse HEAD");
    char *source = in_folder("source"), *mirror = in_folder("mirror.git");
    char *worktrees = in_folder("worktrees");
    EXPECT_OK(tide_repo_open(source, NULL, mirror, worktrees, NULL, &known.repo, &error));
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
    EXPECT_OK(tide_repo_sync(known.repo, TIDE_FETCH_DEADLINE_S,
                             &error)); /* as the scheduler does before */
    enum tide_rc rc = tide_trigger(&known, store, wish, NULL, batch, &error);
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

/* Every round holds each commit once, so that drift of the host meets each alike. */
static void test_commits_are_interleaved(void **state)
{
    (void)state;
    expect_runs("{\"commits\":[\"HEAD\",\"HEAD~1\"],\"pythons\":[\"3.12\"],"
                "\"scenarios\":[\"list_bytes\"],\"samples\":3}",
                6);
    assert_int_equal(
        ask("SELECT count(*) FROM (SELECT sample AS round, count(DISTINCT commit_id) AS n,"
            " max(runs.id) - min(runs.id) AS width FROM runs JOIN cells ON cells.id = cell"
            " GROUP BY sample) WHERE n = 2 AND width = 1"),
        3);
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
    expect_refusal(WITH("\"comits\":[]"), "comits", "allowed are project, pythons");
    expect_refusal(WITH("\"project\":5"), "project", "the name of a project");
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
    static const char *const wrong[] = {"[]", "\"HEAD\"", "null", "{}", "5"};
    for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++) {
        char request[160];
        snprintf(request, sizeof request, WITH("\"pythons\":%s"), wrong[k]);
        expect_refusal(request, "pythons", "must be a list of 1 to 1000 strings");
        snprintf(request, sizeof request, WITH("\"commits\":%s"), wrong[k]);
        expect_refusal(request, "commits", "must be a list of 1 to 1000 revisions and ranges");
    }
    expect_refusal(WITH("\"pythons\":[\"all\",5]"), "pythons[1]", "must be a string");
    expect_refusal(WITH("\"pythons\":[\"all\",\"\"]"), "pythons[1]", "must be a string");
    expect_refusal(WITH("\"commits\":[\"HEAD\",5]"), "commits[1]", "must be a string");
    expect_refusal(WITH("\"commits\":[\"HEAD\",\"\"]"), "commits[1]", "must be a string");
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
    expect_refusal(request.at, "commits", "must be a list of 1 to 1000 revisions and ranges");
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
    expect_refusal("{\"samples\":100,\"scenarios\":[\"list_bytes\",\"list_float\"],"
                   "\"commits\":[\"main..many\"]}",
                   "samples", "12000 runs are more than the 10000");
}

static void test_allocators(void **state)
{
    (void)state;
    expect_runs(WITH("\"allocators\":[\"malloc\",\"pymalloc\",\"malloc\"]"), 4);
    assert_int_equal(ask("SELECT count(*) FROM cells WHERE allocator = 'malloc'"), 2);
    /* of all pythons, those that cannot have it are left out */
    pythons[0].mimalloc = true;
    expect_runs(WITH("\"allocators\":[\"mimalloc\"]"), 1);
    pythons[0].mimalloc = false;
}

static void test_refusals_of_allocators(void **state)
{
    (void)state;
    expect_refusal(WITH("\"allocators\":[]"), "allocators", "a list of 1 to 5 names");
    expect_refusal(WITH("\"allocators\":\"malloc\""), "allocators", "a list of 1 to 5 names");
    expect_refusal(WITH("\"allocators\":[5]"), "allocators", "a list of 1 to 5 names");
    expect_refusal(WITH("\"allocators\":[\"malloc\",\"hoard\"]"), "allocators",
                   "no allocator \"hoard\"; there is pymalloc");
    expect_refusal(WITH("\"allocators\":[\"mimalloc\"]"), "allocators", "built without mimalloc");
    pythons[0].mimalloc = true;
    expect_refusal(WITH("\"allocators\":[\"mimalloc\"],\"pythons\":[\"3.12\",\"3.11\"]"),
                   "allocators", "3.11.7 was built without mimalloc");
    pythons[0].mimalloc = false;
}

/* The same request with the same seed gives the same order, another seed another. */
static void test_a_seed_gives_the_order(void **state)
{
    (void)state;
    static const char order[] =
        "SELECT count(*) FROM runs a JOIN runs b ON b.batch = %d AND b.cell = a.cell AND"
        " b.sample = a.sample AND b.id - (SELECT min(id) FROM runs WHERE batch = %d) ="
        " a.id - (SELECT min(id) FROM runs WHERE batch = 1) WHERE a.batch = 1";
    char sql[400];
    expect_runs(WITH("\"commits\":[\"main..many\"],\"samples\":2,\"seed\":7"), 120);
    expect_runs(WITH("\"commits\":[\"main..many\"],\"samples\":2,\"seed\":7"), 120);
    expect_runs(WITH("\"commits\":[\"main..many\"],\"samples\":2,\"seed\":8"), 120);
    expect_runs(WITH("\"commits\":[\"HEAD\"]"), 2);
    snprintf(sql, sizeof sql, order, 2, 2);
    assert_int_equal(ask(sql), 120);
    snprintf(sql, sizeof sql, order, 3, 3);
    assert_true(ask(sql) < 20);
    assert_int_equal(ask("SELECT seed FROM batches WHERE id = 2"), 7);
    assert_true(ask("SELECT seed FROM batches WHERE id = 4") >= 0);
}

static void test_refusals_of_seed_and_retry(void **state)
{
    (void)state;
    expect_refusal(WITH("\"seed\":-1"), "seed", "from 0 to 9007199254740991");
    expect_refusal(WITH("\"seed\":9007199254740992"), "seed", "from 0 to");
    expect_refusal(WITH("\"seed\":1.5"), "seed", "an integer");
    expect_refusal(WITH("\"seed\":\"x\""), "seed", "an integer");
    expect_refusal(WITH("\"retry_failed\":1"), "retry_failed", "true or false");
}

/* A run of the batch's cells ends. */
static void end_runs(int64_t n, const char *why)
{
    const struct tide_outcome outcome = {.error = why, NO_FIGURES};
    while (n--) {
        struct tide_job job;
        bool done;
        EXPECT_OK(tide_store_claim(store, 0, &job, &error));
        EXPECT_OK(tide_store_end_run(store, job.run, &outcome, &done, &error));
        tide_job_clear(&job);
    }
}

#define ON_12(commits, more) \
    "{\"scenarios\":[\"list_bytes\"],\"pythons\":[\"3.12\"],\"commits\":" commits more "}"

static void test_new_is_what_has_no_run(void **state)
{
    (void)state;
    int64_t batch;
    expect_runs(ON_12("[\"new\"]", ""), 3);
    expect_runs(ON_12("[\"main..many\",\"new\"]", ",\"every\":10"), 3);
    assert_int_equal(trigger(ON_12("[\"new\"]", ""), &batch), TIDE_INVALID);
    assert_string_equal(error.field, "commits[0]");
    assert_contains(error.text, "new names nothing: 3 commits of 3 are left out, since they have");
    expect_runs(ON_12("[\"HEAD\",\"new\"]", ""), 1);                 /* named, so it is asked for */
    expect_runs(ON_12("[\"new\"]", ",\"params\":{\"count\":7}"), 3); /* other cells */
}

static void test_missing_is_what_lacks_samples(void **state)
{
    (void)state;
    int64_t batch;
    expect_runs(ON_12("[\"HEAD\"]", ",\"samples\":2"), 2);
    expect_runs(ON_12("[\"missing\"]", ",\"samples\":3"), 7); /* 1 of HEAD, 3 of two others */
    assert_int_equal(trigger(ON_12("[\"missing\"]", ",\"samples\":3"), &batch), TIDE_INVALID);
    assert_string_equal(error.field, "commits[0]");
    assert_contains(error.text, "missing names nothing: 3 cells of 3 are left out");
    end_runs(8, NULL);
    end_runs(1, "broke"); /* and is wanted again */
    expect_runs(ON_12("[\"missing\"]", ",\"samples\":3"), 1);
}

static void test_missing_leaves_out_what_does_not_build(void **state)
{
    (void)state;
    int64_t batch, build = 0;
    struct tide_job job;
    const struct tide_outcome outcome = {.error = "does not build", NO_FIGURES};
    bool done;
    expect_runs(ON_12("[\"HEAD\"]", ""), 1);
    EXPECT_OK(tide_store_claim(store, 0, &job, &error));
    const struct tide_build_row row = {"key", "", "", job.commit, job.python};
    EXPECT_OK(tide_store_begin_build(store, &row, &build, &error));
    EXPECT_OK(tide_store_end_build(store, build, "no", "", 0, &error));
    EXPECT_OK(tide_store_set_build(store, job.run, build, &error));
    EXPECT_OK(tide_store_end_run(store, job.run, &outcome, &done, &error));
    assert_int_equal(job.retry_ns, 0);
    tide_job_clear(&job);
    const char *again = ON_12("[{\"range\":\"HEAD~1..HEAD\"},\"missing\"]", "");
    assert_int_equal(trigger(again, &batch), TIDE_INVALID);
    assert_string_equal(error.field, "commits[1]");
    assert_contains(error.text, "their build failed before; retry_failed");
    expect_runs(ON_12("[{\"range\":\"HEAD~1..HEAD\"},\"missing\"]", ",\"retry_failed\":true"), 1);
    EXPECT_OK(tide_store_claim(store, 0, &job, &error));
    assert_true(job.retry_ns > 0);
    tide_job_clear(&job);
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
        TRIGGER_TEST(test_allocators),
        TRIGGER_TEST(test_refusals_of_allocators),
        TRIGGER_TEST(test_a_seed_gives_the_order),
        TRIGGER_TEST(test_refusals_of_seed_and_retry),
        TRIGGER_TEST(test_new_is_what_has_no_run),
        TRIGGER_TEST(test_missing_is_what_lacks_samples),
        TRIGGER_TEST(test_missing_leaves_out_what_does_not_build),
        TRIGGER_TEST(test_no_usable_python),
        TRIGGER_TEST(test_no_scenarios),
    };
    return cmocka_run_group_tests_name("trigger", tests, make_repository, remove_repository);
}
