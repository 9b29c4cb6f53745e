/* runner_test.c - one run from start to stored outcome, with a small shell script as the probe. */
#include "run/testing.h"

#include "base/clock.h"
#include "run/runner.h"

#include <pthread.h>
#include <stdatomic.h>

static atomic_bool stop, cancelled;
static char *probe;
static char *launcher[] = {"nice", "-n", "1", NULL};
static struct tide_python python = {.name = "3.12.1", .program = "/opt/python"};
static const char *allocator = "pymalloc";

/* How the run is measured. */
static const char *recording, *precision;
static int64_t threshold;

static struct tide_job job(void)
{
    return (struct tide_job){.run = run,
                             .batch = batch,
                             .sha = "0123456789abcdef",
                             .scenario = "list_bytes",
                             .file = "/s/list bytes.py",
                             .module = "tideconv",
                             .params = "{\"count\":8}",
                             .allocator = (char *)allocator,
                             .recording = (char *)recording,
                             .precision = (char *)precision,
                             .threshold = threshold,
                             .bound = 262144,
                             .interval_us = 250000};
}

/* Make the script the probe, with the stream made so far in the file $stream. */
static void become_probe(const char *script)
{
    struct tide_str text = {0};
    free(write_bytes("stream", stream.at ? stream.at : "", stream.length, 0644));
    tide_str_printf(&text, "#!/bin/sh\ncd %s\nstream=%s/stream\n%s\n", test_folder, test_folder,
                    script);
    free(probe);
    probe = write_bytes("probe", text.at, text.length, 0755);
    tide_str_free(&text);
}

static enum tide_rc execute(bool *done)
{
    const struct tide_job wanted = job();
    const struct tide_runner runner = {.store = store,
                                       .feed = feed,
                                       .probe = probe,
                                       .harness = "/h/harness.py",
                                       .stop = &stop,
                                       .cancelled = &cancelled,
                                       .deadline_s = 30};
    static const char *const paths[] = {"/cache/site-packages", "/cache/prefix", NULL};
    const struct tide_assignment a = {&wanted, &python, "/cache/worker", paths};
    error = (struct tide_error){0};
    return tide_runner_execute(&runner, &a, done, &error);
}

/* The run's field `name` as SQL gives it, compared in SQL. */
static void expect_stored(const char *condition)
{
    char sql[512];
    snprintf(sql, sizeof sql, "SELECT %s FROM runs WHERE id = %lld", condition, (long long)run);
    if (ask(sql) != 1) fail_msg("not so: %s", condition);
}

static void expect_failure(const char *why)
{
    bool done = false;
    struct tide_str text = {0};
    EXPECT_OK(execute(&done));
    assert_true(done);
    EXPECT_OK(tide_store_run_json(store, run, true, &text, &error));
    json_t *stored = parsed(&text);
    assert_string_equal(text_of(stored, "status"), "failed");
    assert_contains(text_of(stored, "error"), why);
    json_decref(stored);
}

static void test_a_good_run(void **state)
{
    (void)state;
    bool done = false;
    struct tide_str log = {0};
    put_good_run();
    become_probe("echo printed >&2; cat $stream");
    EXPECT_OK(execute(&done));
    assert_true(done);
    expect_stored("status = 'done' AND error IS NULL AND percent = 100");
    expect_stored("tide_mark = 999 * 4096 AND events = 12 AND samples = 3");
    expect_stored("(SELECT count(*) FROM event_chunks WHERE run = id) = 2");
    EXPECT_OK(tide_store_run_log(store, run, &log, &error));
    assert_string_equal(log.at, "printed\n");
    tide_str_free(&log);
}

