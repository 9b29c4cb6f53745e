/* allocator_test.c - which allocators which python can have, and what is set for them. */
#include "base/testing.h"

#include "run/allocator.h"

static struct tide_error error;

static void expect_refused(const char *name, const struct tide_python *python, const char *why)
{
    assert_int_equal(tide_allocator_check(name, python, &error), TIDE_INVALID);
    assert_string_equal(error.field, "allocators");
    assert_contains(error.text, why);
}

static void expect_settings(const char *name, const struct tide_python *python, const char *malloc,
                            const char *preload)
{
    struct tide_allocator a;
    assert_rc(tide_allocator_settle(name, python, &a, &error), TIDE_OK, &error);
    assert_string_equal(a.settings[0], malloc);
    if (preload)
        assert_string_equal(a.settings[1], preload);
    else
        assert_null(a.settings[1]);
    tide_allocator_clear(&a);
}

static void names_what_there_is(void **state)
{
    (void)state;
    const struct tide_python plain = {.name = "3.12.1"};
    expect_refused(
        "hoard", &plain,
        "no allocator \"hoard\"; there is pymalloc, malloc, mimalloc, jemalloc, tcmalloc");
    expect_refused("", &plain, "no allocator");
    assert_string_equal(tide_allocator_default(&plain), "pymalloc");
}

static void goes_by_the_build(void **state)
{
    (void)state;
    const struct tide_python plain = {.name = "3.12.1"}, new = {.name = "3.13.0", .mimalloc = true},
                             free = {.name = "3.13.0t", .free_threaded = true, .mimalloc = true},
                             bare = {.name = "3.9.1", .no_pymalloc = true};
    expect_settings("pymalloc", &plain, "PYTHONMALLOC=pymalloc", NULL);
    expect_settings("malloc", &bare, "PYTHONMALLOC=malloc", NULL);
    expect_settings("mimalloc", &new, "PYTHONMALLOC=mimalloc", NULL);
    expect_refused("mimalloc", &plain, "3.12.1 was built without mimalloc");
    expect_refused("pymalloc", &bare, "3.9.1 was built --without-pymalloc");
    expect_refused("malloc", &free, "3.13.0t is free-threaded: it runs with mimalloc only");
    assert_string_equal(tide_allocator_default(&free), "mimalloc");
    assert_string_equal(tide_allocator_default(&bare), "malloc");
}

/* A python with its own loader gets what stands in its library path, and nothing else. */
static void preloads_what_fits(void **state)
{
    (void)state;
    char *folder = in_folder("lib"), *nowhere = in_folder("nowhere");
    char *wanted = tide_format("LD_PRELOAD=%s/libtcmalloc.so.4", folder);
    char *path[] = {nowhere, folder, NULL};
    const struct tide_python own = {
        .name = "3.14.2", .loader = "/p/ld-linux-x86-64.so.2", .library_path = path};
    run_shell("mkdir lib; touch lib/libtcmalloc.so.4");
    expect_settings("tcmalloc", &own, "PYTHONMALLOC=malloc", wanted);
    expect_refused("jemalloc", &own,
                   "3.14.2 runs with a C library of its own, and there is no libjemalloc.so.2");
    free(wanted);
    free(folder);
    free(nowhere);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_what_there_is),
        cmocka_unit_test(goes_by_the_build),
        cmocka_unit_test_setup_teardown(preloads_what_fits, make_test_folder, remove_test_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
