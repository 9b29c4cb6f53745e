/* repo_test.c - the mirror follows real repositories through what their owners do to them. */
#include "base/testing.h"

#include "build/repo.h"

#include <pthread.h>
#include <stdatomic.h>

static struct tide_repo *opened(const char *source)
{
    struct tide_repo *r = NULL;
    struct tide_error e = {0};
    char *path = in_folder(source);
    char *mirror = tide_format("%s.mirror", path);
    char *trees = tide_format("%s.trees", path);
    assert_rc(tide_repo_open(path, NULL, mirror, trees, NULL, &r, &e), TIDE_OK, &e);
    free(path);
    free(mirror);
    free(trees);
    return r;
}

static struct tide_repo *synced(const char *source)
{
    struct tide_error e = {0};
    struct tide_repo *r = opened(source);
    assert_rc(tide_repo_sync(r, TIDE_FETCH_DEADLINE_S, &e), TIDE_OK, &e);
    return r;
}

static void sync_again(struct tide_repo *r)
{
    struct tide_error e = {0};
    assert_rc(tide_repo_sync(r, TIDE_FETCH_DEADLINE_S, &e), TIDE_OK, &e);
}

/* That `rev` means the commit with this subject. */
static void expect(struct tide_repo *r, const char *rev, const char *subject)
{
    struct tide_commit c;
    struct tide_error e = {0};
    assert_rc(tide_repo_resolve(r, rev, &c, &e), TIDE_OK, &e);
    assert_string_equal(c.subject, subject);
    tide_commit_clear(&c);
}

static void expect_refusal(struct tide_repo *r, const char *rev, const char *text)
{
    struct tide_commit c;
    struct tide_error e = {0};
    assert_rc(tide_repo_resolve(r, rev, &c, &e), TIDE_INVALID, &e);
    assert_string_equal(e.field, "commits");
    assert_contains(e.text, text);
    assert_null(c.subject);
}

/* A repository NAME on branch main with the commits "one", "two" and "three", each a file. */
#define MAKE(name)                                                                         \
    "git init -q -b main " name "; cd " name "; for i in one two three; do echo $i > $i; " \
    "git add $i; git commit -q -m $i; done; "

static void resolves_what_git_resolves(void **state)
{
    (void)state;
    run_shell(MAKE("plain") "git tag -a -m release v1 HEAD~1; git branch topic/x HEAD~2");
    struct tide_repo *r = synced("plain");
    char *sha = shell("git -C plain rev-parse HEAD~1");
    char abbreviated[9];
    snprintf(abbreviated, sizeof abbreviated, "%s", sha);
    expect(r, "HEAD", "three");
    expect(r, "HEAD~2", "one");
    expect(r, "main", "three");
    expect(r, "topic/x", "one");
    expect(r, "v1", "two");
    expect(r, "v1^{}", "two");
    expect(r, sha, "two");
    expect(r, abbreviated, "two");
    expect(r, ":/on", "one");
    free(sha);
    tide_repo_close(r);
}

static void resolves_many_at_once(void **state)
{
    (void)state;
    enum { N = 7 };
    run_shell(MAKE("many") "git tag 'v1' HEAD~1; git branch topic HEAD~2; "
                           "git tag tree HEAD^{tree}; git tag blob HEAD:one");
    struct tide_repo *r = synced("many");
    const char *revs[N] = {"HEAD", "v1", "topic", "HEAD~1", ":/on", "HEAD^{/^t *wo}", "main"};
    static const char *const subjects[N] = {"three", "two", "one", "two", "one", "two", "three"};
    struct tide_commit c[N];
    struct tide_error e = {0};
    size_t bad;
    assert_rc(tide_repo_resolve_all(r, revs, N, c, &bad, &e), TIDE_OK, &e);
    assert_int_equal(bad, N);
    for (size_t i = 0; i < N; i++) {
        assert_string_equal(c[i].subject, subjects[i]);
        tide_commit_clear(&c[i]);
    }
    revs[4] = "many";
    assert_rc(tide_repo_resolve_all(r, revs, N, c, &bad, &e), TIDE_INVALID, &e);
    assert_int_equal(bad, 4);
    assert_contains(e.text, "\"many\" names no commit");
    for (size_t i = 0; i < N; i++)
        assert_null(c[i].subject);
    expect_refusal(r, "tree", "names no commit");
    expect_refusal(r, "blob", "names no commit");
    /* What git repeats of a name must not pass for its answer. */
    expect_refusal(r, "0123456789012345678901234567890123456789 commit 12", "names no commit");
    assert_rc(tide_repo_resolve_all(r, NULL, 0, NULL, &bad, &e), TIDE_OK, &e);
    tide_repo_close(r);
}

