/* file_test.c - files are replaced whole, read by their end,
 * and removed without following links. */
#include "base/testing.h"

#include "base/file.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

static char *read_whole(const char *path)
{
    char *text = NULL;
    struct tide_error e = {0};
    assert_rc(tide_file_read(path, 1 << 20, &text, NULL, &e), TIDE_OK, &e);
    return text;
}

static void test_replace_sets_bytes_and_mode(void **state)
{
    (void)state;
    struct stat facts;
    umask(022);
    free(write_bytes("token", "old and longer", 14, 0644));
    char *path = write_bytes("token", "a\0b", 3, 0600);
    char *text = NULL;
    size_t n = 0;
    struct tide_error e = {0};
    assert_rc(tide_file_read(path, 100, &text, &n, &e), TIDE_OK, &e);
    assert_int_equal(n, 3);
    assert_memory_equal(text, "a\0b", 4);
    assert_int_equal(stat(path, &facts), 0);
    assert_int_equal(facts.st_mode & 0777, 0600);
    free(text);
    free(path);
}

/* A leftover of a crash, open to all, must not lend its mode to the secret written now. */
static void test_replace_does_not_take_over_a_leftover(void **state)
{
    (void)state;
    struct stat facts;
    char *beside = write_bytes("secret.new", "junk", 4, 0644);
    assert_int_equal(chmod(beside, 0666), 0);
    char *path = write_bytes("secret", "new", 3, 0600);
    assert_int_equal(stat(path, &facts), 0);
    assert_int_equal(facts.st_mode & 0777, 0600);
    assert_false(tide_file_exists(beside));
    free(beside);
    free(path);
}

struct race {
    const char *path;
    atomic_bool stop;
    atomic_int seen, torn;
};

static void *watch(void *context)
{
    struct race *race = context;
    while (!race->stop) {
        char *text = NULL;
        size_t n = 0;
        if (tide_file_read(race->path, 1 << 20, &text, &n, NULL) == TIDE_OK) {
            race->seen++;
            for (size_t i = 1; i < n; i++)
                if (text[i] != text[0]) race->torn++;
            if (n != 5000) race->torn++;
        }
        free(text);
    }
    return NULL;
}

static void test_replace_is_atomic(void **state)
{
    (void)state;
    char block[5000];
    pthread_t reader;
    memset(block, 'a', sizeof block);
    char *path = write_bytes("atomic", block, sizeof block, 0644);
    struct race race = {.path = path};
    assert_int_equal(pthread_create(&reader, NULL, watch, &race), 0);
    for (int i = 0; i < 300 || race.seen < 5; i++) {
        memset(block, 'a' + i % 26, sizeof block);
        free(write_bytes("atomic", block, sizeof block, 0644));
    }
    race.stop = true;
    pthread_join(reader, NULL);
    assert_true(race.seen > 0);
    assert_int_equal(race.torn, 0);
    free(path);
}

static void test_replace_names_the_path_it_failed_on(void **state)
{
    (void)state;
    struct tide_error e = {0};
    char *path = in_folder("absent/file");
    assert_int_equal(tide_file_replace(path, "x", 1, 0644, &e), TIDE_IO);
    assert_contains(e.text, "absent/file");
    assert_contains(e.text, strerror(ENOENT));
    free(path);
}

static void test_replace_of_a_folder_fails_and_leaves_nothing(void **state)
{
    (void)state;
    struct tide_error e = {0};
    run_shell("mkdir folder && touch folder/kept");
    char *path = in_folder("folder"), *beside = in_folder("folder.new");
    assert_int_equal(tide_file_replace(path, "x", 1, 0644, &e), TIDE_IO);
    assert_false(tide_file_exists(beside));
    run_shell("test -e folder/kept");
    free(path);
    free(beside);
}

static void test_read_gives_the_end_of_a_long_file(void **state)
{
    (void)state;
    char *text = NULL;
    size_t n = 0;
    struct tide_error e = {0};
    char *path = write_bytes("long", "0123456789", 10, 0644);
    for (size_t ceiling = 1; ceiling <= 12; ceiling++) {
        size_t expected = ceiling < 10 ? ceiling : 10;
        assert_rc(tide_file_read(path, ceiling, &text, &n, &e), TIDE_OK, &e);
        assert_int_equal(n, expected);
        assert_string_equal(text, &"0123456789"[10 - expected]);
        free(text);
    }
    free(path);
}

