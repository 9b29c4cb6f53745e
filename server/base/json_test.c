/* json_test.c - what is written is JSON that means what was given. */
#include "base/testing.h"

#include "base/json.h"

#include <math.h>
#include <string.h>

static void assert_text(struct tide_str *out, const char *expected)
{
    assert_false(out->failed);
    assert_string_equal(out->at, expected);
    tide_str_free(out);
}

static void test_integers(void **state)
{
    (void)state;
    struct tide_str out = {0};
    const int64_t values[] = {0, 7, -7, 1234567890, INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        if (i) tide_str_put(&out, " ");
        tide_json_put_integer(&out, values[i]);
    }
    assert_text(&out, "0 7 -7 1234567890 9223372036854775807 -9223372036854775808");
    tide_json_put_size(&out, UINT64_MAX);
    assert_text(&out, "18446744073709551615");
}

static void test_numbers(void **state)
{
    (void)state;
    struct tide_str out = {0};
    const double values[] = {0, -4096, 93388800, 0.5, -1.25, 1e300, 999999999999999, NAN};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        if (i) tide_str_put(&out, " ");
        tide_json_put_number(&out, values[i]);
    }
    assert_text(&out, "0 -4096 93388800 0.5 -1.25 1e+300 999999999999999 null");
}

static void test_texts(void **state)
{
    (void)state;
    const struct {
        const char *text, *json;
    } cases[] = {
        {"", "\"\""},
        {"plain", "\"plain\""},
        {"a \"quoted\" C:\\path", "\"a \\\"quoted\\\" C:\\\\path\""},
        {"tab\there\nline\x1f", "\"tab\\u0009here\\u000aline\\u001f\""},
        {"M\xc3\xb6we \xf0\x9f\x90\xa6 \x7f", "\"M\xc3\xb6we \xf0\x9f\x90\xa6 \x7f\""},
        {"cut \xc3", "null"},
        {"\xff", "null"},
        {"\"\xed\xa0\x80", "null"}, /* a surrogate */
        {NULL, "null"},
    };
    struct tide_str out = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tide_json_put_text(&out, cases[i].text);
        assert_text(&out, cases[i].json);
    }
}

static void test_what_stands_before_stays(void **state)
{
    (void)state;
    struct tide_str out = {0};
    tide_str_put(&out, "[");
    tide_json_put_text(&out, "ok");
    tide_str_put(&out, ",");
    tide_json_put_text(&out, "bad \x80");
    tide_str_put(&out, "]");
    assert_text(&out, "[\"ok\",null]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_integers),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_what_stands_before_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
