/* resources_test.c - REST resources are JSON with the fields of docs/API.md, lists page over every
 * row once, and no text of a commit or a log can bend them. */
#include "store/testing.h"

static void assert_fields(const json_t *object, const char *const *names)
{
    size_t n = 0;
    for (; names[n]; n++)
        field(object, names[n]);
    assert_int_equal(json_object_size(object), n);
}

static json_t *run_json(int64_t run, bool full)
{
    struct tide_str text = {0};
    EXPECT_OK(tide_store_run_json(store, run, full, &text, &error));
    return parsed(&text);
}

static json_t *list_runs(const struct tide_run_filter *f)
{
    struct tide_str text = {0};
    EXPECT_OK(tide_store_runs_json(store, f, &text, &error));
    return parsed(&text);
}

static size_t count_runs(struct tide_run_filter f)
{
    f.page.limit = 1000;
    json_t *list = list_runs(&f);
    size_t n = json_array_size(field(list, "runs"));
    assert_true(json_is_null(field(list, "next")));
    json_decref(list);
    return n;
}

static void end_run(int64_t run, const char *why)
{
    const struct tide_outcome outcome = {
        .error = why,
        .base = 10,
        .original = 20,
        .tide_mark = 40,
        .end = 15,
        .floor = 8,
        .wall_ns = 100,
        .cpu_ns = 90,
        .events = 5,
        .samples = 6,
        .missed_ticks = 0,
        .expected = "{\"container\":1,\"original\":8,\"result\":2}",
        .environment = "{\"kernel\":\"6.1\"}",
        .exit = "{\"code\":0,\"signal\":null}",
    };
    bool done;
    EXPECT_OK(tide_store_end_run(store, run, &outcome, &done, &error));
}

#define R                                                                                      \
    "id", "batch", "cell", "project", "commit", "python", "scenario", "params", "sample",      \
        "allocator", "measure", "status", "percent", "queued_ns", "started_ns", "finished_ns", \
        "build", "base", "original", "tide_mark", "end", "floor", "wall_ns", "cpu_ns",         \
        "page_faults", "leak", "error", "attempt", "waiting", "outside", "imported"

static void test_a_queued_run(void **state)
{
    (void)state;
    static const char *const names[] = {R, NULL};
    static const char *const unknown[] = {
        "started_ns", "finished_ns", "build",  "base",        "original", "tide_mark", "end",
        "floor",      "wall_ns",     "cpu_ns", "page_faults", "leak",     "error",     NULL};
    json_t *run = run_json(claim_new_run(NULL), false);
    assert_fields(run, names);
    for (const char *const *name = unknown; *name; name++)
        assert_true(json_is_null(field(run, *name)));
    assert_string_equal(text_of(run, "project"), "converters");
    assert_string_equal(text_of(run, "allocator"), "pymalloc");
    assert_string_equal(text_of(field(run, "measure"), "recording"), "changes");
    assert_int_equal(number_of(field(run, "measure"), "interval_us"), 1000);
    assert_string_equal(text_of(run, "status"), "building");
    assert_string_equal(text_of(field(run, "python"), "name"), "3.12.1");
    assert_int_equal(number_of(field(run, "params"), "count"), 8);
    assert_int_equal(number_of(run, "sample"), 1);
    json_decref(run);
}

static void test_a_full_run(void **state)
{
    (void)state;
    static const char *const names[] = {
        R,      "expected", "phases", "samples_taken", "events", "missed_ticks", "environment",
        "exit", "attempts", NULL};
    struct tide_phase_row phases[] = {
        {.name = "base", .seq = 0, .t_ns = 5, .rss = 10, .peak = 11},
        {.name = "\"<b>", .seq = 1, .t_ns = 6, .value = -3, .rss = 20, .peak = 21},
    };
    const struct tide_measured m = {.phases = phases, .n_phases = 2};
    int64_t id = claim_new_run(NULL);
    EXPECT_OK(tide_store_append(store, id, &m, &error));
    end_run(id, NULL);
    json_t *run = run_json(id, true), *second = json_array_get(field(run, "phases"), 1);
    assert_fields(run, names);
    assert_int_equal(number_of(run, "tide_mark"), 40);
    assert_int_equal(number_of(run, "samples_taken"), 6);
    assert_int_equal(number_of(field(run, "expected"), "original"), 8);
    assert_true(json_is_null(field(field(run, "exit"), "signal")));
    assert_int_equal(json_array_size(field(run, "phases")), 2);
    assert_string_equal(text_of(second, "name"), "\"<b>");
    assert_int_equal(number_of(second, "value"), -3);
    assert_int_equal(number_of(second, "peak"), 21);
    json_decref(run);
}

