/* feed_test.c - readers of the feed see every event once, in order, and catch up by its number. */
#include "base/testing.h"

#include "base/feed.h"

#include <pthread.h>
#include <stdatomic.h>

static struct tide_feed *feed;

static int make_feed(void **state)
{
    (void)state;
    feed = tide_feed_new();
    return feed ? 0 : -1;
}

static int free_feed(void **state)
{
    (void)state;
    tide_feed_free(feed);
    return 0;
}

static void publish_number(int64_t batch, int n)
{
    char data[32];
    snprintf(data, sizeof data, "{\"n\":%d}", n);
    tide_feed_publish(feed, "number", batch, data);
}

/* What a reader at `id` gets of `batch`; freed by the caller, *id moves on. */
static char *take(int64_t *id, int64_t batch)
{
    struct tide_str out = {0};
    *id = tide_feed_read(feed, *id, &(struct tide_feed_filter){.batch = batch}, 1 << 20, &out);
    char *text = tide_str_take(&out);
    assert_non_null(text);
    return text;
}

static size_t count(const char *text, const char *part)
{
    size_t n = 0;
    for (; (text = strstr(text, part)); text++)
        n++;
    return n;
}

static void test_event_has_the_shape_of_the_standard(void **state)
{
    (void)state;
    int64_t id = tide_feed_newest(feed);
    publish_number(0, 7);
    char expected[128], *text = take(&id, 0);
    snprintf(expected, sizeof expected, "id: %lld\nevent: number\ndata: {\"n\":7}\n\n",
             (long long)id);
    assert_string_equal(text, expected);
    assert_int_equal(id, tide_feed_newest(feed));
    free(text);
}

static void test_new_reader_gets_only_what_comes(void **state)
{
    (void)state;
    publish_number(0, 1);
    int64_t id = tide_feed_newest(feed);
    char *text = take(&id, 0);
    assert_string_equal(text, "");
    free(text);
    publish_number(0, 2);
    text = take(&id, 0);
    assert_contains(text, "{\"n\":2}");
    assert_int_equal(count(text, "id: "), 1);
    free(text);
}

static void test_catch_up_by_id_in_order(void **state)
{
    (void)state;
    int64_t before = tide_feed_newest(feed);
    for (int i = 0; i < 100; i++)
        publish_number(0, i);
    for (int missed = 0; missed <= 100; missed++) {
        int64_t id = before + 100 - missed;
        char *text = take(&id, 0), *at = text;
        for (int i = 100 - missed; i < 100; i++) {
            char expected[32];
            snprintf(expected, sizeof expected, "{\"n\":%d}\n", i);
            at = strstr(at, expected);
            assert_non_null(at);
        }
        assert_int_equal(count(text, "id: "), missed);
        free(text);
    }
}

static void test_filter_by_batch_moves_past_the_others(void **state)
{
    (void)state;
    int64_t id = tide_feed_newest(feed);
    for (int i = 0; i < 10; i++)
        publish_number(1 + i % 2, i);
    char *text = take(&id, 2);
    assert_int_equal(count(text, "id: "), 5);
    assert_null(strstr(text, "{\"n\":4}"));
    assert_contains(text, "{\"n\":9}");
    assert_int_equal(id, tide_feed_newest(feed));
    free(text);
}

static size_t count_of_project(int64_t from, const char *project, const char *part)
{
    struct tide_str out = {0};
    (void)tide_feed_read(feed, from, &(struct tide_feed_filter){.project = project}, 1 << 20, &out);
    size_t n = out.at ? count(out.at, part) : 0;
    tide_str_free(&out);
    return n;
}

/* An event that names no project belongs to that of its batch; names in texts do not count. */
static void test_filter_by_project(void **state)
{
    (void)state;
    int64_t from = tide_feed_newest(feed);
    tide_feed_publish(feed, "queued", 5, "{\"id\":1,\"project\":\"one\"}");
    tide_feed_publish(feed, "queued", 6,
                      "{\"id\":2,\"project\":\"two\",\"error\":\"\\\"project\\\":\\\"one\\\"\"}");
    publish_number(5, 1);
    publish_number(6, 2);
    publish_number(7, 3);
    assert_int_equal(count_of_project(from, "one", "event: "), 2);
    assert_int_equal(count_of_project(from, "one", "\"n\":1"), 1);
    assert_int_equal(count_of_project(from, "two", "event: "), 2);
    assert_int_equal(count_of_project(from, "three", "event: "), 0);
    assert_int_equal(count_of_project(from, NULL, "event: "), 5);
}

static void test_room_cuts_between_events(void **state)
{
    (void)state;
    int64_t id = tide_feed_newest(feed);
    int seen = 0, rounds = 0;
    for (int i = 0; i < 50; i++)
        publish_number(0, i);
    while (id != tide_feed_newest(feed)) {
        struct tide_str out = {0};
        id = tide_feed_read(feed, id, NULL, 100, &out);
        assert_true(out.length < 200);
        assert_string_equal(out.at + out.length - 2, "\n\n");
        seen += (int)count(out.at, "id: ");
        rounds++;
        tide_str_free(&out);
    }
    assert_int_equal(seen, 50);
    assert_true(rounds > 10);
}

