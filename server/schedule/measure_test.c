/* measure_test.c - requests that are measured alike give the same text; what cannot be measured so
 * is refused with the field's name. */
#include "store/testing.h"

#include "schedule/measure.h"

static enum tide_rc read_measure(const char *request, char **out)
{
    json_t *wish = json_loads(request, 0, NULL);
    assert_non_null(wish);
    error = (struct tide_error){0};
    enum tide_rc rc = tide_measure_read(wish, out, &error);
    json_decref(wish);
    return rc;
}

static void expect(const char *request, const char *wanted)
{
    char *text = NULL;
    EXPECT_OK(read_measure(request, &text));
    assert_string_equal(text, wanted);
    free(text);
}

static void expect_refusal(const char *request, const char *name, const char *why)
{
    char *text = NULL;
    assert_int_equal(read_measure(request, &text), TIDE_INVALID);
    assert_null(text);
    assert_string_equal(error.field, name);
    assert_contains(error.text, why);
}

static void test_defaults(void **state)
{
    (void)state;
    expect("{}", DEFAULT_MEASURE);
    expect("{\"recording\":\"changes\",\"threshold\":4096.0,\"precision\":\"bounded\","
           "\"bound\":262144,\"interval_us\":1000}",
           DEFAULT_MEASURE);
}

static void test_what_has_no_use_is_null(void **state)
{
    (void)state;
    expect("{\"recording\":\"all\",\"bound\":1}",
           "{\"bound\":1,\"interval_us\":1000,\"precision\":\"bounded\",\"recording\":\"all\","
           "\"threshold\":null}");
    expect("{\"precision\":\"exact\",\"threshold\":1099511627776}",
           "{\"bound\":null,\"interval_us\":1000,\"precision\":\"exact\",\"recording\":\"changes\","
           "\"threshold\":1099511627776}");
    expect("{\"recording\":\"marks\",\"interval_us\":100}",
           "{\"bound\":null,\"interval_us\":100,\"precision\":null,\"recording\":\"marks\","
           "\"threshold\":null}");
}

static void test_refusals(void **state)
{
    (void)state;
    expect_refusal("{\"recording\":\"some\"}", "recording", "\"changes\", \"all\" or \"marks\"");
    expect_refusal("{\"recording\":1}", "recording", "must be");
    expect_refusal("{\"precision\":\"fine\"}", "precision", "\"bounded\" or \"exact\"");
    expect_refusal("{\"precision\":null}", "precision", "must be");
    expect_refusal("{\"interval_us\":99}", "interval_us", "an integer from 100 to 1000000");
    expect_refusal("{\"interval_us\":1000001}", "interval_us", "from 100");
    expect_refusal("{\"interval_us\":100.5}", "interval_us", "an integer");
    expect_refusal("{\"interval_us\":\"1ms\"}", "interval_us", "an integer");
    expect_refusal("{\"threshold\":0}", "threshold", "from 1 to 1099511627776");
    expect_refusal("{\"bound\":1e300}", "bound", "from 1 to 1099511627776");
    expect_refusal("{\"bound\":null}", "bound", "an integer");
}

static void test_refusals_of_what_has_no_use(void **state)
{
    (void)state;
    expect_refusal("{\"recording\":\"all\",\"threshold\":1}", "threshold", "only recording");
    expect_refusal("{\"recording\":\"marks\",\"threshold\":1}", "threshold", "only recording");
    expect_refusal("{\"recording\":\"marks\",\"precision\":\"exact\"}", "precision", "no events");
    expect_refusal("{\"recording\":\"marks\",\"bound\":1}", "bound", "no events");
    expect_refusal("{\"precision\":\"exact\",\"bound\":1}", "bound", "\"exact\" has none");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_what_has_no_use_is_null),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_refusals_of_what_has_no_use),
    };
    return cmocka_run_group_tests_name("measure", tests, NULL, NULL);
}