static void test_a_run_that_measured_nothing(void **state)
{
    (void)state;
    int64_t id = claim_new_run(NULL);
    json_t *run = run_json(id, true);
    assert_int_equal(json_array_size(field(run, "phases")), 0);
    assert_true(json_is_array(field(run, "phases")));
    assert_true(json_is_null(field(run, "environment")));
    json_decref(run);
}

static void test_absent_ones_are_named(void **state)
{
    (void)state;
    struct tide_str text = {0};
    assert_int_equal(tide_store_run_json(store, 4711, true, &text, &error), TIDE_ABSENT);
    assert_string_equal(error.text, "no run 4711");
    assert_int_equal(tide_store_batch_json(store, 4711, &text, &error), TIDE_ABSENT);
    assert_string_equal(error.text, "no batch 4711");
    assert_int_equal(tide_store_build_json(store, 4711, &text, &error), TIDE_ABSENT);
    assert_string_equal(error.text, "no build 4711");
    assert_int_equal(tide_store_run_log(store, 4711, &text, &error), TIDE_ABSENT);
    tide_str_free(&text);
}

/* The cursor of the next page, kept in `cursor`; NULL after the last. */
static const char *next_page(const json_t *list, char cursor[32])
{
    const json_t *next = field(list, "next");
    if (json_is_null(next)) return NULL;
    snprintf(cursor, 32, "%s", json_string_value(next));
    return cursor;
}

static void test_paging_visits_every_run_once(void **state)
{
    (void)state;
    queue_all();
    for (int limit = 1; limit <= 26; limit++) {
        struct tide_run_filter f = {.page.limit = limit};
        char cursor[32];
        int64_t last = INT64_MAX;
        size_t seen = 0, pages = 0;
        do {
            json_t *list = list_runs(&f), *run;
            size_t i;
            json_array_foreach(field(list, "runs"), i, run)
            {
                assert_true(number_of(run, "id") < last); /* newest first, none twice */
                last = number_of(run, "id");
                seen++;
            }
            f.page.cursor = next_page(list, cursor);
            json_decref(list);
            pages++;
        } while (f.page.cursor);
        assert_int_equal(seen, 24);
        assert_int_equal(pages, (24 + limit - 1) / limit);
    }
}

/* Runs that are queued between two pages do not shift the second. */
static void test_paging_holds_while_runs_come(void **state)
{
    (void)state;
    queue_all();
    char cursor[32];
    struct tide_run_filter f = {.page.limit = 10};
    json_t *list = list_runs(&f);
    int64_t last = number_of(json_array_get(field(list, "runs"), 9), "id");
    f.page.cursor = next_page(list, cursor);
    json_decref(list);
    queue_all();
    list = list_runs(&f);
    assert_int_equal(number_of(json_array_get(field(list, "runs"), 0), "id"), last - 1);
    json_decref(list);
}

static void test_filters(void **state)
{
    (void)state;
    int64_t first = queue_all(), second = queue_all();
    char prefix[8];
    assert_int_equal(count_runs((struct tide_run_filter){0}), 48);
    assert_int_equal(count_runs((struct tide_run_filter){.batch = first}), 24);
    assert_int_equal(count_runs((struct tide_run_filter){.batch = second + 1}), 0);
    assert_int_equal(count_runs((struct tide_run_filter){.scenario = "list_float"}), 24);
    assert_int_equal(count_runs((struct tide_run_filter){.python = "3.11.7"}), 24);
    assert_int_equal(count_runs((struct tide_run_filter){.python = "3.11"}), 0);
    snprintf(prefix, sizeof prefix, "%s", "b000");
    assert_int_equal(count_runs((struct tide_run_filter){.commit = prefix}), 16);
    assert_int_equal(count_runs((struct tide_run_filter){.commit = "%"}), 0);
    assert_int_equal(count_runs((struct tide_run_filter){.commit = "' OR 1 --"}), 0);
    assert_int_equal(count_runs((struct tide_run_filter){.status = "queued"}), 48);
    assert_int_equal(count_runs((struct tide_run_filter){.batch = second,
                                                         .commit = "a",
                                                         .python = "3.12.1",
                                                         .status = "queued",
                                                         .scenario = "list_bytes"}),
                     2);
}