static void refuses_what_names_no_commit(void **state)
{
    (void)state;
    static const char *const revs[] = {"nowhere",
                                       "HEAD~3",
                                       "main..topic/x",
                                       "^main",
                                       "HEAD^{tree}",
                                       "HEAD:one",
                                       "ffffffffffffffffffffffffffffffffffffffff",
                                       "main topic/x",
                                       "$(touch /tmp/x)",
                                       "@{1}"};
    struct tide_repo *r = opened("plain");
    for (size_t i = 0; i < sizeof revs / sizeof *revs; i++)
        expect_refusal(r, revs[i], "names no commit");
    expect_refusal(r, "--all", "begins with '-'");
    expect_refusal(r, "", "is empty");
    expect_refusal(r, "a\nb", "control character");
    char *longest = tide_format("%02000d", 0);
    expect_refusal(r, longest, "longer than 1000 bytes");
    free(longest);
    tide_repo_close(r);
}

static void lists_along_the_first_parent(void **state)
{
    (void)state;
    static const char *const wanted[] = {"merge", "three", "two", "one"};
    struct tide_commit *list;
    struct tide_error e = {0};
    size_t n;
    run_shell(MAKE("merged") "git checkout -q -b side HEAD~1; git commit -q --allow-empty -m side; "
                             "git checkout -q main; git merge -q --no-ff -m merge side");
    struct tide_repo *r = synced("merged");
    assert_rc(tide_repo_list(r, "HEAD", NULL, 100, &list, &n, &e), TIDE_OK, &e);
    assert_int_equal(n, 4);
    for (size_t i = 0; i < n; i++) {
        assert_string_equal(list[i].subject, wanted[i]);
        assert_string_equal(list[i].author, "A U Thor");
        assert_int_equal(list[i].committed_ns, 1234567890000000000);
        tide_commit_clear(&list[i]);
    }
    free(list);
    assert_rc(tide_repo_list(r, "HEAD", NULL, 2, &list, &n, &e), TIDE_OK, &e);
    assert_int_equal(n, 2);
    tide_commit_clear(&list[0]);
    tide_commit_clear(&list[1]);
    free(list);
    assert_rc(tide_repo_list(r, "HEAD", "two", 100, &list, &n, &e), TIDE_OK, &e);
    assert_int_equal(n, 1);
    assert_string_equal(list[0].subject, "two");
    tide_commit_clear(&list[0]);
    free(list);
    assert_rc(tide_repo_list(r, "HEAD", "t*", 100, &list, &n, &e), TIDE_OK, &e);
    assert_int_equal(n, 0);
    free(list);
    assert_rc(tide_repo_list(r, "nowhere", NULL, 2, &list, &n, &e), TIDE_INVALID, &e);
    assert_null(list);
    tide_repo_close(r);
}

/* The subjects, newest first, with a space after each. */
static void expect_subjects(struct tide_commit *commits, size_t n, const char *subjects)
{
    struct tide_str all = {0};
    for (size_t i = 0; i < n; i++) {
        tide_str_printf(&all, "%s ", commits[i].subject);
        tide_commit_clear(&commits[i]);
    }
    free(commits);
    assert_string_equal(all.at ? all.at : "", subjects);
    tide_str_free(&all);
}

static void expect_range(struct tide_repo *r, const char *from, const char *to, size_t limit,
                         const char *subjects)
{
    struct tide_commit *commits = NULL;
    struct tide_error e = {0};
    size_t n = 0;
    assert_rc(tide_repo_range(r, from, to, limit, &commits, &n, &e), TIDE_OK, &e);
    expect_subjects(commits, n, subjects);
}