static void test_the_probe_gets_its_arguments(void **state)
{
    (void)state;
    bool done;
    char *path = in_folder("arguments"), *given = NULL;
    put_good_run();
    become_probe("printf '%s\\n' \"$@\" > arguments; cat $stream");
    python.launcher = launcher;
    allocator = "malloc";
    EXPECT_OK(execute(&done));
    python.launcher = NULL;
    allocator = "pymalloc";
    EXPECT_OK(tide_file_read(path, 10000, &given, NULL, &error));
    assert_string_equal(given,
                        "--interval-us\n250000\n--deadline-s\n30\n--env\nPYTHONMALLOC=malloc\n--\n"
                        "nice\n-n\n1\n/cache/worker\n--python\n/opt/python\n--harness\n/h/"
                        "harness.py\n--scenario\n/s/list bytes.py\n"
                        "--name\nlist_bytes\n--module\ntideconv\n--params\n{\"count\":8}\n"
                        "--path\n/cache/site-packages\n--path\n/cache/"
                        "prefix\n--recording\nchanges\n--precision\nbounded\n"
                        "--threshold\n4096\n--bound\n262144\n");
    free(given);
    free(path);
}

/* What the measure has none of is left out. */
static void test_the_probe_gets_no_empty_arguments(void **state)
{
    (void)state;
    bool done;
    char *path = in_folder("arguments"), *given = NULL;
    recording = "marks";
    precision = "";
    threshold = 0;
    put_good_run();
    become_probe("printf '%s\\n' \"$@\" > arguments; cat $stream");
    EXPECT_OK(execute(&done));
    EXPECT_OK(tide_file_read(path, 10000, &given, NULL, &error));
    assert_contains(given, "--recording\nmarks\n--bound");
    free(given);
    free(path);
}

static void test_an_allocator_that_is_not_there(void **state)
{
    (void)state;
    bool done = false;
    put_good_run();
    become_probe("cat $stream");
    allocator = "mimalloc";
    assert_int_equal(execute(&done), TIDE_INVALID);
    allocator = "pymalloc";
    assert_contains(error.text, "3.12.1 was built without mimalloc");
}

static void test_a_slow_stream_is_stored_on_the_way(void **state)
{
    (void)state;
    bool done = false;
    put_good_run();
    become_probe("head -c 300 $stream; sleep 0.4; tail -c +301 $stream");
    EXPECT_OK(execute(&done));
    expect_stored("status = 'done' AND events = 12");
}

static void test_no_output_at_all(void **state)
{
    (void)state;
    become_probe("exit 0");
    expect_failure("probe exited with 0 (the stream of the run ended before the process did)");
    expect_stored("tide_mark IS NULL AND events = 0");
}

static void test_a_probe_that_breaks(void **state)
{
    (void)state;
    struct tide_str log = {0};
    put_good_run();
    become_probe("head -c 400 $stream; echo 'cannot start the worker' >&2; kill -KILL $$");
    expect_failure("probe was killed by signal 9: cannot start the worker"
                   " (the stream of the run was cut)");
    EXPECT_OK(tide_store_run_log(store, run, &log, &error));
    assert_contains(log.at, "cannot start the worker");
    tide_str_free(&log);
}

static void test_a_probe_that_is_not_there(void **state)
{
    (void)state;
    free(probe);
    probe = in_folder("no-such-probe");
    expect_failure("no-such-probe could not be started (");
}

/* Rubbish ends the run at once: its writer is not awaited. */
static void test_rubbish(void **state)
{
    (void)state;
    int64_t began = tide_clock_monotonic_ns();
    become_probe("echo 'Segmentation fault'; sleep 60");
    expect_failure("the stream is damaged");
    assert_true(tide_clock_monotonic_ns() - began < INT64_C(20000000000));
}

static void test_rubbish_after_a_good_beginning(void **state)
{
    (void)state;
    put_good_run();
    tide_str_put(&stream, "and then some words that are no chunk");
    become_probe("cat $stream; sleep 60");
    expect_failure("the stream is damaged");
    expect_stored("events = 12 AND tide_mark = 999 * 4096");
    expect_stored("(SELECT count(*) FROM event_chunks WHERE run = id) = 2");
}

static void *stop_soon(void *context)
{
    (void)context;
    usleep(300000);
    stop = true;
    return NULL;
}

static void expect_stopped(const char *script)
{
    bool done = true;
    pthread_t thread;
    int64_t began = tide_clock_monotonic_ns();
    become_probe(script);
    EXPECT_OK(tide_store_set_running(store, run, &error));
    assert_int_equal(pthread_create(&thread, NULL, stop_soon, NULL), 0);
    assert_int_equal(execute(&done), TIDE_STOPPED);
    pthread_join(thread, NULL);
    assert_false(done);
    assert_true(tide_clock_monotonic_ns() - began < INT64_C(20000000000));
    expect_stored("status = 'running' AND finished_ns IS NULL");
}