static void test_hostile_texts_come_through_unchanged(void **state)
{
    (void)state;
    int64_t run = claim_new_run(NULL);
    queue_all();
    struct tide_run_filter f = {.commit = "b", .page.limit = 1};
    json_t *list = list_runs(&f);
    assert_string_equal(text_of(field(json_array_get(field(list, "runs"), 0), "commit"), "subject"),
                        "Say \"<img src=x onerror=alert(1)>\" \\ and '; DROP");
    json_decref(list);
    f.commit = "c";
    list = list_runs(&f);
    assert_string_equal(text_of(field(json_array_get(field(list, "runs"), 0), "commit"), "subject"),
                        "Grüße 🌊 日本");
    json_decref(list);
    end_run(run, "line\n\ttab \x01 \"q\" \\u0041 </script>");
    json_t *failed = run_json(run, true);
    assert_string_equal(text_of(failed, "error"), "line\n\ttab \x01 \"q\" \\u0041 </script>");
    json_decref(failed);
}

static json_t *batch_json(int64_t batch)
{
    struct tide_str text = {0};
    EXPECT_OK(tide_store_batch_json(store, batch, &text, &error));
    return parsed(&text);
}

static void expect_batch(int64_t id, const char *status, int64_t done, int64_t failed,
                         int64_t percent)
{
    json_t *batch = batch_json(id);
    assert_string_equal(text_of(batch, "status"), status);
    assert_int_equal(number_of(batch, "done"), done);
    assert_int_equal(number_of(batch, "failed"), failed);
    assert_int_equal(number_of(batch, "percent"), percent);
    assert_int_equal(number_of(batch, "queued") + number_of(batch, "building") +
                         number_of(batch, "running") + done + failed,
                     number_of(batch, "runs"));
    assert_int_equal(json_is_null(field(batch, "finished_ns")), strcmp(status, "done") != 0);
    json_decref(batch);
}

static void test_a_batch_from_queued_to_done(void **state)
{
    (void)state;
    static const char *const names[] = {
        "project",   "priority",    "reason", "by",           "cancelled", "id",     "status",
        "queued_ns", "finished_ns", "seed",   "retry_failed", "runs",      "queued", "building",
        "running",   "done",        "failed", "percent",      "eta_ns",    NULL};
    const struct tide_cell_key cells[] = {cell(0, 0, 0), cell(0, 1, 0)};
    int64_t id = 0, runs[2];
    EXPECT_OK(queue_cells(cells, 2, 1, &id, &error));
    expect_batch(id, "queued", 0, 0, 0);
    for (size_t i = 0; i < 2; i++) {
        struct tide_job job;
        EXPECT_OK(tide_store_claim(store, 0, &job, &error));
        runs[i] = job.run;
        tide_job_clear(&job);
        EXPECT_OK(tide_store_set_running(store, runs[i], &error));
    }
    EXPECT_OK(tide_store_set_percent(store, runs[0], 50, &error));
    expect_batch(id, "running", 0, 0, 25);
    end_run(runs[0], "broke");
    expect_batch(id, "running", 0, 1, 50);
    json_t *batch = batch_json(id);
    assert_fields(batch, names);
    assert_true(number_of(batch, "eta_ns") > 0);
    json_decref(batch);
    end_run(runs[1], NULL);
    expect_batch(id, "done", 1, 1, 100);
}

static void test_batches_page(void **state)
{
    (void)state;
    const struct tide_cell_key key = cell(0, 0, 0);
    char cursor[32];
    struct tide_batch_filter f = {.page.limit = 3};
    int64_t id = 0, last = INT64_MAX;
    size_t seen = 0;
    for (int i = 0; i < 7; i++)
        EXPECT_OK(queue_cells(&key, 1, 1, &id, &error));
    do {
        struct tide_str text = {0};
        EXPECT_OK(tide_store_batches_json(store, &f, &text, &error));
        json_t *list = parsed(&text), *batch;
        size_t i;
        json_array_foreach(field(list, "batches"), i, batch)
        {
            assert_true(number_of(batch, "id") < last);
            last = number_of(batch, "id");
            seen++;
        }
        f.page.cursor = next_page(list, cursor);
        json_decref(list);
    } while (f.page.cursor);
    assert_int_equal(seen, 7);
}