/* one two three merge last, where the merge brought in side1 and side2, made from one. */
static void lists_a_range(void **state)
{
    (void)state;
    struct tide_commit *commits;
    struct tide_error e = {0};
    size_t n;
    run_shell(MAKE("ranges") "git checkout -q -b side HEAD~2; for i in side1 side2; do "
                             "git commit -q --allow-empty -m $i; done; git checkout -q main; "
                             "git merge -q -m merge side; git commit -q --allow-empty -m last");
    struct tide_repo *r = synced("ranges");
    expect_range(r, "HEAD~2", "HEAD", 9, "last merge ");
    expect_range(r, "HEAD~4", "HEAD", 9, "last merge three two ");
    expect_range(r, "HEAD~4", "HEAD", 2, "last merge ");
    expect_range(r, "side", "HEAD", 9, "last merge three two ");
    expect_range(r, "HEAD~3", "side", 9, "side2 side1 ");
    expect_range(r, "HEAD", "HEAD", 9, "");
    expect_range(r, "HEAD", "HEAD~2", 9, "");
    assert_int_equal(tide_repo_range(r, "nowhere", "HEAD", 9, &commits, &n, &e), TIDE_INVALID);
    assert_contains(e.text, "\"nowhere\" names no commit");
    assert_int_equal(tide_repo_range(r, "HEAD", "-x", 9, &commits, &n, &e), TIDE_INVALID);
    assert_contains(e.text, "begins with '-'");
    tide_repo_close(r);
}

static void expect_tagged(struct tide_repo *r, size_t limit, const char *subjects)
{
    struct tide_commit *commits = NULL;
    struct tide_error e = {0};
    size_t n = 0;
    assert_rc(tide_repo_tagged(r, limit, &commits, &n, &e), TIDE_OK, &e);
    expect_subjects(commits, n, subjects);
}

/* Annotated or not, on the line or off it, two on one commit, and one that names no commit. */
static void lists_what_is_tagged(void **state)
{
    (void)state;
    run_shell("git init -q -b main tagged; cd tagged; for i in 1 2 3 4; do "
              "GIT_COMMITTER_DATE=\"2020-01-0$i 00:00 +0000\" "
              "git commit -q --allow-empty -m c$i; done");
    struct tide_repo *r = synced("tagged");
    expect_tagged(r, 9, "");
    run_shell("cd tagged; git tag a HEAD~3; git tag -a -m x b HEAD~1; git tag c HEAD~1; "
              "git checkout -q -b off HEAD~2; GIT_COMMITTER_DATE='2020-01-02 12:00 +0000' "
              "git commit -q --allow-empty -m off; git tag d; git checkout -q main; "
              "git tag blob $(echo x | git hash-object -w --stdin)");
    sync_again(r);
    expect_tagged(r, 9, "c3 off c1 ");
    expect_tagged(r, 2, "c3 off ");
    tide_repo_close(r);
}

static void gives_valid_text(void **state)
{
    (void)state;
    struct tide_commit c;
    struct tide_error e = {0};
    run_shell(
        "git init -q -b main texts; cd texts; (echo tree $(git write-tree); "
        "echo 'author A <a> 1 +0000'; echo 'committer C <c> 1 +0000'; echo; "
        "printf 'caf\\351 \\303\\251 \\360\\237\\214\\212 \\355\\240\\200|\\302\\n\\nbody') | "
        "git hash-object -t commit -w --stdin | xargs git reset -q; "
        "git commit -q --allow-empty --allow-empty-message -m ''");
    struct tide_repo *r = synced("texts");
    assert_rc(tide_repo_resolve(r, "HEAD~1", &c, &e), TIDE_OK, &e);
    assert_string_equal(c.subject, "caf\ufffd \u00e9 \U0001f30a \ufffd\ufffd\ufffd|\ufffd");
    tide_commit_clear(&c);
    expect(r, "HEAD", "");
    tide_repo_close(r);
}

static void follows_rewritten_and_deleted_branches(void **state)
{
    (void)state;
    run_shell(MAKE("moving") "git branch gone; git branch nest; git tag t");
    struct tide_repo *r = synced("moving");
    char *old = shell("git -C moving rev-parse HEAD");
    run_shell("cd moving; git commit -q --amend -m 'three again'; git branch -D -q gone nest; "
              "git branch nest/deeper; git tag -f t HEAD >/dev/null; "
              "git reflog expire --expire=now --all; git gc -q --prune=now");
    sync_again(r);
    expect(r, "HEAD", "three again");
    expect(r, "main", "three again");
    expect(r, "t", "three again");
    expect(r, "nest/deeper", "three again");
    expect_refusal(r, "gone", "names no commit");
    expect(r, old, "three"); /* what was measured stays buildable */
    free(old);
    tide_repo_close(r);
}

