/* follow_test.c - the event stream decoded, however its bytes are cut. */
#include "base/testing.h"
#include "cli/follow.h"

static const char answer[] =
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    "c\r\n: heartbeat\n\r\n1\r\n\n\r\n"
    "11\r\nid: 7\nevent: done\r\n20\r\n\ndata: {\"id\": 3}\n\nid: 8\nevent: x"
    "\r\n10\r\n\ndata: {\"a\":1}\n\n\r\n";

/* Feed the answer in pieces of `size` bytes; both events must come out. */
static void read_in_pieces(size_t size)
{
    struct tide_follow f = {.fd = -1};
    struct tide_follow_event event;
    struct tide_error e = {0};
    int n = 0;
    for (size_t at = 0; at < sizeof answer - 1; at += size) {
        size_t left = sizeof answer - 1 - at;
        tide_str_add(&f.raw, answer + at, left < size ? left : size);
        assert_rc(tide_follow_decode(&f, &e), TIDE_OK, &e);
        while (tide_follow_take(&f, &event)) {
            assert_int_equal(event.id, 7 + n);
            assert_string_equal(event.name, n ? "x" : "done");
            assert_string_equal(event.data, n ? "{\"a\":1}" : "{\"id\": 3}");
            tide_follow_event_clear(&event);
            n++;
        }
    }
    assert_int_equal(n, 2);
    assert_int_equal(f.last_id, 8);
    tide_follow_close(&f);
    assert_int_equal(f.last_id, 8);
}

static void test_pieces(void **state)
{
    (void)state;
    for (size_t size = 1; size < sizeof answer; size++)
        read_in_pieces(size);
}

static void expect_refused(const char *text, enum tide_rc wanted)
{
    struct tide_follow f = {.fd = -1};
    struct tide_error e = {0};
    tide_str_put(&f.raw, text);
    assert_rc(tide_follow_decode(&f, &e), wanted, &e);
    tide_follow_close(&f);
}

static void test_refused(void **state)
{
    (void)state;
    expect_refused("HTTP/1.1 503 Busy\r\n\r\n{}", TIDE_FAILED);
    expect_refused("HTTP/1.1 200 OK\r\n\r\nnothing\r\n", TIDE_CORRUPT);
    expect_refused("HTTP/1.1 200 OK\r\n\r\nfffffffff\r\n", TIDE_CORRUPT);
    expect_refused("HTTP/1.1 200 OK\r\n", TIDE_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_pieces),
                                       cmocka_unit_test(test_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
