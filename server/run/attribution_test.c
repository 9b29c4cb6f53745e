/* attribution_test.c - the parts of a difference add up to it, whatever the runs are. */
#include "run/testing.h"

#include "run/attribution.h"

#include <jansson.h>

/* Take the stream in as the claimed run, and end it. */
static int64_t finish_run(void)
{
    struct tide_ingest *in = tide_ingest_new(store, feed, run, batch);
    struct tide_outcome out;
    bool done = false;
    EXPECT_OK(tide_ingest_feed(in, stream.at, stream.length, &error));
    EXPECT_OK(tide_ingest_finish(in, &out, &error));
    EXPECT_OK(tide_store_end_run(store, run, &out, &done, &error));
    tide_ingest_free(in);
    stream.length = 0;
    return run;
}

static json_t *attribute(int64_t base, int64_t head)
{
    json_t *out = NULL;
    EXPECT_OK(tide_attribute(store, base, head, &out, &error));
    return out;
}

static int64_t sum_of(const json_t *parts, const char *field_name)
{
    int64_t sum = 0;
    for (size_t i = 0; i < json_array_size(parts); i++)
        sum += number_of(json_array_get(parts, i), field_name);
    return sum;
}

/* The law: parts and what is not attributed are the whole, for each kind of part. */
static void check_sums(const json_t *a)
{
    int64_t effect = number_of(a, "effect");
    assert_int_equal(number_of(field(a, "head"), "tide_mark") -
                         number_of(field(a, "base"), "tide_mark"),
                     effect);
    assert_int_equal(sum_of(field(a, "functions"), "effect") + number_of(a, "unattributed"),
                     effect);
    assert_int_equal(sum_of(field(a, "phases"), "effect"), effect);
    assert_int_equal(sum_of(field(a, "phases"), "head"), number_of(field(a, "head"), "tide_mark"));
    assert_int_equal(sum_of(field(a, "iterations"), "effect") + number_of(a, "outside_iterations"),
                     effect);
    const json_t *curves = field(a, "curves");
    size_t n = json_array_size(field(curves, "at"));
    assert_in_range(n, 4, 1100);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(json_integer_value(json_array_get(field(curves, "head"), i)) -
                             json_integer_value(json_array_get(field(curves, "base"), i)),
                         json_integer_value(json_array_get(field(curves, "difference"), i)));
}

/* Three passes of C_NEW within f; each keeps `kept` pages and takes `more` while it runs. */
static int64_t put_run(uint64_t kept, uint64_t more)
{
    uint64_t t = 10, rss = 1000;
    run = claim_new_run(&batch);
    put_opening();
    put_sample(5, 900);
    put_mark(t, MARK_BASE, 0, rss, 0);
    put_event(TIDE_CALL, t += 10, PYTHON_F, rss);
    for (int i = 0; i < 3; i++) {
        put_mark(t += 10, MARK_ITERATION, i, rss, 0);
        put_event(TIDE_C_CALL, t += 10, C_NEW, rss += 2); /* f's own pages */
        rss += kept;
        put(&(struct tide_record){.kind = TIDE_C_RETURN,
                                  .t_ns = ORIGIN + (t += 10),
                                  .thread = 7,
                                  .name = C_NEW,
                                  .rss = rss * 4096,
                                  .peak = (rss + more) * 4096});
    }
    put_mark(t += 10, MARK_ITERATION, 3, rss, 0);
    put_event(TIDE_RETURN, t += 10, PYTHON_F, rss);
    put_mark(t + 10, MARK_END, 0, rss, 0);
    put_ending();
    return finish_run();
}

static void test_the_cause_stands_first(void **state)
{
    (void)state;
    int64_t base = put_run(0, 100), peak = put_run(0, 600), leak = put_run(40, 100);
    json_t *a = attribute(base, peak);
    check_sums(a);
    const json_t *first = json_array_get(field(a, "functions"), 0);
    assert_string_equal(text_of(first, "name"), "tideconv.new");
    assert_string_equal(text_of(first, "kind"), "c");
    assert_int_equal(number_of(first, "effect"), 500 * 4096);
    assert_int_equal(number_of(a, "effect"), 500 * 4096);
    assert_int_equal(number_of(a, "unattributed"), 0);
    json_decref(a);
    a = attribute(base, leak);
    check_sums(a);
    first = json_array_get(field(a, "functions"), 0);
    assert_string_equal(text_of(first, "name"), "tideconv.new");
    assert_int_equal(number_of(first, "effect"), 120 * 4096);
    /* Each iteration kept its own share. */
    assert_int_equal(json_array_size(field(a, "iterations")), 3);
    assert_int_equal(number_of(json_array_get(field(a, "iterations"), 1), "effect"), 40 * 4096);
    json_decref(a);
    a = attribute(leak, leak);
    check_sums(a);
    assert_int_equal(number_of(a, "effect"), 0);
    json_decref(a);
}

static uint64_t seed;

static uint64_t below(uint64_t n)
{
    uint64_t z = (seed += UINT64_C(0x9e3779b97f4a7c15)); /* splitmix64 */
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (z ^ (z >> 31)) % n;
}

/* Records of any kind in any order: calls that never return, returns of what was never called. */
static int64_t put_random_run(size_t n)
{
    uint64_t t = 10, pages = 1000;
    run = claim_new_run(&batch);
    put_opening();
    for (size_t i = 0; i < n; i++) {
        struct tide_record r = {.kind = (enum tide_kind)(TIDE_SAMPLE + below(7)),
                                .t_ns = ORIGIN + (t += 1 + below(50))};
        pages = below(10) ? pages + below(7) : 500 + below(3000);
        r.rss = pages * 4096;
        if (!below(4)) r.peak = (pages + below(400)) * 4096;
        if (r.kind != TIDE_SAMPLE) {
            r.thread = 7 + (uint32_t)below(2);
            r.name = r.kind == TIDE_MARK ? MARK_BASE + (uint32_t)below(4)
                                         : PYTHON_F + (uint32_t)below(3);
            r.value = r.kind == TIDE_MARK ? (int64_t)below(9) : 0;
        }
        put(&r);
        if (!below(60)) close_chunk();
    }
    put_ending();
    return finish_run();
}

static void test_parts_add_up_whatever_the_runs(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 40; i++) {
        seed = i * 7919;
        int64_t base = put_random_run(1 + below(200)), head = put_random_run(1 + below(200));
        json_t *a = attribute(base, head);
        check_sums(a);
        json_decref(a);
    }
}

static void test_a_run_without_events(void **state)
{
    (void)state;
    json_t *out;
    int64_t base = put_run(0, 1), never = claim_new_run(NULL);
    assert_int_equal(tide_attribute(store, base, never, &out, &error), TIDE_ABSENT);
    assert_null(out);
    assert_int_equal(tide_attribute(store, 4711, base, &out, &error), TIDE_ABSENT);
}

#define RUN_TEST(name) cmocka_unit_test_setup_teardown(name, open_run, close_run)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN_TEST(test_the_cause_stands_first),
        RUN_TEST(test_parts_add_up_whatever_the_runs),
        RUN_TEST(test_a_run_without_events),
    };
    return cmocka_run_group_tests_name("attribution", tests, make_test_folder, remove_test_folder);
}
