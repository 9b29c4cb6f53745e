/* params_test.c - parameters are checked by type and range, completed, and written in one canonical
 * form. */
#include "base/testing.h"

#include "schedule/params.h"

static struct tide_error error;
static json_t *scenario;

static json_t *parse(const char *text)
{
    json_error_t wrong;
    json_t *value = json_loads(text, JSON_DECODE_ANY, &wrong);
    if (!value) fail_msg("%s in %s", wrong.text, text);
    return value;
}

static int describe_scenario(void **state)
{
    (void)state;
    scenario = parse(
        "{\"params\": ["
        "{\"name\":\"ratio\",\"type\":\"number\",\"default\":0.5,\"minimum\":0,\"maximum\":1},"
        "{\"name\":\"count\",\"type\":\"integer\",\"default\":1000,\"demo\":10,\"minimum\":1,"
        "\"maximum\":16777216},"
        "{\"name\":\"sorted\",\"type\":\"boolean\",\"default\":false,\"demo\":true},"
        "{\"name\":\"label\",\"type\":\"string\",\"default\":\"a\"},"
        "{\"name\":\"free\",\"type\":\"integer\",\"default\":-1}]}");
    return 0;
}

static int drop_scenario(void **state)
{
    (void)state;
    json_decref(scenario);
    return 0;
}

static void expect(const char *given, bool demo, const char *expected)
{
    char *out = NULL;
    json_t *params = given ? parse(given) : NULL;
    assert_rc(tide_params_complete(scenario, params, demo, &out, &error), TIDE_OK, &error);
    assert_string_equal(out, expected);
    json_decref(params);
    free(out);
}

/* As a request for this scenario alone. */
static enum tide_rc complete(const json_t *given, bool demo, char **out)
{
    const json_t *const all[] = {scenario};
    *out = NULL;
    enum tide_rc rc = tide_params_known(all, 1, given, &error);
    return rc ? rc : tide_params_complete(scenario, given, demo, out, &error);
}

static void expect_refusal(const char *given, const char *name, const char *why)
{
    char *out = (char *)1;
    json_t *params = parse(given);
    error = (struct tide_error){0};
    assert_int_equal(complete(params, false, &out), TIDE_INVALID);
    assert_null(out);
    assert_string_equal(error.field, name);
    assert_contains(error.text, why);
    json_decref(params);
}

static void test_defaults(void **state)
{
    (void)state;
    const char *full =
        "{\"count\":1000,\"free\":-1,\"label\":\"a\",\"ratio\":0.5,\"sorted\":false}";
    expect(NULL, false, full);
    expect("{}", false, full);
    expect(NULL, true, "{\"count\":10,\"free\":-1,\"label\":\"a\",\"ratio\":0.5,\"sorted\":true}");
}

static void test_given_ones_go_before_demo_and_default(void **state)
{
    (void)state;
    const char *given = "{\"sorted\":false,\"label\":\"\xc3\xa9\\\"\",\"count\":7,\"ratio\":0.25}";
    const char *all =
        "{\"count\":7,\"free\":-1,\"label\":\"\xc3\xa9\\\"\",\"ratio\":0.25,\"sorted\":false}";
    expect(given, false, all);
    expect(given, true, all);
}

/* What means the same is written the same: it is the same cell. */
static void test_the_form_is_canonical(void **state)
{
    (void)state;
    const char *all = "{\"count\":5,\"free\":0,\"label\":\"a\",\"ratio\":1.0,\"sorted\":false}";
    expect("{\"ratio\":1,\"count\":5,\"free\":0}", false, all);
    expect("{\"free\":0.0,\"count\":5.0,\"ratio\":1.0}", false, all);
    expect("{\"count\":0.5e1,\"ratio\":10e-1,\"free\":-0}", false, all);
}

static void test_range_is_inclusive(void **state)
{
    (void)state;
    const char *const wrong[] = {"{\"count\":0}",     "{\"count\":-1}",  "{\"count\":16777217}",
                                 "{\"count\":1e300}", "{\"count\":0.5}", "{\"count\":9e18}"};
    expect("{\"count\":1,\"ratio\":0}", false,
           "{\"count\":1,\"free\":-1,\"label\":\"a\",\"ratio\":0.0,\"sorted\":false}");
    expect("{\"count\":16777216,\"ratio\":1}", false,
           "{\"count\":16777216,\"free\":-1,\"label\":\"a\",\"ratio\":1.0,\"sorted\":false}");
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        expect_refusal(wrong[i], "params.count", "count must be an integer from 1 to 16777216");
    expect_refusal("{\"ratio\":1.0000001}", "params.ratio", "must be a number from 0 to 1");
}