static void test_overflow_keeps_the_newest(void **state)
{
    (void)state;
    int64_t id = tide_feed_newest(feed), before = id;
    for (int i = 0; i < TIDE_FEED_HELD + 10; i++)
        publish_number(0, i);
    char *text = take(&id, 0), expected[64];
    assert_int_equal(count(text, "id: "), TIDE_FEED_HELD);
    snprintf(expected, sizeof expected, "id: %lld\nevent: number\ndata: {\"n\":10}\n",
             (long long)before + 11);
    assert_int_equal(strncmp(text, expected, strlen(expected)), 0);
    assert_int_equal(id, before + TIDE_FEED_HELD + 10);
    free(text);
}

static void test_an_id_from_nowhere(void **state)
{
    (void)state;
    publish_number(0, 1);
    publish_number(0, 2);
    const int64_t ahead[] = {tide_feed_newest(feed) + 1, INT64_MAX};
    const int64_t behind[] = {0, -1, INT64_MIN, 42};
    for (size_t i = 0; i < 2; i++) { /* from a clock that ran ahead: go on from now */
        int64_t id = ahead[i];
        char *text = take(&id, 0);
        assert_string_equal(text, "");
        assert_int_equal(id, tide_feed_newest(feed));
        free(text);
    }
    for (size_t i = 0; i < 4; i++) { /* long gone: all that is held */
        int64_t id = behind[i];
        char *text = take(&id, 0);
        assert_int_equal(count(text, "id: "), 2);
        free(text);
    }
}

static void test_ids_rise_over_restarts(void **state)
{
    (void)state;
    publish_number(0, 1);
    int64_t last = tide_feed_newest(feed);
    usleep(1000);
    struct tide_feed *next = tide_feed_new();
    assert_non_null(next);
    assert_true(tide_feed_newest(next) > last);
    tide_feed_free(next);
    tide_feed_free(NULL);
}

static void ring(void *context)
{
    ++*(atomic_int *)context;
}

static void test_listener_is_called_once_an_event(void **state)
{
    (void)state;
    atomic_int rung = 0, other = 0;
    tide_feed_listen(feed, ring, &rung);
    tide_feed_listen(feed, ring, &other);
    for (int i = 0; i < 5; i++)
        publish_number(0, i);
    assert_int_equal(rung, 5);
    tide_feed_unlisten(feed, &rung);
    publish_number(0, 5);
    assert_int_equal(rung, 5);
    assert_int_equal(other, 6);
    tide_feed_unlisten(feed, &other);
}

#define PUBLISHERS 4
#define EACH       500
#define ALL        INT64_C(2000)

static void *publish_many(void *context)
{
    for (int i = 0; i < EACH; i++)
        publish_number((int64_t)(intptr_t)context, i);
    return NULL;
}

/* Each publisher's events arrive complete and in its own order, whoever reads meanwhile. */
static void test_concurrent_publishers(void **state)
{
    (void)state;
    pthread_t threads[PUBLISHERS];
    int64_t start = tide_feed_newest(feed), id = start;
    size_t seen = 0;
    for (intptr_t i = 0; i < PUBLISHERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, publish_many, (void *)(i + 1)), 0);
    while (seen < ALL) {
        char *text = take(&id, 0);
        seen += count(text, "id: ");
        free(text);
    }
    for (size_t i = 0; i < PUBLISHERS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(seen, ALL);
    assert_int_equal(id, start + ALL);
    for (int64_t batch = 1; batch <= PUBLISHERS; batch++) {
        int64_t from = start;
        char *text = take(&from, batch), *at = text;
        for (int i = 0; i < EACH; i++) {
            char expected[32];
            snprintf(expected, sizeof expected, "{\"n\":%d}\n", i);
            at = strstr(at, expected);
            assert_non_null(at);
        }
        free(text);
    }
}

#define FEED_TEST(name) cmocka_unit_test_setup_teardown(name, make_feed, free_feed)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FEED_TEST(test_event_has_the_shape_of_the_standard),
        FEED_TEST(test_new_reader_gets_only_what_comes),
        FEED_TEST(test_catch_up_by_id_in_order),
        FEED_TEST(test_filter_by_batch_moves_past_the_others),
        FEED_TEST(test_filter_by_project),
        FEED_TEST(test_room_cuts_between_events),
        FEED_TEST(test_overflow_keeps_the_newest),
        FEED_TEST(test_an_id_from_nowhere),
        FEED_TEST(test_ids_rise_over_restarts),
        FEED_TEST(test_listener_is_called_once_an_event),
        FEED_TEST(test_concurrent_publishers),
    };
    return cmocka_run_group_tests_name("feed", tests, NULL, NULL);
}