static void follows_a_detached_head_and_worktrees(void **state)
{
    (void)state;
    run_shell(MAKE("detached") "git checkout -q --detach HEAD~1; "
                               "git worktree add -q ../linked main~2 2>/dev/null");
    struct tide_repo *r = synced("detached");
    expect(r, "HEAD", "two");
    expect(r, "main", "three");
    run_shell("git -C detached checkout -q main");
    sync_again(r);
    expect(r, "HEAD", "three");
    tide_repo_close(r);
    r = synced("linked");
    expect(r, "HEAD", "one");
    tide_repo_close(r);
}

/* The user's checkout is only read: its refs, index, HEAD and files stay as they were. */
static void leaves_the_source_alone(void **state)
{
    (void)state;
    const char *look = "cd quiet; find . -type f ! -path './.git/logs/*' | sort | "
                       "xargs sha256sum; GIT_OPTIONAL_LOCKS=0 git status --porcelain";
    run_shell(MAKE("quiet") "echo more >> one; git status --porcelain");
    char *before = shell(look);
    struct tide_repo *r = synced("quiet");
    char *folder;
    struct tide_error e = {0};
    char *sha = shell("git -C quiet rev-parse HEAD~1");
    assert_rc(tide_repo_checkout(r, sha, "", &folder, &e), TIDE_OK, &e);
    char *worktrees = shell("git -C quiet worktree list | wc -l");
    assert_string_equal(worktrees, "1");
    tide_repo_release(r, &folder);
    tide_repo_close(r);
    char *after = shell(look);
    assert_string_equal(after, before);
    free(before);
    free(after);
    free(sha);
    free(worktrees);
}

static void follows_a_shallow_clone_as_it_deepens(void **state)
{
    (void)state;
    run_shell(MAKE("deep") "cd ..; git clone -q --depth 2 file://$PWD/deep shallow");
    struct tide_repo *r = synced("shallow");
    expect(r, "HEAD", "three");
    expect(r, "origin/main", "three");
    expect(r, "HEAD~1", "two");
    expect_refusal(r, "HEAD~2", "shallow");
    run_shell("cd deep; git commit -q --allow-empty -m four; cd ../shallow; git pull -q");
    sync_again(r);
    expect(r, "HEAD", "four");
    expect_refusal(r, "HEAD~3", "shallow");
    run_shell("cd shallow; git fetch -q --unshallow");
    sync_again(r);
    expect(r, "HEAD~3", "one");
    expect_refusal(r, "HEAD~4", "names no commit");
    tide_repo_close(r);
}

static void says_what_is_wrong_with_the_source(void **state)
{
    (void)state;
    struct tide_repo *r = NULL;
    struct tide_error e = {0};
    char *nowhere = in_folder("nowhere");
    char *mirror = in_folder("x.mirror"), *trees = in_folder("x.trees");
    assert_rc(tide_repo_open(nowhere, NULL, mirror, trees, NULL, &r, &e), TIDE_INVALID, &e);
    assert_string_equal(e.field, "repo");
    assert_contains(e.text, "there is no repository at");
    assert_rc(tide_repo_open("--upload-pack=x", NULL, mirror, trees, NULL, &r, &e), TIDE_INVALID,
              &e);
    assert_null(r);

    run_shell("mkdir empty-folder; git init -q -b main unborn");
    r = opened("empty-folder");
    assert_rc(tide_repo_sync(r, TIDE_FETCH_DEADLINE_S, &e), TIDE_INVALID, &e);
    assert_contains(e.text, "is no git repository");
    tide_repo_close(r);

    r = opened("unborn");
    assert_rc(tide_repo_sync(r, TIDE_FETCH_DEADLINE_S, &e), TIDE_INVALID, &e);
    assert_contains(e.text, "has no commit yet");
    expect_refusal(r, "HEAD", "names no commit");
    run_shell("cd unborn; git commit -q --allow-empty -m first");
    sync_again(r);
    expect(r, "HEAD", "first");
    run_shell("cd unborn; git checkout -q --orphan other");
    sync_again(r);
    expect_refusal(r, "HEAD", "names no commit");
    expect(r, "main", "first");
    tide_repo_close(r);
    free(nowhere);
    free(mirror);
    free(trees);
}

