/* stack_test.c - which function is active is followed through calls, deep recursion and other
 * threads. */
#include "base/testing.h"

#include "run/stack.h"

static struct tide_stack stack;

static int empty_stack(void **state)
{
    (void)state;
    stack = (struct tide_stack){0};
    return 0;
}

static void follow(enum tide_kind kind, uint32_t thread, uint32_t name)
{
    tide_stack_follow(&stack, &(struct tide_record){.kind = kind, .thread = thread, .name = name});
}

static void test_calls_and_returns(void **state)
{
    (void)state;
    assert_int_equal(tide_stack_top(&stack), 0);
    follow(TIDE_CALL, 1, 5);
    follow(TIDE_C_CALL, 1, 6);
    assert_int_equal(tide_stack_top(&stack), 6);
    follow(TIDE_C_EXCEPTION, 1, 6);
    assert_int_equal(tide_stack_top(&stack), 5);
    follow(TIDE_C_CALL, 1, 7);
    follow(TIDE_C_RETURN, 1, 7);
    follow(TIDE_RETURN, 1, 5);
    assert_int_equal(tide_stack_top(&stack), 0);
}

static void test_other_records_change_nothing(void **state)
{
    (void)state;
    follow(TIDE_CALL, 1, 5);
    follow(TIDE_SAMPLE, 0, 0);
    follow(TIDE_MARK, 1, 9);
    follow(TIDE_NAME, 0, 9);
    follow(TIDE_META, 0, 0);
    assert_int_equal(tide_stack_top(&stack), 5);
    assert_int_equal(stack.depth, 1);
}

static void test_returns_without_calls_are_ignored(void **state)
{
    (void)state;
    follow(TIDE_RETURN, 1, 5);
    follow(TIDE_C_RETURN, 1, 5);
    assert_int_equal(stack.depth, 0);
    follow(TIDE_CALL, 1, 6);
    assert_int_equal(tide_stack_top(&stack), 6);
}

static void test_only_the_first_thread_counts(void **state)
{
    (void)state;
    follow(TIDE_CALL, 1, 5);
    follow(TIDE_CALL, 2, 6);
    follow(TIDE_RETURN, 2, 6);
    follow(TIDE_RETURN, 2, 6);
    assert_int_equal(tide_stack_top(&stack), 5);
}

/* Recursion beyond the deepest is counted, so that the way back finds the right names. */
static void test_deep_recursion(void **state)
{
    (void)state;
    for (uint32_t i = 1; i <= 3 * TIDE_STACK_DEEPEST; i++)
        follow(TIDE_CALL, 1, i);
    assert_int_equal(tide_stack_top(&stack), TIDE_STACK_DEEPEST);
    for (uint32_t i = 3 * TIDE_STACK_DEEPEST; i > 1; i--) {
        follow(TIDE_RETURN, 1, i);
        uint32_t below = i - 1 < TIDE_STACK_DEEPEST ? i - 1 : TIDE_STACK_DEEPEST;
        assert_int_equal(tide_stack_top(&stack), below);
    }
    follow(TIDE_RETURN, 1, 1);
    assert_int_equal(stack.depth, 0);
}

static void test_name_at_an_instant(void **state)
{
    (void)state;
    follow(TIDE_CALL, 1, 5);
    const struct tide_record returned = {.kind = TIDE_C_RETURN, .name = 8};
    const struct tide_record sample = {.kind = TIDE_SAMPLE}, mark = {.kind = TIDE_MARK, .name = 9};
    assert_int_equal(tide_stack_name_at(&stack, &returned), 8);
    assert_int_equal(tide_stack_name_at(&stack, &sample), 5);
    assert_int_equal(tide_stack_name_at(&stack, &mark), 5);
}

static void test_read_after_write_is_identity(void **state)
{
    (void)state;
    uint64_t seed = 0x57ac;
    for (uint32_t depth = 0; depth <= TIDE_STACK_DEEPEST; depth++) {
        struct tide_stack back;
        struct tide_str text = {0};
        empty_stack(NULL);
        for (uint32_t i = 0; i < depth; i++)
            follow(TIDE_CALL, 1, (uint32_t)random_number(&seed));
        tide_stack_write(&stack, &text);
        tide_stack_read(&back, text.at);
        assert_int_equal(back.depth, stack.depth);
        assert_memory_equal(back.names, stack.names, depth * sizeof *back.names);
        tide_str_free(&text);
    }
}

static void test_what_does_not_parse_is_no_trap(void **state)
{
    (void)state;
    static const char *const texts[] = {NULL, "", "x", "[", "]", "[]", "[x]", "[,", "{\"a\":1}"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        memset(&stack, 0xff, sizeof stack);
        tide_stack_read(&stack, texts[i]);
        assert_int_equal(stack.depth, 0);
    }
    struct tide_str longer = {0};
    tide_str_put(&longer, "[1");
    for (int i = 0; i < 1000; i++)
        tide_str_put(&longer, ",2");
    tide_stack_read(&stack, longer.at);
    assert_int_equal(stack.depth, TIDE_STACK_DEEPEST);
    tide_str_free(&longer);
}

#define STACK_TEST(name) cmocka_unit_test_setup(name, empty_stack)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STACK_TEST(test_calls_and_returns),
        STACK_TEST(test_other_records_change_nothing),
        STACK_TEST(test_returns_without_calls_are_ignored),
        STACK_TEST(test_only_the_first_thread_counts),
        STACK_TEST(test_deep_recursion),
        STACK_TEST(test_name_at_an_instant),
        STACK_TEST(test_read_after_write_is_identity),
        STACK_TEST(test_what_does_not_parse_is_no_trap),
    };
    return cmocka_run_group_tests_name("stack", tests, NULL, NULL);
}
