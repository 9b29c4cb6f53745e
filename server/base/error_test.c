/* error_test.c - errors say what was done and why it failed, and log lines stay one line each. */
#include "base/testing.h"

#include "base/error.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>

static void test_fail_fills_and_returns_the_code(void **state)
{
    (void)state;
    struct tide_error e;
    memset(&e, 'x', sizeof e);
    assert_int_equal(tide_fail(&e, TIDE_CORRUPT, "chunk %d", 7), TIDE_CORRUPT);
    assert_int_equal(e.rc, TIDE_CORRUPT);
    assert_string_equal(e.text, "chunk 7");
    assert_string_equal(e.field, "");
}

static void test_fail_field_is_invalid(void **state)
{
    (void)state;
    struct tide_error e;
    assert_int_equal(tide_fail_field(&e, "params.count", "no"), TIDE_INVALID);
    assert_int_equal(e.rc, TIDE_INVALID);
    assert_string_equal(e.field, "params.count");
}

static void test_fail_errno_says_why(void **state)
{
    (void)state;
    struct tide_error e;
    errno = ENOENT;
    assert_int_equal(tide_fail_errno(&e, "open %s", "x"), TIDE_IO);
    assert_string_equal(e.text, "open x: No such file or directory");
}

static void test_no_place_for_the_error_is_fine(void **state)
{
    (void)state;
    assert_int_equal(tide_fail(NULL, TIDE_BUSY, "x"), TIDE_BUSY);
    assert_int_equal(tide_fail_field(NULL, "x", "x"), TIDE_INVALID);
    assert_int_equal(tide_fail_errno(NULL, "x"), TIDE_IO);
}

static void test_long_texts_are_cut_and_terminated(void **state)
{
    (void)state;
    struct tide_error e;
    char *text = malloc(5000);
    assert_non_null(text);
    memset(text, 'y', 4999);
    text[4999] = '\0';
    tide_fail_field(&e, text, "%s", text);
    assert_int_equal(strlen(e.field), sizeof e.field - 1);
    assert_int_equal(strlen(e.text), sizeof e.text - 1);
    errno = EIO;
    tide_fail_errno(&e, "%s", text);
    assert_int_equal(strlen(e.text), sizeof e.text - 1);
    free(text);
}

/* The message of `rounds` log calls as they come out on standard error; freed by the caller. */
static char *logged(enum tide_log_level level, const char *text)
{
    char *path = in_folder("log"), *out = NULL;
    struct tide_error e = {0};
    int kept = dup(STDERR_FILENO);
    int file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    assert_true(kept >= 0 && file >= 0);
    dup2(file, STDERR_FILENO);
    tide_log(level, "room", "%s", text);
    dup2(kept, STDERR_FILENO);
    close(kept);
    close(file);
    assert_rc(tide_file_read(path, 1 << 20, &out, NULL, &e), TIDE_OK, &e);
    free(path);
    return out;
}

static void test_log_line_has_its_shape(void **state)
{
    (void)state;
    char *line = logged(TIDE_LOG_WARN, "run=1 failed");
    int year, day;
    assert_int_equal(sscanf(line, "%4d-%*2d-%2dT%*2d:%*2d:%*2d.%*3dZ warn", &year, &day), 2);
    assert_contains(line, " warn  room     run=1 failed\n");
    free(line);
}

static void test_log_is_one_line_whatever_the_text(void **state)
{
    (void)state;
    char *line = logged(TIDE_LOG_ERROR, "one\ntwo\r\nthree");
    assert_contains(line, "one two  three\n");
    assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
    free(line);
}

static void test_log_cuts_what_is_too_long(void **state)
{
    (void)state;
    char text[4000];
    memset(text, 'z', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    char *line = logged(TIDE_LOG_ERROR, text);
    assert_true(strlen(line) <= 2048);
    assert_int_equal(line[strlen(line) - 1], '\n');
    free(line);
}

static void test_log_below_its_level_is_dropped(void **state)
{
    (void)state;
    char *line = logged(TIDE_LOG_DEBUG, "hidden");
    assert_string_equal(line, "");
    free(line);
    tide_log_set_level(TIDE_LOG_DEBUG);
    line = logged(TIDE_LOG_DEBUG, "shown");
    assert_contains(line, "debug room     shown");
    free(line);
    tide_log_set_level(TIDE_LOG_INFO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fail_fills_and_returns_the_code),
        cmocka_unit_test(test_fail_field_is_invalid),
        cmocka_unit_test(test_fail_errno_says_why),
        cmocka_unit_test(test_no_place_for_the_error_is_fine),
        cmocka_unit_test(test_long_texts_are_cut_and_terminated),
        cmocka_unit_test(test_log_line_has_its_shape),
        cmocka_unit_test(test_log_is_one_line_whatever_the_text),
        cmocka_unit_test(test_log_cuts_what_is_too_long),
        cmocka_unit_test(test_log_below_its_level_is_dropped),
    };
    return cmocka_run_group_tests_name("error", tests, make_test_folder, remove_test_folder);
}
