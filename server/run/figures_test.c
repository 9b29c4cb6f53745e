/* figures_test.c - a run's figures, and the one sentence that says why it failed. */
#include "base/testing.h"

#include "run/figures.h"

static struct tide_figures figures;
static struct tide_error error;

static int start(void **state)
{
    (void)state;
    return tide_figures_start(&figures, &error) ? -1 : 0;
}

static int clear(void **state)
{
    (void)state;
    tide_figures_clear(&figures);
    return 0;
}

static enum tide_rc add_meta(const char *key, const char *json)
{
    const struct tide_record r = {.kind = TIDE_META,
                                  .key = {key, (uint32_t)strlen(key)},
                                  .text = {json, (uint32_t)strlen(json)}};
    return tide_figures_add(&figures, &r, NULL, &error);
}

static void meta(const char *key, const char *json)
{
    assert_rc(add_meta(key, json), TIDE_OK, &error);
}

static void mark(const char *name, int64_t value, uint64_t rss, uint64_t peak)
{
    const struct tide_record r = {.kind = TIDE_MARK, .value = value, .rss = rss, .peak = peak};
    assert_rc(tide_figures_add(&figures, &r, name, &error), TIDE_OK, &error);
}

static void add(enum tide_kind kind, uint64_t rss, uint64_t peak)
{
    const struct tide_record r = {.kind = kind, .rss = rss, .peak = peak};
    assert_rc(tide_figures_add(&figures, &r, NULL, &error), TIDE_OK, &error);
}

static void expect_reason(const char *cut, const char *reason)
{
    struct tide_outcome outcome;
    assert_rc(tide_figures_outcome(&figures, cut, &outcome, &error), TIDE_OK, &error);
    if (reason)
        assert_string_equal(outcome.error, reason);
    else
        assert_null(outcome.error);
}

static void test_a_good_run_has_no_error(void **state)
{
    (void)state;
    meta("exit", "{\"code\":0,\"signal\":null,\"deadline\":false}");
    mark("end", 0, 5, 0);
    expect_reason(NULL, NULL);
}

static void test_an_exception_comes_first(void **state)
{
    (void)state;
    meta("error", "{\"type\":\"ValueError\",\"message\":\"no \\\"such\\\" thing\"}");
    meta("exit", "{\"code\":1,\"signal\":9,\"deadline\":true}");
    expect_reason("cut", "ValueError: no \"such\" thing");
}

static void test_half_an_exception_is_none(void **state)
{
    (void)state;
    meta("error", "{\"type\":\"ValueError\",\"message\":5}");
    meta("exit", "{\"code\":1,\"signal\":null}");
    expect_reason(NULL, "the process exited with 1");
}

static void test_a_deadline(void **state)
{
    (void)state;
    meta("exit", "{\"code\":null,\"signal\":9,\"deadline\":true}");
    expect_reason("cut", "the run passed its deadline and was stopped");
}

static void test_a_signal(void **state)
{
    (void)state;
    meta("exit", "{\"code\":null,\"signal\":11}");
    expect_reason("cut", "the process was killed by signal 11 (Segmentation fault)");
}

static void test_an_exit_code(void **state)
{
    (void)state;
    meta("exit", "{\"code\":3,\"signal\":null}");
    expect_reason("cut", "the process exited with 3");
}

static void test_a_cut_stream(void **state)
{
    (void)state;
    expect_reason("the stream of the run was cut", "the stream of the run was cut");
}

static void test_no_exit(void **state)
{
    (void)state;
    mark("end", 0, 5, 0);
    expect_reason(NULL, "the stream of the run ended before the process did");
}

static void test_no_end_of_the_scenario(void **state)
{
    (void)state;
    meta("exit", "{\"code\":0,\"signal\":null}");
    expect_reason(NULL, "the process ended before its scenario did");
}

static void test_an_exit_of_another_shape(void **state)
{
    (void)state;
    meta("exit", "\"gone\"");
    mark("end", 0, 5, 0);
    expect_reason(NULL, NULL); /* nothing in it says that the run failed */
}

static void test_facts_that_are_not_json_are_refused(void **state)
{
    (void)state;
    assert_int_equal(add_meta("exit", "{\"code\":"), TIDE_CORRUPT);
    assert_contains(error.text, "the stream's fact exit is not JSON");
    assert_int_equal(add_meta("x", ""), TIDE_CORRUPT);
    assert_int_equal(add_meta("x", "\"\\u0000\""), TIDE_CORRUPT);
    assert_int_equal(add_meta("\xff", "1"), TIDE_CORRUPT);
}