static size_t count_batches(const struct tide_batch_filter f)
{
    struct tide_str text = {0};
    EXPECT_OK(tide_store_batches_json(store, &f, &text, &error));
    json_t *list = parsed(&text);
    size_t n = json_array_size(field(list, "batches"));
    json_decref(list);
    return n;
}

static void test_batches_are_filtered(void **state)
{
    (void)state;
    int64_t done = 0, running = 0;
    int64_t run = claim_new_run(&done);
    end_run(run, NULL);
    run = claim_new_run(&running);
    queue_all();
    assert_int_equal(count_batches((struct tide_batch_filter){.status = "done"}), 1);
    assert_int_equal(count_batches((struct tide_batch_filter){.status = "running"}), 1);
    assert_int_equal(count_batches((struct tide_batch_filter){.status = "queued"}), 1);
    assert_int_equal(count_batches((struct tide_batch_filter){.reason = "rest"}), 3);
    assert_int_equal(count_batches((struct tide_batch_filter){.reason = "cron"}), 0);
    assert_int_equal(count_batches((struct tide_batch_filter){.project = "converters"}), 3);
    assert_int_equal(count_batches((struct tide_batch_filter){.project = "other"}), 0);
}

typedef enum tide_rc lister(struct tide_store *, const char *, const struct tide_page *,
                            struct tide_str *, struct tide_error *);

static json_t *list_some(lister *some, const char *filter)
{
    const struct tide_page whole = {0};
    struct tide_str text = {0};
    EXPECT_OK(some(store, filter, &whole, &text, &error));
    return parsed(&text);
}

static json_t *list(lister *all)
{
    return list_some(all, NULL);
}

static size_t count_some(lister *some, const char *name, const char *filter)
{
    json_t *answer = list_some(some, filter);
    size_t n = json_array_size(field(answer, name));
    json_decref(answer);
    return n;
}

static void test_pythons_and_projects_are_filtered(void **state)
{
    (void)state;
    assert_int_equal(count_some(tide_store_pythons_json, "pythons", "true"), 2);
    assert_int_equal(count_some(tide_store_pythons_json, "pythons", "false"), 1);
    assert_int_equal(count_some(tide_store_projects_json, "projects", "true"), 1);
    assert_int_equal(count_some(tide_store_projects_json, "projects", "false"), 0);
}

static void test_pythons(void **state)
{
    (void)state;
    static const char *const names[] = {"id",      "name",   "version",   "abi",
                                        "program", "prefix", "libpython", "include",
                                        "source",  "usable", "reason",    NULL};
    json_t *answer = list(tide_store_pythons_json), *all = field(answer, "pythons");
    assert_int_equal(json_array_size(all), 3);
    assert_fields(json_array_get(all, 0), names);
    assert_string_equal(text_of(json_array_get(all, 0), "name"), "3.12.1");
    assert_true(json_is_true(field(json_array_get(all, 0), "usable")));
    assert_true(json_is_null(field(json_array_get(all, 0), "reason")));
    assert_true(json_is_false(field(json_array_get(all, 2), "usable")));
    assert_string_equal(text_of(json_array_get(all, 2), "reason"),
                        "CPython 3.7.1 is older than 3.8");
    json_decref(answer);
}

static void test_scenarios(void **state)
{
    (void)state;
    static const char *const names[] = {"name", "version", "title", "module", "params", NULL};
    json_t *answer = list_some(tide_store_scenarios_json, "converters"),
           *all = field(answer, "scenarios");
    assert_int_equal(json_array_size(all), 2);
    const json_t *first = json_array_get(all, 0);
    assert_fields(first, names);
    assert_string_equal(text_of(first, "title"), "Lists of bytes");
    const json_t *param = json_array_get(field(first, "params"), 0);
    assert_string_equal(text_of(param, "name"), "count");
    assert_int_equal(number_of(param, "maximum"), 100);
    json_decref(answer);
}

