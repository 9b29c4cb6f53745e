/* limit_test.c - limits as people write them. */
#include "base/testing.h"

#include "stats/limit.h"

static struct tide_error error;

static double from(const char *text, double base)
{
    struct tide_limit limit;
    assert_rc(tide_limit_parse(text, &limit, &error), TIDE_OK, &error);
    return tide_limit_from(&limit, base);
}

static void both_parts_hold(void **state)
{
    (void)state;
    assert_float_equal(from("2%,256KiB", 1e6), 262144, 0);
    assert_float_equal(from("2%, 256KiB", 1e9), 2e7, 1);
    assert_float_equal(from("256KiB,2%", 1e9), 2e7, 1);
    assert_float_equal(from("0", 1e9), 0, 0);
    assert_float_equal(from("5 %", -200), 10, 1e-9);
}

static void units_scale(void **state)
{
    (void)state;
    assert_float_equal(from("1MiB", 0), 1048576, 0);
    assert_float_equal(from("1.5 GiB", 0), 1610612736, 0);
    assert_float_equal(from("3MB", 0), 3e6, 0);
    assert_float_equal(from("20ms", 0), 2e7, 0);
    assert_float_equal(from("4096", 0), 4096, 0);
}

static void what_is_no_limit_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",    ",",   "2%,",   "-1%",     "KiB",  "1 KB",
                                        "2%%", "nan", "1e999", "2%;1MiB", "1MiBx"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct tide_limit limit;
        assert_rc(tide_limit_parse(wrong[i], &limit, &error), TIDE_INVALID, &error);
        assert_contains(error.text, "256KiB");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_parts_hold),
        cmocka_unit_test(units_scale),
        cmocka_unit_test(what_is_no_limit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
