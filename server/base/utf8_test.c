/* utf8_test.c - whatever the bytes, the copy is UTF-8; and UTF-8 is copied as it is. */
#include "base/testing.h"

#include "base/utf8.h"

#include <jansson.h>

static void expect_copy(const char *text, const char *expected)
{
    char *copy = tide_utf8_copy(text);
    assert_string_equal(copy, expected);
    free(copy);
}

#define BAD "\xef\xbf\xbd"

static void test_sound_text_is_copied(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "plain",
        "\x01\x7f",
        "\xc2\x80",
        "\xdf\xbf",
        "\xe0\xa0\x80",
        "\xed\x9f\xbf",
        "\xee\x80\x80",
        "\xef\xbf\xbf",
        "\xf0\x90\x80\x80",
        "\xf4\x8f\xbf\xbf",
        "Grüße 🌊 日本",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        expect_copy(texts[i], texts[i]);
}

static void test_each_bad_byte_is_replaced(void **state)
{
    (void)state;
    expect_copy("a\xff", "a" BAD);
    expect_copy("\xc3", BAD);                         /* cut */
    expect_copy("\xe2\x82", BAD BAD);                 /* cut */
    expect_copy("\xf0\x9f\x8c", BAD BAD BAD);         /* cut */
    expect_copy("\xc0\xaf", BAD BAD);                 /* overlong */
    expect_copy("\xe0\x9f\xbf", BAD BAD BAD);         /* overlong */
    expect_copy("\xf0\x8f\xbf\xbf", BAD BAD BAD BAD); /* overlong */
    expect_copy("\xed\xa0\x80", BAD BAD BAD);         /* surrogate */
    expect_copy("\xf4\x90\x80\x80", BAD BAD BAD BAD); /* beyond U+10FFFF */
    expect_copy("\x80x", BAD "x");
    expect_copy("\xc3x", BAD "x");
}

/* jansson, which checks what it is given, takes every copy; and a copy of a copy is the copy. */
static void test_any_bytes_become_utf8(void **state)
{
    (void)state;
    uint64_t seed = 0x07f8;
    for (int round = 0; round < 20000; round++) {
        char text[24];
        size_t n = random_below(&seed, sizeof text);
        for (size_t i = 0; i < n; i++)
            text[i] = (char)(random_below(&seed, 4) ? 0x80 + random_below(&seed, 0x80)
                                                    : 1 + random_below(&seed, 0x7f));
        text[n] = '\0';
        char *copy = tide_utf8_copy(text);
        json_t *string = json_string(copy);
        assert_non_null(string);
        expect_copy(copy, copy);
        json_decref(string);
        free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sound_text_is_copied),
        cmocka_unit_test(test_each_bad_byte_is_replaced),
        cmocka_unit_test(test_any_bytes_become_utf8),
    };
    return cmocka_run_group_tests_name("utf8", tests, NULL, NULL);
}