static void test_projects_and_queue(void **state)
{
    (void)state;
    struct tide_str text = {0};
    json_t *answer = list(tide_store_projects_json);
    assert_string_equal(text_of(json_array_get(field(answer, "projects"), 0), "repo"), "/repo");
    json_decref(answer);
    claim_new_run(NULL);
    queue_all();
    EXPECT_OK(tide_store_queue_json(store, &text, &error));
    answer = parsed(&text);
    assert_int_equal(number_of(answer, "queued"), 24);
    assert_int_equal(number_of(answer, "building"), 1);
    assert_int_equal(number_of(answer, "running"), 0);
    json_decref(answer);
}

static void test_a_list_without_rows(void **state)
{
    (void)state;
    EXPECT_OK(tide_store_put_pythons(store, NULL, 0, NULL, &error));
    json_t *answer = list(tide_store_pythons_json);
    assert_int_equal(json_array_size(field(answer, "pythons")), 0);
    json_decref(answer);
    assert_int_equal(count_runs((struct tide_run_filter){0}), 0);
}

static void test_a_build_and_the_logs(void **state)
{
    (void)state;
    static const char *const names[] = {"id",          "project", "commit",   "python",
                                        "status",      "flags",   "compiler", "started_ns",
                                        "finished_ns", "error",   "steps",    NULL};
    const struct tide_build_row row = {"k", "-O2", "cc 12", catalog.commits[1], catalog.pythons[0]};
    int64_t build = 0, run = claim_new_run(NULL);
    struct tide_str text = {0};
    bool done;
    EXPECT_OK(tide_store_begin_build(store, &row, &build, &error));
    EXPECT_OK(tide_store_end_build(store, build, "cc failed", "build log\n", 10, &error));
    EXPECT_OK(tide_store_set_build(store, run, build, &error));
    const struct tide_outcome outcome = {
        .error = "e", NO_FIGURES, .log = "run \0log", .log_size = 8};
    EXPECT_OK(tide_store_end_run(store, run, &outcome, &done, &error));
    EXPECT_OK(tide_store_build_json(store, build, &text, &error));
    json_t *answer = parsed(&text);
    assert_fields(answer, names);
    assert_string_equal(text_of(answer, "error"), "cc failed");
    json_decref(answer);
    answer = run_json(run, false);
    assert_string_equal(text_of(field(answer, "build"), "status"), "failed");
    json_decref(answer);
    EXPECT_OK(tide_store_run_log(store, run, &text, &error));
    assert_int_equal(text.length, 18); /* the failed build's log before the run's */
    assert_memory_equal(text.at, "build log\nrun \0log", 18);
    tide_str_free(&text);
}

static void test_an_answer_past_its_ceiling_is_an_error(void **state)
{
    (void)state;
    const struct tide_page whole = {0};
    struct tide_str text = {.ceiling = 20};
    assert_int_equal(tide_store_pythons_json(store, NULL, &whole, &text, &error), TIDE_NOMEM);
    tide_str_free(&text);
    assert_int_equal(tide_store_run_json(store, claim_new_run(NULL), true, &text, &error),
                     TIDE_NOMEM);
    tide_str_free(&text);
}

#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, open_store, close_store)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_a_queued_run),
        STORE_TEST(test_a_full_run),
        STORE_TEST(test_a_run_that_measured_nothing),
        STORE_TEST(test_absent_ones_are_named),
        STORE_TEST(test_paging_visits_every_run_once),
        STORE_TEST(test_paging_holds_while_runs_come),
        STORE_TEST(test_filters),
        STORE_TEST(test_hostile_texts_come_through_unchanged),
        STORE_TEST(test_a_batch_from_queued_to_done),
        STORE_TEST(test_batches_page),
        STORE_TEST(test_batches_are_filtered),
        STORE_TEST(test_pythons),
        STORE_TEST(test_pythons_and_projects_are_filtered),
        STORE_TEST(test_scenarios),
        STORE_TEST(test_projects_and_queue),
        STORE_TEST(test_a_list_without_rows),
        STORE_TEST(test_a_build_and_the_logs),
        STORE_TEST(test_an_answer_past_its_ceiling_is_an_error),
    };
    return cmocka_run_group_tests_name("resources", tests, make_test_folder, remove_test_folder);
}
