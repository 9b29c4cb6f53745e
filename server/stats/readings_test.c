/* readings_test.c - what is read from CSV and JSON, and what is refused with its line named. */
#include "base/testing.h"

#include "stats/readings.h"

#include <math.h>

static struct tide_error error;

static struct tide_readings read_text(const char *text)
{
    struct tide_readings r;
    assert_rc(tide_readings_parse(text, strlen(text), &r, &error), TIDE_OK, &error);
    return r;
}

/* Read it and hold it against "position=value/samples ..." */
static void assert_reads(const char *text, const char *wanted)
{
    struct tide_readings r = read_text(text);
    struct tide_str got = {0};
    for (size_t i = 0; i < r.n; i++)
        tide_str_printf(&got, "%s%s=%g/%zu", i ? " " : "", r.at[i].position, r.at[i].value,
                        r.at[i].samples);
    assert_string_equal(got.at, wanted);
    tide_str_free(&got);
    tide_readings_free(&r);
}

static void assert_refused(const char *text, const char *why)
{
    struct tide_readings r;
    assert_rc(tide_readings_parse(text, strlen(text), &r, &error), TIDE_INVALID, &error);
    assert_contains(error.text, why);
    assert_null(r.at);
}

static void test_csv(void **state)
{
    (void)state;
    assert_reads("1,10\n2,20\n", "1=10/1 2=20/1");
    assert_reads("commit,rss\r\nabc, 1e3\r\n\r\n# note\r\ndef,2.5", "abc=1000/1 def=2.5/1");
    assert_reads("5\n6\n\n7\n", "0=5/1 1=6/1 2=7/1");
    assert_reads("value\n5\n6\n", "0=5/1 1=6/1");
    assert_reads("a;1;2;9\nb;4;;6\n", "a=2/3 b=5/2");
    assert_reads("\"a\"\t1\n\"b\"\t2\n", "a=1/1 b=2/1");
}

static void test_gaps_stay(void **state)
{
    (void)state;
    assert_reads("1,10\n2,\n3,NA\n4,nan\n5,1\n", "1=10/1 2=nan/0 3=nan/0 4=nan/0 5=1/1");
    assert_reads("[1, null, 3]", "0=1/1 1=nan/0 2=3/1");
}

static void test_positions_in_order(void **state)
{
    (void)state;
    assert_reads("3,30\n1,10\n2,20\n1,12\n", "1=11/2 2=20/1 3=30/1");
    assert_reads("z,1\na,2\nz,3\n", "z=2/2 a=2/1");
}

static void test_json(void **state)
{
    (void)state;
    assert_reads("[1, 2.5]", "0=1/1 1=2.5/1");
    assert_reads("[[7, 1], [8, [2, 4]], [9, 5, 6, 7]]", "7=1/1 8=3/2 9=6/3");
    assert_reads("[{\"position\": \"a\", \"value\": 3}, {\"position\": \"b\", \"values\": [1, 2]}]",
                 "a=3/1 b=1.5/2");
    assert_reads(" {\"series\": [4, 5]}", "0=4/1 1=5/1");
}

static void test_refused_with_the_line(void **state)
{
    (void)state;
    assert_refused("1,2\n2,x\n", "line 2: \"x\" is not a finite number");
    assert_refused("a,1\n\n\nb,inf\n", "line 4");
    assert_refused("a,1\n,2\n", "line 2: it has no position");
    assert_refused("1,1e999\n2,3\n", "line 1: \"1e999\"");
    assert_refused("1,1\n2,0x10\n", "line 2");
    assert_refused("", "no measurement");
    assert_refused("[1,\n2,\n", "line 3");
    assert_refused("[1, \"a\"]", "entry 1");
    assert_refused("[[1]]", "entry 0");
    assert_refused("[[1, []]]", "entry 0");
    assert_refused("[[1, [[2]]]]", "entry 0");
    assert_refused("[[{}, 2]]", "entry 0");
    assert_refused("[{\"value\": true}]", "entry 0");
    assert_refused("{\"x\": 1}", "it holds no list");
    assert_refused("[]", "no measurement");
}

static void test_too_many_cells(void **state)
{
    (void)state;
    struct tide_str line = {0};
    for (int i = 0; i < 1001; i++)
        tide_str_put(&line, "1,");
    assert_refused(line.at, "line 1: more than 1000 cells");
    tide_str_free(&line);
}

static void test_bytes_that_are_no_text(void **state)
{
    (void)state;
    struct tide_readings r;
    assert_rc(tide_readings_parse("1\0002", 3, &r, &error), TIDE_INVALID, &error);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_csv),
        cmocka_unit_test(test_gaps_stay),
        cmocka_unit_test(test_positions_in_order),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_refused_with_the_line),
        cmocka_unit_test(test_too_many_cells),
        cmocka_unit_test(test_bytes_that_are_no_text),
    };
    return cmocka_run_group_tests_name("readings", tests, NULL, NULL);
}
