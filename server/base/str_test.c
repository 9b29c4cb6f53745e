/* str_test.c - a text grows, stays terminated, stops at its ceiling and says so once. */
#include "base/testing.h"

#include "base/str.h"

static void test_empty_text_is_taken_as_empty(void **state)
{
    (void)state;
    struct tide_str s = {0};
    char *text = tide_str_take(&s);
    assert_string_equal(text, "");
    assert_null(s.at);
    free(text);
}

static void test_grows_over_every_capacity(void **state)
{
    (void)state;
    struct tide_str s = {0};
    for (size_t i = 0; i < 10000; i++) {
        const char byte = (char)('a' + i % 26);
        tide_str_add(&s, &byte, 1);
        assert_int_equal(s.length, i + 1);
        assert_int_equal(s.at[s.length], '\0');
        assert_true(s.capacity > s.length);
    }
    for (size_t i = 0; i < s.length; i++)
        assert_int_equal(s.at[i], 'a' + (char)(i % 26));
    assert_false(s.failed);
    tide_str_free(&s);
}

/* The same pieces in any grouping give the same text. */
static void test_append_is_concatenation(void **state)
{
    (void)state;
    uint64_t seed = 0x5eed;
    for (int round = 0; round < 200; round++) {
        char expected[4096] = "";
        size_t used = 0;
        struct tide_str s = {0};
        while (used < 3000) {
            char piece[200];
            size_t n = random_below(&seed, sizeof piece - 1);
            for (size_t i = 0; i < n; i++)
                piece[i] = (char)('!' + random_below(&seed, 90));
            piece[n] = '\0';
            memcpy(expected + used, piece, n + 1);
            used += n;
            if (random_below(&seed, 2))
                tide_str_put(&s, piece);
            else
                tide_str_printf(&s, "%s", piece);
        }
        assert_string_equal(s.at, expected);
        assert_int_equal(s.length, used);
        tide_str_free(&s);
    }
}

static void test_bytes_may_be_nul(void **state)
{
    (void)state;
    struct tide_str s = {0};
    tide_str_add(&s, "a\0b", 3);
    assert_int_equal(s.length, 3);
    assert_memory_equal(s.at, "a\0b", 4);
    tide_str_free(&s);
}

static void test_ceiling_is_inclusive(void **state)
{
    (void)state;
    struct tide_str s = {.ceiling = 5};
    tide_str_put(&s, "12345");
    assert_false(s.failed);
    tide_str_add(&s, "", 0);
    assert_false(s.failed);
    tide_str_put(&s, "6");
    assert_true(s.failed);
    assert_string_equal(s.at, "12345");
    tide_str_free(&s);
}

/* A text with a hole in its middle would be worse than one cut:
 * after a failure nothing is added. */
static void test_failure_sticks(void **state)
{
    (void)state;
    struct tide_str s = {.ceiling = 8};
    tide_str_put(&s, "abc");
    tide_str_put(&s, "too long for it");
    assert_true(s.failed);
    tide_str_put(&s, "d");
    tide_str_printf(&s, "%d", 1);
    assert_string_equal(s.at, "abc");
    assert_null(tide_str_take(&s));
    assert_null(s.at);
}

static void test_free_leaves_it_usable_with_its_ceiling(void **state)
{
    (void)state;
    struct tide_str s = {.ceiling = 2};
    tide_str_put(&s, "abc");
    tide_str_free(&s);
    assert_false(s.failed);
    tide_str_put(&s, "ab");
    assert_false(s.failed);
    tide_str_put(&s, "c");
    assert_true(s.failed);
    tide_str_free(&s);
}

static void test_printf_past_the_ceiling_fails_whole(void **state)
{
    (void)state;
    struct tide_str s = {.ceiling = 10};
    tide_str_printf(&s, "%s", "12345678901");
    assert_true(s.failed);
    assert_int_equal(s.length, 0);
    tide_str_free(&s);
}

static void test_sizes_near_the_largest_do_not_wrap(void **state)
{
    (void)state;
    struct tide_str s = {0};
    tide_str_put(&s, "abc");
    tide_str_add(&s, "", SIZE_MAX);
    assert_true(s.failed);
    assert_string_equal(s.at, "abc");
    tide_str_free(&s);
}

static void test_default_ceiling(void **state)
{
    (void)state;
    struct tide_str s = {0};
    char *block = calloc(1, TIDE_STR_DEFAULT_CEILING);
    assert_non_null(block);
    tide_str_add(&s, block, TIDE_STR_DEFAULT_CEILING);
    assert_false(s.failed);
    tide_str_add(&s, block, 1);
    assert_true(s.failed);
    tide_str_free(&s);
    free(block);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty_text_is_taken_as_empty),
        cmocka_unit_test(test_grows_over_every_capacity),
        cmocka_unit_test(test_append_is_concatenation),
        cmocka_unit_test(test_bytes_may_be_nul),
        cmocka_unit_test(test_ceiling_is_inclusive),
        cmocka_unit_test(test_failure_sticks),
        cmocka_unit_test(test_free_leaves_it_usable_with_its_ceiling),
        cmocka_unit_test(test_printf_past_the_ceiling_fails_whole),
        cmocka_unit_test(test_sizes_near_the_largest_do_not_wrap),
        cmocka_unit_test(test_default_ceiling),
    };
    return cmocka_run_group_tests_name("str", tests, NULL, NULL);
}