static void test_a_run_that_hangs_until_the_daemon_stops(void **state)
{
    (void)state;
    put_good_run();
    expect_stopped("head -c 400 $stream; sleep 60");
}

static void test_a_run_that_hangs_with_its_output_closed(void **state)
{
    (void)state;
    put_good_run();
    expect_stopped("cat $stream; exec >&- 2>&-; sleep 30");
}

/* A run that is cancelled ends as such, and keeps what it had measured. */
static void test_a_run_that_is_cancelled(void **state)
{
    (void)state;
    bool done = false;
    pthread_t thread;
    put_good_run();
    cancelled = true;
    become_probe("head -c 400 $stream; sleep 60");
    EXPECT_OK(tide_store_set_running(store, run, &error));
    assert_int_equal(pthread_create(&thread, NULL, stop_soon, NULL), 0);
    EXPECT_OK(execute(&done));
    pthread_join(thread, NULL);
    assert_true(done);
    expect_stored("status = 'cancelled' AND error = 'cancelled while it was running'"
                  " AND finished_ns IS NOT NULL AND NOT outside");
}

/* What a probe that was killed leaves behind tells nothing of the measured code. */
static void test_a_probe_that_is_killed_is_a_fault_from_outside(void **state)
{
    (void)state;
    bool done = false;
    put_good_run();
    become_probe("head -c 400 $stream; kill -9 $$");
    EXPECT_OK(execute(&done));
    expect_stored("status = 'failed' AND outside");
}

static void test_a_long_log_keeps_its_end(void **state)
{
    (void)state;
    bool done;
    struct tide_str log = {0};
    put_good_run();
    become_probe("seq 400000 >&2; cat $stream");
    EXPECT_OK(execute(&done));
    EXPECT_OK(tide_store_run_log(store, run, &log, &error));
    assert_int_equal(log.length, 1 << 20);
    assert_string_equal(log.at + log.length - 7, "400000\n");
    tide_str_free(&log);
}

/* A fault of the store is the daemon's, not the run's outcome. */
static void test_a_run_that_is_not_in_the_store(void **state)
{
    (void)state;
    bool done = true;
    put_good_run();
    become_probe("cat $stream");
    run = 4711;
    assert_int_equal(execute(&done), TIDE_IO);
    assert_contains(error.text, "FOREIGN KEY");
    assert_false(done);
}

static int open_all(void **state)
{
    stop = cancelled = false;
    recording = "changes";
    precision = "bounded";
    threshold = 4096;
    return open_run(state);
}

static int close_all(void **state)
{
    free(probe);
    probe = NULL;
    return close_run(state);
}

#define RUNNER_TEST(name) cmocka_unit_test_setup_teardown(name, open_all, close_all)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUNNER_TEST(test_a_good_run),
        RUNNER_TEST(test_the_probe_gets_its_arguments),
        RUNNER_TEST(test_an_allocator_that_is_not_there),
        RUNNER_TEST(test_the_probe_gets_no_empty_arguments),
        RUNNER_TEST(test_a_slow_stream_is_stored_on_the_way),
        RUNNER_TEST(test_no_output_at_all),
        RUNNER_TEST(test_a_probe_that_breaks),
        RUNNER_TEST(test_a_probe_that_is_not_there),
        RUNNER_TEST(test_rubbish),
        RUNNER_TEST(test_rubbish_after_a_good_beginning),
        RUNNER_TEST(test_a_run_that_hangs_until_the_daemon_stops),
        RUNNER_TEST(test_a_run_that_hangs_with_its_output_closed),
        RUNNER_TEST(test_a_run_that_is_cancelled),
        RUNNER_TEST(test_a_probe_that_is_killed_is_a_fault_from_outside),
        RUNNER_TEST(test_a_long_log_keeps_its_end),
        RUNNER_TEST(test_a_run_that_is_not_in_the_store),
    };
    return cmocka_run_group_tests_name("runner", tests, make_test_folder, remove_test_folder);
}
