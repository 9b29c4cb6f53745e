/* ingest_test.c - a tide stream becomes figures, phases, names and chunks in the store, however its
 * bytes arrive; and one out of shape leaves what came before, with a reason. */
#include "run/testing.h"

static struct tide_ingest *in;

static int open_ingest(void **state)
{
    if (open_run(state)) return -1;
    in = tide_ingest_new(store, feed, run, batch);
    return in ? 0 : -1;
}

static int close_ingest(void **state)
{
    tide_ingest_free(in);
    return close_run(state);
}

static void next_run(void)
{
    tide_ingest_free(in);
    run = claim_new_run(&batch);
    in = tide_ingest_new(store, feed, run, batch);
    assert_non_null(in);
}

static void feed_all(void)
{
    EXPECT_OK(tide_ingest_feed(in, stream.at, stream.length, &error));
}

static void check_good_outcome(void)
{
    struct tide_outcome out;
    EXPECT_OK(tide_ingest_finish(in, &out, &error));
    assert_null(out.error);
    assert_int_equal(out.base, 100 * 4096);
    assert_int_equal(out.original, 200 * 4096);
    assert_int_equal(out.end, 120 * 4096);
    assert_int_equal(out.tide_mark, 999 * 4096);
    assert_int_equal(out.floor, 4096);
    assert_int_equal(out.wall_ns, 140);
    assert_int_equal(out.cpu_ns, 99);
    assert_int_equal(out.events, 12);
    assert_int_equal(out.samples, 3);
    assert_int_equal(out.missed_ticks, 3);
    assert_string_equal(out.environment, "{\"kernel\":\"6.1\"}");
}

static void check_good_rows(void)
{
    assert_int_equal(ask("SELECT origin_ns FROM runs"), (int64_t)ORIGIN);
    assert_int_equal(ask("SELECT count(*) FROM names"), 7);
    assert_int_equal(ask("SELECT kind * 1000 + line FROM names WHERE text = 'f'"
                         " AND file = '/s.py'"),
                     TIDE_NAME_PYTHON * 1000 + 12);
    assert_int_equal(ask("SELECT count(*) FROM phases"), 6);
    assert_int_equal(ask("SELECT t_ns FROM phases WHERE name = 'base' AND seq = 0"
                         " AND rss = 100 * 4096 AND peak = 110 * 4096"),
                     20);
    assert_int_equal(ask("SELECT sum(value) FROM phases WHERE name = 'iteration'"), 3);
    assert_int_equal(ask("SELECT count(*) FROM event_chunks"), 2);
    assert_int_equal(ask("SELECT sum(events) FROM event_chunks"), 12);
    assert_int_equal(ask("SELECT from_ns * 1000 + to_ns FROM event_chunks WHERE seq = 0"), 10060);
    assert_int_equal(ask("SELECT from_ns * 1000 + to_ns FROM event_chunks WHERE seq = 1"), 70140);
    /* f and tideconv.sort are active when the second begins */
    assert_int_equal(ask("SELECT stack = '[5,6]' FROM event_chunks WHERE seq = 1"), 1);
    assert_int_equal(ask("SELECT points FROM curve_chunks WHERE level = 1"), 2);
}

static void test_a_whole_stream(void **state)
{
    (void)state;
    put_good_run();
    feed_all();
    check_good_outcome();
    check_good_rows();
}

static void test_a_stream_byte_by_byte(void **state)
{
    (void)state;
    put_good_run();
    for (size_t i = 0; i < stream.length; i++)
        EXPECT_OK(tide_ingest_feed(in, stream.at + i, 1, &error));
    check_good_outcome();
    check_good_rows();
}

static void test_a_stream_with_ticks_anywhere(void **state)
{
    (void)state;
    uint64_t seed = 0x71c;
    put_good_run();
    for (size_t i = 0; i < stream.length;) {
        size_t n = 1 + random_below(&seed, 40);
        if (n > stream.length - i) n = stream.length - i;
        EXPECT_OK(tide_ingest_feed(in, stream.at + i, n, &error));
        EXPECT_OK(tide_ingest_tick(in, &error));
        i += n;
    }
    check_good_outcome();
    check_good_rows();
}

/* Wherever the stream is cut, the outcome says so and what stood before is kept. */
static void test_a_stream_cut_anywhere(void **state)
{
    (void)state;
    put_good_run();
    for (size_t n = 0; n < stream.length; n++) {
        struct tide_outcome out;
        bool done;
        EXPECT_OK(tide_ingest_feed(in, stream.at, n, &error));
        EXPECT_OK(tide_ingest_finish(in, &out, &error));
        assert_non_null(out.error);
        assert_contains(out.error, "the stream of the run ");
        EXPECT_OK(tide_store_end_run(store, run, &out, &done, &error));
        assert_true(done);
        next_run();
    }
}