static void says_how_to_allow_a_foreign_repository(void **state)
{
    (void)state;
    struct tide_error e = {0};
    if (getuid()) {
        printf("# only root can give a repository to another user\n");
        skip();
    }
    run_shell(MAKE("foreign") "chown -R 12345 .");
    struct tide_repo *r = opened("foreign");
    assert_rc(tide_repo_sync(r, TIDE_FETCH_DEADLINE_S, &e), TIDE_FAILED, &e);
    assert_contains(e.text, "belongs to another user");
    assert_contains(e.text, "git config --global --add safe.directory");
    tide_repo_close(r);
}

static void checks_out_and_releases(void **state)
{
    (void)state;
    struct tide_error e = {0};
    char *one, *two, *trees = in_folder("plain.trees"),
                     *admin = in_folder("plain.mirror/worktrees");
    struct tide_repo *r = synced("plain");
    char *sha = shell("git -C plain rev-parse HEAD~1");
    assert_rc(tide_repo_checkout(r, sha, "", &one, &e), TIDE_OK, &e);
    assert_rc(tide_repo_checkout(r, sha, "", &two, &e), TIDE_OK, &e);
    assert_string_not_equal(one, two);
    assert_true(one[0] == '/');
    assert_int_equal(count_entries(one), 2); /* one, two; not three */
    assert_int_equal(count_entries(trees), 2);
    assert_int_equal(count_entries(admin), 2);
    sync_again(r); /* worktrees do not stand in its way */
    tide_repo_release(r, &one);
    assert_null(one);
    tide_repo_release(r, &one);
    tide_repo_release(r, &two);
    assert_int_equal(count_entries(trees), 0);
    assert_int_equal(count_entries(admin), 0);
    sha[0] = sha[0] == '0' ? '1' : '0';
    assert_rc(tide_repo_checkout(r, sha, "", &one, &e), TIDE_ABSENT, &e);
    assert_rc(tide_repo_checkout(r, "HEAD", "", &one, &e), TIDE_INVALID, &e);
    assert_null(one);
    assert_int_equal(count_entries(trees), 0);
    tide_repo_close(r);
    free(sha);
    free(trees);
    free(admin);
}

/* What a killed daemon leaves: worktrees, lock files, half a pack. An open neighbour's worktrees
 * stay. */
static void recovers_from_a_crash(void **state)
{
    (void)state;
    struct tide_error e = {0};
    char *folder, *trees = in_folder("plain.trees"), *admin = in_folder("plain.mirror/worktrees");
    struct tide_repo *r = synced("plain");
    char *sha = shell("git -C plain rev-parse HEAD");
    assert_rc(tide_repo_checkout(r, sha, "", &folder, &e), TIDE_OK, &e);
    struct tide_repo *neighbour = opened("plain");
    assert_int_equal(count_entries(folder), 3);
    tide_repo_close(neighbour);
    tide_repo_close(r);
    free(folder);

    run_shell("cd plain.mirror; touch HEAD.lock packed-refs.lock refs/heads/main.lock shallow.lock "
              "objects/pack/tmp_pack_x; mkdir -p worktrees/half; cd worktrees/half; echo ../.. > "
              "commondir; "
              "echo /nowhere/.git > gitdir; echo initializing > locked; "
              "echo 0123456789012345678901234567890123456789 > HEAD; "
              "git -C ../../../plain commit -q --allow-empty -m later");
    r = synced("plain");
    expect(r, "HEAD", "later");
    assert_int_equal(count_entries(trees), 0);
    assert_int_equal(count_entries(admin), 0);
    char *left = shell("find plain.mirror -name '*.lock' -o -name 'tmp_*'");
    assert_string_equal(left, "");
    tide_repo_close(r);
    free(left);
    free(sha);
    free(trees);
    free(admin);
}

