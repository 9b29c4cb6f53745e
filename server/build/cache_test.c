/* cache_test.c - builds go in the order given, whole, and only as many as must. */
#include "base/testing.h"

#include "build/cache.h"
#include "build/scratch.h"

#define KEYS     "old\0gone\0middle\0new\0"
#define BLOCK    65536 /* bytes of each build's module: whole blocks on any disk */
#define OVERHEAD 32768 /* at most, of folders and log */

static char *cache;
static struct tide_error error;

static void put_build(const char *key)
{
    static char bytes[BLOCK];
    char *log = tide_format("cache/builds/%s/log", key);
    char *module = tide_format("cache/builds/%s/prefix/module.so", key);
    memset(bytes, 'x', sizeof bytes - 1);
    write_file(log, "done\n", 0644);
    write_file(module, bytes, 0644);
    free(log);
    free(module);
}

static bool stands(const char *key)
{
    char *path = tide_format("%s/builds/%s", cache, key);
    bool there = tide_file_exists(path);
    free(path);
    return there;
}

static int put_builds(void **state)
{
    (void)state;
    cache = in_folder("cache");
    put_build("old");
    put_build("middle");
    put_build("new");
    put_build("needed");
    return 0;
}

static int remove_builds(void **state)
{
    (void)state;
    int failed = tide_file_remove_tree(cache, NULL) ? -1 : 0;
    free(cache);
    return failed;
}

static struct tide_cache_gone evict(int64_t bytes)
{
    struct tide_cache_gone gone;
    assert_rc(tide_cache_evict(cache, bytes, KEYS, sizeof KEYS - 1, &gone, &error), TIDE_OK,
              &error);
    char *temporary = in_folder("cache/tmp");
    assert_int_equal(count_entries(temporary), 0);
    free(temporary);
    return gone;
}

static int64_t size(void)
{
    int64_t bytes = -1;
    assert_rc(tide_cache_size(cache, &bytes, &error), TIDE_OK, &error);
    return bytes;
}

static void test_size(void **state)
{
    (void)state;
    assert_in_range(size(), 4 * BLOCK, 4 * (BLOCK + OVERHEAD) + OVERHEAD);
    run_shell("rm -r cache/builds");
    assert_int_equal(size(), 0);
}

static void test_evicts_as_many_as_must_go(void **state)
{
    (void)state;
    int64_t before = size();
    struct tide_cache_gone gone = evict(1);
    assert_int_equal(gone.builds, 1);
    assert_int_equal(size(), before - gone.bytes);
    assert_false(stands("old"));
    assert_true(stands("middle"));
    gone = evict(BLOCK + OVERHEAD);
    assert_int_equal(gone.builds, 2);
    assert_false(stands("middle"));
    assert_false(stands("new"));
}

/* What is not among the keys stays, however much is asked for. */
static void test_keeps_what_is_not_named(void **state)
{
    (void)state;
    struct tide_cache_gone gone = evict(INT64_MAX);
    assert_int_equal(gone.builds, 3);
    assert_true(stands("needed"));
    assert_in_range(size(), BLOCK, BLOCK + 2 * OVERHEAD);
}

static void test_nothing_to_do(void **state)
{
    (void)state;
    assert_int_equal(evict(0).builds, 0);
    assert_true(stands("old"));
}

/* Where the folder cannot be moved the build stays whole. */
static void test_failure_leaves_it_whole(void **state)
{
    (void)state;
    struct tide_cache_gone gone;
    write_file("cache/tmp", "in the way", 0644);
    assert_int_equal(tide_cache_evict(cache, 1, KEYS, sizeof KEYS - 1, &gone, &error), TIDE_IO);
    assert_contains(error.text, "cache/tmp");
    assert_int_equal(gone.builds, 0);
    char *module = in_folder("cache/builds/old/prefix/module.so");
    assert_true(tide_file_exists(module));
    free(module);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_size, put_builds, remove_builds),
        cmocka_unit_test_setup_teardown(test_evicts_as_many_as_must_go, put_builds, remove_builds),
        cmocka_unit_test_setup_teardown(test_keeps_what_is_not_named, put_builds, remove_builds),
        cmocka_unit_test_setup_teardown(test_nothing_to_do, put_builds, remove_builds),
        cmocka_unit_test_setup_teardown(test_failure_leaves_it_whole, put_builds, remove_builds),
    };
    return cmocka_run_group_tests(tests, make_test_folder, remove_test_folder);
}