/* One bit anywhere: CORRUPT or NEWER at once, or what is missing is told at the end. */
static void test_a_stream_with_a_bit_flipped(void **state)
{
    (void)state;
    put_good_run();
    for (size_t i = 0; i < stream.length; i++) {
        struct tide_outcome out;
        char *bytes = malloc(stream.length);
        assert_non_null(bytes);
        memcpy(bytes, stream.at, stream.length);
        bytes[i] ^= (char)(1 << i % 8);
        enum tide_rc rc = tide_ingest_feed(in, bytes, stream.length, &error);
        assert_true(rc == TIDE_OK || rc == TIDE_CORRUPT || rc == TIDE_NEWER);
        if (rc == TIDE_OK) {
            EXPECT_OK(tide_ingest_finish(in, &out, &error));
            assert_non_null(out.error);
        }
        free(bytes);
        next_run();
    }
}

static void expect_refusal(enum tide_rc rc, const char *why)
{
    assert_rc(tide_ingest_feed(in, stream.at, stream.length, &error), rc, &error);
    assert_contains(error.text, why);
    struct tide_outcome out;
    EXPECT_OK(tide_ingest_finish(in, &out, &error)); /* and what came before is stored */
}

static void test_a_newer_stream(void **state)
{
    (void)state;
    put_good_run();
    stream.at[7] = TIDE_STREAM_VERSION + 1;
    expect_refusal(TIDE_NEWER, "newer probe");
}

static void test_rubbish(void **state)
{
    (void)state;
    tide_str_put(&stream, "Traceback (most recent call last):\n");
    expect_refusal(TIDE_CORRUPT, "the stream is damaged");
}

static void test_a_mark_before_the_origin(void **state)
{
    (void)state;
    uint8_t magic[TIDE_STREAM_MAGIC_LEN];
    tide_stream_magic(magic);
    tide_str_add(&stream, magic, sizeof magic);
    put_name(MARK_BASE, TIDE_NAME_MARK, "base", "", 0);
    put_mark(20, MARK_BASE, 0, 100, 110);
    close_chunk();
    expect_refusal(TIDE_CORRUPT, "a record before its start");
    assert_int_equal(ask("SELECT count(*) FROM phases"), 0);
}

static void test_a_start_without_its_instant(void **state)
{
    (void)state;
    uint8_t magic[TIDE_STREAM_MAGIC_LEN];
    tide_stream_magic(magic);
    tide_str_add(&stream, magic, sizeof magic);
    put_meta("start", "{\"t_ns\":\"soon\"}");
    put_sample(20, 100);
    close_chunk();
    expect_refusal(TIDE_CORRUPT, "a record before its start");
}

/* A name stands once in a stream; what came before stays readable. */
static void test_a_name_given_twice(void **state)
{
    (void)state;
    put_opening();
    put_sample(10, 50);
    close_chunk();
    put_name(C_SORT, TIDE_NAME_C, "tideconv.other", "", 0);
    put_sample(20, 60);
    close_chunk();
    expect_refusal(TIDE_CORRUPT, "twice");
    assert_int_equal(ask("SELECT count(*) FROM names"), 7);
    assert_int_equal(ask("SELECT count(*) FROM event_chunks"), 1);
}

static void test_a_name_beyond_all_bounds(void **state)
{
    (void)state;
    put_opening();
    put_name(UINT32_MAX, TIDE_NAME_MARK, "x", "", 0);
    close_chunk();
    expect_refusal(TIDE_CORRUPT, "4294967295");
}

static void test_a_fact_that_is_not_json(void **state)
{
    (void)state;
    put_opening();
    put_meta("environment", "{");
    close_chunk();
    expect_refusal(TIDE_CORRUPT, "environment is not JSON");
}

static void test_a_mark_without_a_name_is_an_event_only(void **state)
{
    (void)state;
    struct tide_outcome out;
    put_opening();
    put_mark(20, 4000000, 0, 100, 110);
    put_mark(30, C_SORT, 0, 100, 110);
    put_ending();
    feed_all();
    EXPECT_OK(tide_ingest_finish(in, &out, &error));
    assert_int_equal(out.events, 2);
    assert_int_equal(ask("SELECT count(*) FROM phases"), 0);
}

static void test_an_exception_of_the_scenario(void **state)
{
    (void)state;
    struct tide_outcome out;
    put_opening();
    put_mark(20, MARK_BASE, 0, 100, 0);
    put_meta("error", "{\"type\":\"MemoryError\",\"message\":\"no\",\"traceback\":\"\"}");
    put_meta("exit", "{\"code\":1,\"signal\":null,\"missed_ticks\":0}");
    close_chunk();
    feed_all();
    EXPECT_OK(tide_ingest_finish(in, &out, &error));
    assert_string_equal(out.error, "MemoryError: no");
    assert_int_equal(out.base, 100 * 4096);
    assert_int_equal(out.original, -1);
}