/* A git hook may start us: its variables point at the user's repository. */
static void ignores_what_a_hook_sets(void **state)
{
    (void)state;
    char *folder = in_folder("plain/.git"), *index = in_folder("plain/.git/index");
    setenv("GIT_DIR", folder, 1);
    setenv("GIT_WORK_TREE", "/nowhere", 1);
    setenv("GIT_INDEX_FILE", index, 1);
    struct tide_repo *r = synced("detached");
    struct tide_error e = {0};
    struct tide_commit c;
    char *tree;
    expect(r, "HEAD~1", "two");
    assert_rc(tide_repo_resolve(r, "HEAD", &c, &e), TIDE_OK, &e);
    assert_rc(tide_repo_checkout(r, c.sha, "", &tree, &e), TIDE_OK, &e);
    assert_int_equal(count_entries(tree), 3);
    tide_repo_release(r, &tree);
    tide_commit_clear(&c);
    tide_repo_close(r);
    unsetenv("GIT_DIR");
    unsetenv("GIT_WORK_TREE");
    unsetenv("GIT_INDEX_FILE");
    free(folder);
    free(index);
}

static void *sync_and_check_out(void *argument)
{
    struct tide_repo *r = argument;
    struct tide_commit c;
    for (int i = 0; i < 4; i++) {
        char *folder = NULL;
        if (tide_repo_sync(r, TIDE_FETCH_DEADLINE_S, NULL) ||
            tide_repo_resolve(r, "HEAD", &c, NULL))
            return argument;
        enum tide_rc rc = tide_repo_checkout(r, c.sha, "", &folder, NULL);
        bool whole = !rc && count_entries(folder) == 3;
        tide_repo_release(r, &folder);
        tide_commit_clear(&c);
        if (!whole) return argument;
    }
    return NULL;
}

static void serves_threads_at_once(void **state)
{
    (void)state;
    pthread_t threads[4];
    struct tide_repo *r = synced("plain");
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, sync_and_check_out, r), 0);
    for (int i = 0; i < 4; i++) {
        void *failed;
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    tide_repo_close(r);
}

static void stops(void **state)
{
    (void)state;
    atomic_bool stop = false;
    struct tide_repo *r;
    struct tide_error e = {0};
    char *path = in_folder("plain"), *mirror = in_folder("s.mirror"), *trees = in_folder("s.trees");
    assert_rc(tide_repo_open(path, NULL, mirror, trees, &stop, &r, &e), TIDE_OK, &e);
    stop = true;
    assert_rc(tide_repo_sync(r, TIDE_FETCH_DEADLINE_S, &e), TIDE_STOPPED, &e);
    tide_repo_close(r);
    free(path);
    free(mirror);
    free(trees);
}

static int set_up(void **state)
{
    setenv("GIT_CONFIG_GLOBAL", "/dev/null", 1);
    setenv("GIT_AUTHOR_NAME", "A U Thor", 1);
    setenv("GIT_AUTHOR_EMAIL", "a@example.org", 1);
    setenv("GIT_COMMITTER_NAME", "C O Mitter", 1);
    setenv("GIT_COMMITTER_EMAIL", "c@example.org", 1);
    setenv("GIT_COMMITTER_DATE", "@1234567890 +0000", 1);
    return make_test_folder(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resolves_what_git_resolves),
        cmocka_unit_test(resolves_many_at_once),
        cmocka_unit_test(refuses_what_names_no_commit),
        cmocka_unit_test(lists_along_the_first_parent),
        cmocka_unit_test(lists_a_range),
        cmocka_unit_test(lists_what_is_tagged),
        cmocka_unit_test(gives_valid_text),
        cmocka_unit_test(follows_rewritten_and_deleted_branches),
        cmocka_unit_test(follows_a_detached_head_and_worktrees),
        cmocka_unit_test(leaves_the_source_alone),
        cmocka_unit_test(follows_a_shallow_clone_as_it_deepens),
        cmocka_unit_test(says_what_is_wrong_with_the_source),
        cmocka_unit_test(says_how_to_allow_a_foreign_repository),
        cmocka_unit_test(checks_out_and_releases),
        cmocka_unit_test(recovers_from_a_crash),
        cmocka_unit_test(ignores_what_a_hook_sets),
        cmocka_unit_test(serves_threads_at_once),
        cmocka_unit_test(stops),
    };
    return cmocka_run_group_tests(tests, set_up, remove_test_folder);
}