static void test_read_of_an_empty_file_is_an_empty_text(void **state)
{
    (void)state;
    char *path = write_bytes("empty", "", 0, 0644);
    char *text = read_whole(path);
    assert_string_equal(text, "");
    free(text);
    free(path);
}

static void test_read_errors(void **state)
{
    (void)state;
    char *text = (char *)1, *path = in_folder("nowhere");
    struct tide_error e = {0};
    assert_int_equal(tide_file_read(path, 10, &text, NULL, &e), TIDE_ABSENT);
    assert_null(text);
    assert_contains(e.text, "nowhere");
    text = (char *)1;
    assert_int_equal(tide_file_read(test_folder, 10, &text, NULL, &e), TIDE_IO);
    assert_null(text);
    assert_contains(e.text, test_folder);
    free(path);
}

static void test_make_folder_makes_parents_and_is_idempotent(void **state)
{
    (void)state;
    struct tide_error e = {0};
    char *path = in_folder("a/b//c/");
    assert_rc(tide_file_make_folder(path, 0755, &e), TIDE_OK, &e);
    assert_rc(tide_file_make_folder(path, 0755, &e), TIDE_OK, &e);
    run_shell("test -d a/b/c");
    free(path);
}

static void test_make_folder_errors(void **state)
{
    (void)state;
    struct tide_error e = {0};
    char *file = write_bytes("file", "x", 1, 0644), *below = in_folder("file/below");
    assert_int_equal(tide_file_make_folder(below, 0755, &e), TIDE_IO);
    assert_contains(e.text, "file");
    assert_int_equal(tide_file_make_folder(file, 0755, &e), TIDE_IO);
    assert_contains(e.text, strerror(ENOTDIR));
    assert_int_equal(tide_file_make_folder("", 0755, &e), TIDE_IO);
    free(file);
    free(below);
}

static void test_remove_tree_does_not_follow_links(void **state)
{
    (void)state;
    struct tide_error e = {0};
    run_shell("mkdir -p outside/kept tree/deep/deeper && touch outside/file tree/deep/file\n"
              "ln -s ../outside tree/link && ln -s ../../outside/file tree/deep/link\n"
              "ln -s nowhere tree/dangling");
    char *path = in_folder("tree");
    assert_rc(tide_file_remove_tree(path, &e), TIDE_OK, &e);
    run_shell("test ! -e tree && test -d outside/kept && test -f outside/file");
    free(path);
}

static void test_remove_tree_of_a_link_removes_the_link(void **state)
{
    (void)state;
    struct tide_error e = {0};
    run_shell("mkdir -p target && touch target/file && ln -s target alias");
    char *path = in_folder("alias");
    assert_rc(tide_file_remove_tree(path, &e), TIDE_OK, &e);
    run_shell("test ! -L alias && test -f target/file");
    free(path);
}

static void test_remove_tree_of_a_file_and_of_nothing(void **state)
{
    (void)state;
    struct tide_error e = {0};
    char *path = write_bytes("single", "x", 1, 0644);
    assert_rc(tide_file_remove_tree(path, &e), TIDE_OK, &e);
    assert_false(tide_file_exists(path));
    assert_rc(tide_file_remove_tree(path, &e), TIDE_OK, &e);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replace_sets_bytes_and_mode),
        cmocka_unit_test(test_replace_does_not_take_over_a_leftover),
        cmocka_unit_test(test_replace_is_atomic),
        cmocka_unit_test(test_replace_names_the_path_it_failed_on),
        cmocka_unit_test(test_replace_of_a_folder_fails_and_leaves_nothing),
        cmocka_unit_test(test_read_gives_the_end_of_a_long_file),
        cmocka_unit_test(test_read_of_an_empty_file_is_an_empty_text),
        cmocka_unit_test(test_read_errors),
        cmocka_unit_test(test_make_folder_makes_parents_and_is_idempotent),
        cmocka_unit_test(test_make_folder_errors),
        cmocka_unit_test(test_remove_tree_does_not_follow_links),
        cmocka_unit_test(test_remove_tree_of_a_link_removes_the_link),
        cmocka_unit_test(test_remove_tree_of_a_file_and_of_nothing),
    };
    return cmocka_run_group_tests_name("file", tests, make_test_folder, remove_test_folder);
}
