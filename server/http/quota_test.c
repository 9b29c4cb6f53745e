/* quota_test.c - a bucket holds its burst, fills at its rate, and is one client's own. */
#include "base/testing.h"

#include "http/internal.h"

#define SECOND INT64_C(1000000000)

static size_t ask(struct tide_quota *l, uint64_t client, int64_t now_ns, size_t times)
{
    size_t allowed = 0;
    for (size_t i = 0; i < times; i++)
        allowed += tide_quota_take(l, client, now_ns) == 0;
    return allowed;
}

static void test_a_burst_then_the_rate(void **state)
{
    (void)state;
    struct tide_quota *l = tide_quota_new();
    assert_int_equal(ask(l, 1, 5 * SECOND, 1000), TIDE_QUOTA_BURST);
    assert_int_equal(ask(l, 1, 6 * SECOND, 1000), TIDE_QUOTA_RATE);
    assert_int_equal(ask(l, 1, 6 * SECOND + SECOND / TIDE_QUOTA_RATE * 3, 1000), 3);
    assert_int_equal(ask(l, 1, 1000 * SECOND, 1000), TIDE_QUOTA_BURST); /* no more than full */
    tide_quota_free(l);
}

static void test_clients_have_their_own(void **state)
{
    (void)state;
    struct tide_quota *l = tide_quota_new();
    ask(l, 1, SECOND, 1000);
    assert_int_equal(ask(l, 2, SECOND, 1000), TIDE_QUOTA_BURST);
    assert_int_equal(ask(l, 1, SECOND, 1), 0);
    tide_quota_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_burst_then_the_rate),
        cmocka_unit_test(test_clients_have_their_own),
    };
    return cmocka_run_group_tests_name("quota", tests, NULL, NULL);
}