static void test_instants_at_the_ends_of_their_range(void **state)
{
    (void)state;
    struct tide_outcome out;
    static const uint64_t times[] = {0, 1, UINT64_MAX, UINT64_C(1) << 63, (UINT64_C(1) << 63) - 1};
    put_opening();
    for (size_t i = 0; i < 5; i++)
        put(&(struct tide_record){.kind = i % 2 ? TIDE_SAMPLE : TIDE_CALL,
                                  .t_ns = times[i],
                                  .thread = 1,
                                  .rss = times[4 - i]});
    put(&(struct tide_record){.kind = TIDE_MARK, .name = MARK_BASE, .t_ns = UINT64_C(1) << 63});
    put_ending();
    feed_all();
    EXPECT_OK(tide_ingest_finish(in, &out, &error));
    assert_int_equal(out.events + out.samples, 6);
}

/* ---- what the feed is told ---- */

static char *published(int64_t *from)
{
    struct tide_str text = {0};
    *from = tide_feed_read(feed, *from, &(struct tide_feed_filter){.batch = batch}, 1 << 20, &text);
    char *taken = tide_str_take(&text);
    assert_non_null(taken);
    return taken;
}

static void test_ticks_tell_the_curve_and_the_percent(void **state)
{
    (void)state;
    int64_t id = tide_feed_newest(feed);
    char expected[128];
    put_good_run();
    feed_all();
    EXPECT_OK(tide_ingest_tick(in, &error));
    char *told = published(&id);
    snprintf(expected, sizeof expected, "event: curve\ndata: {\"run\":%lld,\"t_ns\":[10,20,30",
             (long long)run);
    assert_contains(told, expected);
    assert_contains(told, "\"rss\":[204800,409600,");
    assert_contains(told, "event: running\ndata: {\"id\":");
    assert_contains(told, "\"percent\":50,");
    free(told);
    EXPECT_OK(tide_ingest_tick(in, &error)); /* nothing new, nothing told */
    told = published(&id);
    assert_string_equal(told, "");
    free(told);
    assert_int_equal(ask("SELECT percent FROM runs"), 50);
}

/* A long curve is told in few points, its peak among them. */
static void test_a_long_curve_is_told_thinned(void **state)
{
    (void)state;
    int64_t id = tide_feed_newest(feed);
    put_opening();
    for (uint64_t i = 0; i < 50000; i++)
        put_sample(i * 1000, i == 31415 ? 99999 : 100 + i % 7);
    close_chunk();
    feed_all();
    EXPECT_OK(tide_ingest_tick(in, &error));
    char *told = published(&id);
    size_t commas = 0;
    for (char *at = told; *at; at++)
        commas += *at == ',';
    assert_true(commas > 32 && commas < 2 * 64 + 4);
    assert_contains(told, "409595904");
    free(told);
}

/* Many small chunks between two ticks: they are stored on the way, none is lost. */
static void test_more_chunks_than_may_wait(void **state)
{
    (void)state;
    struct tide_outcome out;
    put_opening();
    for (uint64_t i = 0; i < 1000; i++) {
        put_sample(i * 1000, 100 + i);
        close_chunk();
    }
    put_ending();
    feed_all();
    assert_true(ask("SELECT count(*) FROM event_chunks") > 800);
    EXPECT_OK(tide_ingest_finish(in, &out, &error));
    assert_int_equal(out.samples, 1000);
    assert_int_equal(ask("SELECT count(*) FROM event_chunks"), 1001);
    assert_int_equal(ask("SELECT sum(points) FROM curve_chunks WHERE level = 1"), 2 * 63);
}

#define INGEST_TEST(name) cmocka_unit_test_setup_teardown(name, open_ingest, close_ingest)

int main(void)
{
    const struct CMUnitTest tests[] = {
        INGEST_TEST(test_a_whole_stream),
        INGEST_TEST(test_a_stream_byte_by_byte),
        INGEST_TEST(test_a_stream_with_ticks_anywhere),
        INGEST_TEST(test_a_stream_cut_anywhere),
        INGEST_TEST(test_a_stream_with_a_bit_flipped),
        INGEST_TEST(test_a_newer_stream),
        INGEST_TEST(test_rubbish),
        INGEST_TEST(test_a_mark_before_the_origin),
        INGEST_TEST(test_a_start_without_its_instant),
        INGEST_TEST(test_a_name_given_twice),
        INGEST_TEST(test_a_name_beyond_all_bounds),
        INGEST_TEST(test_a_fact_that_is_not_json),
        INGEST_TEST(test_a_mark_without_a_name_is_an_event_only),
        INGEST_TEST(test_an_exception_of_the_scenario),
        INGEST_TEST(test_instants_at_the_ends_of_their_range),
        INGEST_TEST(test_ticks_tell_the_curve_and_the_percent),
        INGEST_TEST(test_a_long_curve_is_told_thinned),
        INGEST_TEST(test_more_chunks_than_may_wait),
    };
    return cmocka_run_group_tests_name("ingest", tests, make_test_folder, remove_test_folder);
}
