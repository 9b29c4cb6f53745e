/* guard_test.c - what of the HTTP side can be asked without a socket: the paths of the
 * router, the shape of problems. tests/daemon asks the rest over real connections. */
#include "base/testing.h"

#include "http/internal.h"

#include <jansson.h>

static void test_which_paths_are_the_apis(void **state)
{
    (void)state;
    assert_true(tide_router_owns("/api"));
    assert_true(tide_router_owns("/api/"));
    assert_true(tide_router_owns("/api/v1/runs"));
    assert_true(tide_router_owns("/api/v2"));
    assert_false(tide_router_owns("/"));
    assert_false(tide_router_owns("/apis"));
    assert_false(tide_router_owns("/index.html"));
}

/* The router's answer where no handler is reached; the request is cleared. */
static void expect_answer(const char *method, const char *path, unsigned status, const char *allow)
{
    struct tide_request r = {.method = method, .path = path};
    r.route = tide_router_find(&r);
    tide_router_answer(&r);
    if (r.status != status) fail_msg("%s %s: %u instead of %u", method, path, r.status, status);
    assert_string_equal(r.allow, allow ? allow : "");
    assert_string_equal(r.type, "application/problem+json");
    json_t *problem = json_loadb(r.answer.at, r.answer.length, 0, NULL);
    assert_int_equal(json_integer_value(json_object_get(problem, "status")), status);
    json_decref(problem);
    tide_str_free(&r.answer);
}

static void test_paths_that_are_nothing(void **state)
{
    (void)state;
    static const char *const paths[] = {
        "/api",
        "/api/",
        "/api/v1",
        "/api/v1/",
        "/api/v2/runs",
        "/api/v1/runs/",
        "/api/v1/run",
        "/api/v1/runs/0",
        "/api/v1/runs/01",
        "/api/v1/runs/-1",
        "/api/v1/runs/1x",
        "/api/v1/runs/9999999999999999999",
        "/api/v1/runs/1/",
        "/api/v1/runs/1/curve/x",
        "/api/v1/runs//curve",
        "/api/v1/projects//commits",
        "/api/v1/runs/{id}",
    };
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        expect_answer("GET", paths[i], 404, NULL);
}

static void test_a_name_that_is_too_long_is_nothing(void **state)
{
    (void)state;
    struct tide_str path = {0};
    tide_str_put(&path, "/api/v1/projects/");
    for (int i = 0; i < 500; i++)
        tide_str_put(&path, "x");
    tide_str_put(&path, "/commits");
    expect_answer("GET", path.at, 404, NULL);
    tide_str_free(&path);
}

static void test_methods_that_are_not_allowed(void **state)
{
    (void)state;
    expect_answer("POST", "/api/v1/status", 405, "GET, HEAD");
    expect_answer("DELETE", "/api/v1/runs", 405, "GET, HEAD, POST");
    expect_answer("POST", "/api/v1/runs/1", 405, "GET, HEAD");
    expect_answer("PUT", "/api/v1/projects/converters/commits", 405, "GET, HEAD");
    expect_answer("", "/api/v1/runs", 405, "GET, HEAD, POST");
    expect_answer("get", "/api/v1/runs", 405, "GET, HEAD, POST");
}

static json_t *problem_of(enum tide_rc rc, const char *name, const char *text, unsigned status)
{
    struct tide_error e = {.rc = rc};
    struct tide_request r = {.method = "POST", .path = "/api/v1/runs"};
    snprintf(e.field, sizeof e.field, "%s", name);
    snprintf(e.text, sizeof e.text, "%s", text);
    tide_answer_error(&r, &e);
    assert_int_equal(r.status, status);
    json_t *problem = json_loadb(r.answer.at, r.answer.length, 0, NULL);
    if (!problem) fail_msg("not JSON: %s", r.answer.at);
    tide_str_free(&r.answer);
    return problem;
}

static const char *member(const json_t *problem, const char *name)
{
    return json_string_value(json_object_get(problem, name));
}

static void test_an_invalid_field_is_named(void **state)
{
    (void)state;
    json_t *problem = problem_of(TIDE_INVALID, "pythons[1]", "say \"3.9\" <b>", 422);
    assert_string_equal(member(problem, "type"), "/problems/invalid-field");
    assert_string_equal(member(problem, "field"), "pythons[1]");
    assert_string_equal(member(problem, "detail"), "say \"3.9\" <b>");
    json_decref(problem);
}

static void test_each_code_has_its_status(void **state)
{
    (void)state;
    static const struct {
        enum tide_rc rc;
        unsigned status;
    } codes[] = {{TIDE_ABSENT, 404}, {TIDE_BUSY, 503},   {TIDE_STOPPED, 503}, {TIDE_IO, 500},
                 {TIDE_NOMEM, 500},  {TIDE_FAILED, 500}, {TIDE_CORRUPT, 500}};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        json_decref(problem_of(codes[i].rc, "", "why", codes[i].status));
}

/* A text cut in the middle of a character must not cost the client the problem. */
static void test_texts_that_are_not_utf8(void **state)
{
    (void)state;
    static const char *const texts[] = {"cut \xc3", "\xff\xfe", "a\xe2\x82", "\xf0\x9f\x8c end",
                                        "\xed\xa0\x80"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        json_t *problem = problem_of(TIDE_INVALID, texts[i], texts[i], 422);
        assert_int_equal(json_integer_value(json_object_get(problem, "status")), 422);
        assert_string_equal(member(problem, "type"), "/problems/invalid-field");
        assert_non_null(member(problem, "detail"));
        json_decref(problem);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_which_paths_are_the_apis),
        cmocka_unit_test(test_paths_that_are_nothing),
        cmocka_unit_test(test_a_name_that_is_too_long_is_nothing),
        cmocka_unit_test(test_methods_that_are_not_allowed),
        cmocka_unit_test(test_an_invalid_field_is_named),
        cmocka_unit_test(test_each_code_has_its_status),
        cmocka_unit_test(test_texts_that_are_not_utf8),
    };
    return cmocka_run_group_tests_name("guard", tests, NULL, NULL);
}