static void test_base_original_end_and_tide_mark(void **state)
{
    (void)state;
    struct tide_outcome out;
    meta("exit", "{\"code\":0,\"signal\":null,\"missed_ticks\":2}");
    meta("expected", "{\"original\":77,\"container\":1,\"result\":2}");
    meta("usage", "{\"wall_ns\":10,\"cpu_ns\":9}");
    mark("base", 0, 100, 0);
    mark("original", 0, 200, 0);
    mark("original", 0, 250, 0); /* the first counts */
    add(TIDE_SAMPLE, 300, 0);
    add(TIDE_C_RETURN, 240, 800);
    add(TIDE_CALL, 700, 0);
    mark("other", 0, 10, 0);
    mark("end", 0, 120, 0);
    assert_rc(tide_figures_outcome(&figures, NULL, &out, &error), TIDE_OK, &error);
    assert_int_equal(out.base, 100);
    assert_int_equal(out.original, 200);
    assert_int_equal(out.end, 120);
    assert_int_equal(out.tide_mark, 800);
    assert_int_equal(out.floor, 77);
    assert_int_equal(out.wall_ns, 10);
    assert_int_equal(out.cpu_ns, 9);
    assert_int_equal(out.missed_ticks, 2);
    assert_int_equal(out.events, 7);
    assert_int_equal(out.samples, 1);
    assert_string_equal(out.expected, "{\"original\":77,\"container\":1,\"result\":2}");
    assert_null(out.environment);
}

/* The highest of all that was read, whichever source it is of. */
static void test_the_tide_mark_may_be_an_event_or_a_sample(void **state)
{
    (void)state;
    add(TIDE_SAMPLE, 10, 0);
    assert_int_equal(figures.tide_mark, 10);
    add(TIDE_RETURN, 20, 0);
    assert_int_equal(figures.tide_mark, 20);
    add(TIDE_SAMPLE, 5, 30);
    assert_int_equal(figures.tide_mark, 30);
    mark(NULL, 0, 5, 40);
    assert_int_equal(figures.tide_mark, 40);
}

static void test_what_is_not_known_is_minus_one(void **state)
{
    (void)state;
    struct tide_outcome out;
    assert_rc(tide_figures_outcome(&figures, NULL, &out, &error), TIDE_OK, &error);
    assert_true(out.base == -1 && out.original == -1 && out.end == -1 && out.tide_mark == -1);
    assert_true(out.floor == -1 && out.wall_ns == -1 && out.cpu_ns == -1);
    assert_int_equal(out.missed_ticks, -1);
    assert_int_equal(out.events, 0);
    assert_int_equal(out.samples, 0);
}

static void test_percent_follows_the_iterations(void **state)
{
    (void)state;
    mark("iteration", 5, 1, 0);
    assert_int_equal(figures.percent, 0); /* of how many is not known yet */
    meta("iterations", "{\"total\":8}");
    mark("iteration", 1, 1, 0);
    assert_int_equal(figures.percent, 12);
    mark("iteration", 8, 1, 0);
    assert_int_equal(figures.percent, 100);
    mark("iteration", 9, 1, 0);
    mark("iteration", -1, 1, 0);
    assert_int_equal(figures.percent, 100);
}

static void test_percent_of_the_most_iterations(void **state)
{
    (void)state;
    meta("iterations", "{\"total\":9223372036854775807}");
    mark("iteration", INT64_MAX / 2 + 1, 1, 0);
    assert_int_equal(figures.percent, 50);
    mark("iteration", INT64_MAX, 1, 0);
    assert_int_equal(figures.percent, 100);
}

#define FIGURES_TEST(name) cmocka_unit_test_setup_teardown(name, start, clear)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIGURES_TEST(test_a_good_run_has_no_error),
        FIGURES_TEST(test_an_exception_comes_first),
        FIGURES_TEST(test_half_an_exception_is_none),
        FIGURES_TEST(test_a_deadline),
        FIGURES_TEST(test_a_signal),
        FIGURES_TEST(test_an_exit_code),
        FIGURES_TEST(test_a_cut_stream),
        FIGURES_TEST(test_no_exit),
        FIGURES_TEST(test_no_end_of_the_scenario),
        FIGURES_TEST(test_an_exit_of_another_shape),
        FIGURES_TEST(test_facts_that_are_not_json_are_refused),
        FIGURES_TEST(test_base_original_end_and_tide_mark),
        FIGURES_TEST(test_the_tide_mark_may_be_an_event_or_a_sample),
        FIGURES_TEST(test_what_is_not_known_is_minus_one),
        FIGURES_TEST(test_percent_follows_the_iterations),
        FIGURES_TEST(test_percent_of_the_most_iterations),
    };
    return cmocka_run_group_tests_name("figures", tests, NULL, NULL);
}
