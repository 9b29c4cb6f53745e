/* ranges_test.c - what ranges, dates and steps select of a real repository, and what is refused.
 *
 * Five commits c1 to c5, one a day from 2024-01-01 at noon; c2 and c4 are tagged; a side line s1,
 * s2 leaves at c2 and is merged as c5. */
#include "store/testing.h"

#include "schedule/ranges.h"

static struct tide_repo *repo;

static int make_repository(void **state)
{
    if (make_test_folder(state)) return -1;
    run_shell(
        "git init -q -b main source && cd source\n"
        "commit() { GIT_COMMITTER_DATE=\"2024-01-0$1 12:00 +0000\" "
        "git commit -q --allow-empty -m $2; }\n"
        "commit 1 c1; commit 2 c2; git tag v1; git checkout -q -b side; commit 2 s1; commit 3 "
        "s2\n"
        "git checkout -q main; commit 3 c3; commit 4 c4; git tag -a -m x v2\n"
        "GIT_COMMITTER_DATE='2024-01-05 12:00 +0000' git merge -q -m c5 side");
    char *source = in_folder("source"), *mirror = in_folder("mirror.git");
    char *worktrees = in_folder("worktrees");
    EXPECT_OK(tide_repo_open(source, NULL, mirror, worktrees, NULL, &repo, &error));
    EXPECT_OK(tide_repo_sync(repo, TIDE_FETCH_DEADLINE_S, &error));
    free(source);
    free(mirror);
    free(worktrees);
    return 0;
}

static int remove_repository(void **state)
{
    tide_repo_close(repo);
    return remove_test_folder(state);
}

static enum tide_rc choose(const char *request, struct tide_selection *s)
{
    json_error_t wrong;
    json_t *wish = json_loads(request, 0, &wrong);
    if (!wish) fail_msg("%s in %s", wrong.text, request);
    error = (struct tide_error){0};
    enum tide_rc rc = tide_ranges_select(repo, wish, s, &error);
    json_decref(wish);
    return rc;
}

/* The subjects, those that are named in brackets. */
static void expect(const char *request, const char *subjects)
{
    struct tide_selection s;
    struct tide_str all = {0};
    EXPECT_OK(choose(request, &s));
    for (size_t i = 0; i < s.n; i++)
        tide_str_printf(&all, s.named[i] ? "%s[%s]" : "%s%s", i ? " " : "", s.commits[i].subject);
    if (strcmp(all.at, subjects) != 0) fail_msg("%s gives %s", request, all.at);
    tide_str_free(&all);
    tide_selection_clear(&s);
}

static void expect_refusal(const char *request, const char *name, const char *why)
{
    struct tide_selection s;
    enum tide_rc rc = choose(request, &s);
    if (rc != TIDE_INVALID) fail_msg("code %d for %s", (int)rc, request);
    if (strcmp(error.field, name) != 0)
        fail_msg("field %s instead of %s: %s", error.field, name, error.text);
    assert_contains(error.text, why);
    tide_selection_clear(&s);
}

static void test_revisions(void **state)
{
    (void)state;
    expect("{}", "[c5]");
    expect("{\"commits\":[\"v1\",\"HEAD\",\"side\",\"HEAD~3\"]}", "[c2] [c5] [s2]");
    expect("{\"commits\":[\":/c4\"]}", "[c4]");
}

static void test_ranges(void **state)
{
    (void)state;
    expect("{\"commits\":[\"HEAD~2..HEAD\"]}", "c4 c5");
    expect("{\"commits\":[\"v1..v2\"]}", "c3 c4");
    expect("{\"commits\":[\"v2..\"]}", "c5");
}

static void test_tags(void **state)
{
    (void)state;
    expect("{\"commits\":[\"tags\"]}", "c2 c4");
    expect("{\"commits\":[\"tags\",\"v1\"]}", "[c2] c4");
    expect("{\"commits\":[{\"range\":\"tags\",\"since\":\"2024-01-03\"}]}", "c4");
}

static void test_dates(void **state)
{
    (void)state;
    expect("{\"since\":\"2024-01-04\"}", "c4 c5");
    expect("{\"until\":\"2024-01-02\"}", "c1 c2");
    expect("{\"since\":\"2024-01-02T12:00:00Z\",\"until\":\"2024-01-03T12:00:00Z\"}", "c2 c3");
    expect("{\"since\":\"2024-01-02T12:00:01Z\",\"until\":\"2024-01-03T11:59:59Z\","
           "\"commits\":[\"HEAD\",{\"until\":\"2024-01-03\"}]}",
           "[c5] c3");
    expect("{\"commits\":[\"v1..HEAD\"],\"until\":\"2024-01-04\"}", "c3 c4");
}