static void test_type_is_told(void **state)
{
    (void)state;
    expect_refusal("{\"count\":\"5\"}", "params.count", "not \"5\"");
    expect_refusal("{\"count\":true}", "params.count", "not true");
    expect_refusal("{\"count\":null}", "params.count", "not null");
    expect_refusal("{\"count\":[1]}", "params.count", "not [1]");
    expect_refusal("{\"count\":1.5}", "params.count", "not 1.5");
    expect_refusal("{\"sorted\":1}", "params.sorted", "must be a boolean");
    expect_refusal("{\"label\":1}", "params.label", "must be a string");
    expect_refusal("{\"ratio\":\"x\"}", "params.ratio", "must be a number");
}

static void test_integers_without_a_range(void **state)
{
    (void)state;
    expect("{\"free\":9223372036854775807}", false,
           "{\"count\":1000,\"free\":9223372036854775807,\"label\":\"a\",\"ratio\":0.5,"
           "\"sorted\":false}");
    expect_refusal("{\"free\":1e19}", "params.free", "free must be an integer");
    expect_refusal("{\"free\":9007199254740992.0}", "params.free", "free must be an integer");
}

static void test_unknown_ones_are_refused(void **state)
{
    (void)state;
    expect_refusal("{\"cuont\":5}", "params.cuont",
                   "allowed are ratio, count, sorted, label, free");
    expect_refusal("{\"\":5}", "params.", "no such parameter");
}

static void test_long_names_and_values_are_cut(void **state)
{
    (void)state;
    struct tide_str text = {0};
    tide_str_put(&text, "{\"");
    for (int i = 0; i < 500; i++)
        tide_str_put(&text, "x");
    tide_str_put(&text, "\":1}");
    char *out = NULL;
    json_t *params = parse(text.at);
    assert_int_equal(complete(params, false, &out), TIDE_INVALID);
    assert_int_equal(strlen(error.field), sizeof error.field - 1);
    json_decref(params);
    tide_str_free(&text);
}

static void test_a_scenario_without_parameters(void **state)
{
    (void)state;
    json_decref(scenario);
    scenario = parse("{\"params\":[]}");
    expect(NULL, false, "{}");
    expect_refusal("{\"count\":5}", "params.count", "no such parameter");
}

/* Each takes those that it knows; a name that none knows is refused with all that there are. */
static void test_several_scenarios(void **state)
{
    (void)state;
    json_t *other = parse("{\"params\":[{\"name\":\"depth\",\"type\":\"integer\",\"default\":3},"
                          "{\"name\":\"count\",\"type\":\"integer\",\"default\":4}]}");
    json_t *given = parse("{\"depth\":5,\"ratio\":1}"), *wrong = parse("{\"depht\":5}");
    const json_t *const both[] = {scenario, other};
    char *text = NULL;
    assert_int_equal(tide_params_known(both, 2, NULL, &error), TIDE_OK);
    assert_int_equal(tide_params_known(both, 2, given, &error), TIDE_OK);
    assert_int_equal(tide_params_complete(other, given, false, &text, &error), TIDE_OK);
    assert_string_equal(text, "{\"count\":4,\"depth\":5}");
    assert_int_equal(tide_params_known(both, 2, wrong, &error), TIDE_INVALID);
    assert_string_equal(error.field, "params.depht");
    assert_contains(error.text, "allowed are ratio, count, sorted, label, free, depth");
    free(text);
    json_decref(other);
    json_decref(given);
    json_decref(wrong);
}

#define PARAMS_TEST(name) cmocka_unit_test_setup_teardown(name, describe_scenario, drop_scenario)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PARAMS_TEST(test_defaults),
        PARAMS_TEST(test_given_ones_go_before_demo_and_default),
        PARAMS_TEST(test_the_form_is_canonical),
        PARAMS_TEST(test_range_is_inclusive),
        PARAMS_TEST(test_type_is_told),
        PARAMS_TEST(test_integers_without_a_range),
        PARAMS_TEST(test_unknown_ones_are_refused),
        PARAMS_TEST(test_long_names_and_values_are_cut),
        PARAMS_TEST(test_a_scenario_without_parameters),
        PARAMS_TEST(test_several_scenarios),
    };
    return cmocka_run_group_tests_name("params", tests, NULL, NULL);
}
