/* hooks_test.c - webhooks are let in by their signature only, and say which branch has moved. */
#include "base/testing.h"

#include "schedule/hooks.h"

static struct tide_error error;

#define SECRET "It's a Secret to Everybody"
#define PUSH                                                                               \
    "{\"ref\":\"refs/heads/main\",\"after\":\"1234567890123456789012345678901234567890\"," \
    "\"repository\":{\"default_branch\":\"main\"}}"

static enum tide_rc judge(struct tide_hook h, const char *body, const char *branch,
                          struct tide_hook_verdict *v)
{
    h.body = body;
    h.size = strlen(body);
    error = (struct tide_error){0};
    return tide_hook_judge(&h, SECRET, branch, 1700000000, v, &error);
}

static struct tide_hook github(const char *body, char signature[80])
{
    char digest[TIDE_DIGEST_TEXT];
    tide_digest_hmac(SECRET, strlen(SECRET), body, strlen(body), digest);
    snprintf(signature, 80, "sha256=%s", digest);
    return (struct tide_hook){
        .github_signature = signature, .github_event = "push", .github_delivery = "d-1"};
}

/* The example of GitHub's documentation ("Validating webhook deliveries"). */
static void test_the_documented_signature(void **state)
{
    (void)state;
    struct tide_hook_verdict v;
    const struct tide_hook h = {
        .github_signature =
            "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
        .github_event = "ping",
        .github_delivery = "d-1"};
    assert_rc(judge(h, "Hello, World!", "", &v), TIDE_OK, &error);
    assert_false(v.push);
    assert_string_equal(v.provider, "github");
    assert_string_equal(v.delivery, "delivery d-1");
    assert_int_equal(judge(h, "Hello, World?", "", &v), TIDE_FAILED);
}

static void test_pushes_of_each_kind(void **state)
{
    (void)state;
    struct tide_hook_verdict v, other;
    char signature[80];
    struct tide_hook h = github(PUSH, signature);
    assert_rc(judge(h, PUSH, "", &v), TIDE_OK, &error);
    assert_true(v.push);
    h = (struct tide_hook){.gitea_signature = signature + 7,
                           .gitea_event = "push",
                           .gitea_delivery = "d-2",
                           .github_signature = "sha256=wrong"}; /* Gitea sends both */
    assert_rc(judge(h, PUSH, "main", &other), TIDE_OK, &error);
    assert_true(other.push);
    assert_string_equal(v.content, other.content);
    h = (struct tide_hook){
        .gitlab_token = SECRET, .gitlab_event = "Push Hook", .gitlab_delivery = "d-3"};
    assert_rc(judge(h, PUSH, "", &v), TIDE_OK, &error);
    assert_true(v.push);
    assert_string_equal(v.provider, "gitlab");
}

/* ID.TIMESTAMP.BODY, in base64; computed by another program than ours. */
static void test_signed_gitlab(void **state)
{
    (void)state;
    struct tide_hook_verdict v;
    struct tide_hook h = {.gitlab_event = "Push Hook",
                          .standard_id = "msg-1",
                          .standard_timestamp = "1700000000",
                          .standard_signature = "v1,x7iwetWXE3pjx2Pyi5KusVQDFzfUwmeK/tHmjkZ3fMk="};
    assert_rc(judge(h, PUSH, "", &v), TIDE_OK, &error);
    assert_true(v.push);
    h.standard_signature = "v1,AAAA v1a,BBBB v1,x7iwetWXE3pjx2Pyi5KusVQDFzfUwmeK/tHmjkZ3fMk=";
    assert_rc(judge(h, PUSH, "", &v), TIDE_OK, &error);
    h.standard_timestamp = "1699999000";
    assert_int_equal(judge(h, PUSH, "", &v), TIDE_FAILED);
    h.standard_timestamp = "1700000000";
    h.standard_id = "msg-2";
    assert_int_equal(judge(h, PUSH, "", &v), TIDE_FAILED);
    h.standard_id = "msg-1";
    h.standard_signature = "v1,";
    assert_int_equal(judge(h, PUSH, "", &v), TIDE_FAILED);
    h.standard_signature = "v1,x7iwetWXE3pjx2Pyi5KusVQDFzfUwmeK/tHmjkZ3fMk=";
    h.body = PUSH;
    h.size = strlen(PUSH);
    assert_rc(tide_hook_judge(&h, "whsec_SXQncyBhIFNlY3JldCB0byBFdmVyeWJvZHk=", "", 1700000000, &v,
                              &error),
              TIDE_OK, &error);
}

static void test_what_is_not_genuine(void **state)
{
    (void)state;
    struct tide_hook_verdict v;
    const struct tide_hook cases[] = {
        {0},
        {.github_event = "push", .github_delivery = "d"},
        {.github_signature = "", .github_event = "push", .github_delivery = "d"},
        {.github_signature = "sha256=", .github_event = "push", .github_delivery = "d"},
        {.github_signature = "sha1=00", .github_event = "push", .github_delivery = "d"},
        {.gitea_signature = "", .gitea_event = "push", .gitea_delivery = "d"},
        {.gitlab_token = "", .gitlab_event = "Push Hook", .gitlab_delivery = "d"},
        {.gitlab_token = SECRET "x", .gitlab_event = "Push Hook", .gitlab_delivery = "d"},
        {.gitlab_token = SECRET, .standard_signature = "v1,AA", .gitlab_event = "Push Hook"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(judge(cases[i], PUSH, "", &v), TIDE_FAILED);
}

static void expect_ignored(const char *body, const char *branch, const char *why)
{
    struct tide_hook_verdict v;
    char signature[80];
    assert_rc(judge(github(body, signature), body, branch, &v), TIDE_OK, &error);
    assert_false(v.push);
    assert_contains(v.why, why);
}

static void test_what_is_ignored(void **state)
{
    (void)state;
    struct tide_hook_verdict v;
    char signature[80];
    expect_ignored(PUSH, "next", "another branch");
    expect_ignored("{\"ref\":\"refs/heads/x\",\"project\":{\"default_branch\":\"main\"}}", "",
                   "another branch");
    expect_ignored("{\"ref\":\"refs/tags/v1\"}", "", "no branch");
    expect_ignored("{\"ref\":\"refs/heads/main\",\"after\":\"0000000000\"}", "main", "removed");
    const char *const broken[] = {"", "[]", "{", "{\"ref\":5}", "{}"};
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++)
        assert_int_equal(judge(github(broken[i], signature), broken[i], "", &v), TIDE_INVALID);
    struct tide_hook h = github(PUSH, signature);
    h.github_delivery = NULL;
    assert_int_equal(judge(h, PUSH, "", &v), TIDE_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_documented_signature),
        cmocka_unit_test(test_pushes_of_each_kind),
        cmocka_unit_test(test_signed_gitlab),
        cmocka_unit_test(test_what_is_not_genuine),
        cmocka_unit_test(test_what_is_ignored),
    };
    return cmocka_run_group_tests_name("hooks", tests, NULL, NULL);
}