/* Counted from the newest, which is always in. */
static void test_every(void **state)
{
    (void)state;
    expect("{\"every\":2}", "c1 c3 c5");
    expect("{\"every\":3}", "c2 c5");
    expect("{\"every\":100}", "c5");
    expect("{\"every\":2,\"commits\":[{\"range\":\"HEAD~3..HEAD\",\"every\":1},\"tags\"]}",
           "c3 c4 c5");
    expect("{\"every\":2,\"until\":\"2024-01-04\"}", "c2 c4");
}

static void test_filters(void **state)
{
    (void)state;
    struct tide_selection s;
    EXPECT_OK(choose("{\"commits\":[\"v1\",\"new\"]}", &s));
    assert_true(s.only_new && !s.only_missing);
    assert_int_equal(s.new_at, 1);
    tide_selection_clear(&s);
    expect("{\"commits\":[\"v1\",\"new\"]}", "c1 [c2] c3 c4 c5");
    expect("{\"commits\":[\"v1..v2\",\"missing\"]}", "c3 c4");
    expect("{\"commits\":[\"missing\"],\"since\":\"2024-01-05\"}", "c5");
}

static void test_what_names_nothing_is_refused(void **state)
{
    (void)state;
    expect_refusal("{\"commits\":[\"HEAD\",\"HEAD..HEAD\"]}", "commits[1]",
                   "HEAD..HEAD names no commit");
    expect_refusal("{\"since\":\"2030-01-01\"}", "commits",
                   "the history of HEAD names no commit between since and until");
    expect_refusal("{\"commits\":[\"v1..v2\"],\"until\":\"2024-01-01\"}", "commits[0]",
                   "v1..v2 names no commit between since and until");
    expect_refusal("{\"commits\":[\"nowhere..HEAD\"]}", "commits[0]", "\"nowhere\" names no");
    expect_refusal("{\"commits\":[\"HEAD..nowhere\"]}", "commits[0]", "\"nowhere\" names no");
}

static void test_refusals_of_shape(void **state)
{
    (void)state;
    expect_refusal("{\"commits\":[\"v1...v2\"]}", "commits[0]", "three dots");
    expect_refusal("{\"commits\":[{\"from\":\"v1\"}]}", "commits[0].from", "allowed are range");
    expect_refusal("{\"commits\":[{\"range\":\"v1\"}]}", "commits[0].range", "must be a range");
    expect_refusal("{\"commits\":[{\"range\":5}]}", "commits[0].range", "must be a range");
    expect_refusal("{\"commits\":[{\"since\":\"x\"}]}", "commits[0].since", "must be a date");
    expect_refusal("{\"commits\":[\"HEAD\"],\"every\":2}", "commits", "bound a range");
    expect_refusal("{\"since\":\"2024-02-01\",\"until\":\"2024-01-01\"}", "since", "later than");
    static const char *const dates[] = {
        "2024-1-1",           "2024-02-30",           "2024-13-01", "yesterday",
        "2024-01-01 ",        "2024-01-01T25:00:00Z", "1969-12-31", "",
        "2024-01-01T12:00:00"};
    for (size_t i = 0; i < sizeof dates / sizeof *dates; i++) {
        char request[100];
        snprintf(request, sizeof request, "{\"until\":\"%s\"}", dates[i]);
        expect_refusal(request, "until", "must be a date in UTC like");
    }
    expect_refusal("{\"since\":5}", "since", "must be a date");
    expect_refusal("{\"every\":0}", "every", "an integer from 1 to 1000000");
    expect_refusal("{\"every\":1.5}", "every", "an integer");
    expect_refusal("{\"every\":\"2\"}", "every", "an integer");
}

/* The figure is in the refusal. */
static void test_more_than_a_request_may_name(void **state)
{
    (void)state;
    run_shell(
        "cd source; git checkout -q -b long; export GIT_COMMITTER_DATE='2024-02-01 12:00 +0000'; "
        "p=HEAD; for i in $(seq 1001); do "
        "p=$(git commit-tree -p $p -m l$i HEAD^{tree}); done; git reset -q --hard $p; "
        "git checkout -q main");
    EXPECT_OK(tide_repo_sync(repo, TIDE_FETCH_DEADLINE_S, &error));
    expect_refusal("{\"commits\":[\"main..long\"]}", "commits[0]",
                   "main..long names 1001 commits, more than the 1000");
    expect_refusal("{\"commits\":[\"main~1..long~2\",\"main..long~1\"]}", "commits[1]",
                   "more than the 1000");
    struct tide_selection s;
    EXPECT_OK(choose("{\"commits\":[\"main..long\"],\"every\":2}", &s));
    assert_int_equal(s.n, 501);
    tide_selection_clear(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_revisions),
        cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_tags),
        cmocka_unit_test(test_dates),
        cmocka_unit_test(test_every),
        cmocka_unit_test(test_filters),
        cmocka_unit_test(test_what_names_nothing_is_refused),
        cmocka_unit_test(test_refusals_of_shape),
        cmocka_unit_test(test_more_than_a_request_may_name),
    };
    return cmocka_run_group_tests_name("ranges", tests, make_repository, remove_repository);
}
