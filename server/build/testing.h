/* testing.h - what the tests of the build room share: a folder of their own, and a shell in it.
 *
 * Included by *_test.c only; the functions are inline so that a test need not use them all. */
#ifndef TIDE_BUILD_TESTING_H
#define TIDE_BUILD_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/process.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char test_folder[] = "/tmp/tidemark-test-XXXXXX";

/* Group setup and teardown. */
static inline int make_test_folder(void **state)
{
    (void)state;
    return mkdtemp(test_folder) ? 0 : -1;
}

static inline int remove_test_folder(void **state)
{
    (void)state;
    return tide_file_remove_tree(test_folder, NULL) ? -1 : 0;
}

/* A path in the test's folder; freed by the caller. */
static inline char *in_folder(const char *name)
{
    char *path = tide_format("%s/%s", test_folder, name);
    assert_non_null(path);
    return path;
}

/* Run the script by sh -e in the test's folder; its output, freed by the caller. The test fails
 * with the script. */
static inline char *shell(const char *script)
{
    const char *const argv[] = {"sh", "-ec", script, NULL};
    const struct tide_command c = {.argv = argv, .folder = test_folder, .log = STDERR_FILENO};
    struct tide_str out = {0};
    struct tide_error e = {0};
    if (tide_process_run(&c, &out, &e)) fail_msg("%s\nof: %s", e.text, script);
    while (out.length && out.at[out.length - 1] == '\n')
        out.at[--out.length] = '\0';
    char *text = tide_str_take(&out);
    assert_non_null(text);
    return text;
}

static inline void run_shell(const char *script)
{
    free(shell(script));
}

static inline void write_file(const char *name, const char *text, mode_t mode)
{
    char *path = in_folder(name);
    struct tide_error e = {0};
    char *slash = strrchr(path, '/');
    *slash = '\0';
    assert_int_equal(tide_file_make_folder(path, 0755, &e), TIDE_OK);
    *slash = '/';
    assert_int_equal(tide_file_replace(path, text, strlen(text), mode, &e), TIDE_OK);
    free(path);
}

/* A variable's value, for putting it back; NULL when it is not set. */
static inline char *keep_variable(const char *name)
{
    const char *value = getenv(name);
    return value ? strdup(value) : NULL;
}

/* Put it back, and free what was kept. */
static inline void restore_variable(const char *name, char *kept)
{
    if (kept)
        setenv(name, kept, 1);
    else
        unsetenv(name);
    free(kept);
}

/* How many entries the folder holds; 0 when it is absent. */
static inline int count_entries(const char *path)
{
    int n = 0;
    DIR *d = opendir(path);
    if (!d) return 0;
    for (struct dirent *entry; (entry = readdir(d));)
        n += entry->d_name[0] != '.';
    closedir(d);
    return n;
}

static inline void assert_contains(const char *text, const char *part)
{
    if (!text || !strstr(text, part)) fail_msg("no \"%s\" in: %s", part, text ? text : "(none)");
}

static inline void assert_rc(enum tide_rc rc, enum tide_rc wanted, const struct tide_error *e)
{
    if (rc != wanted) fail_msg("code %d instead of %d: %s", rc, wanted, e->text);
}

#endif
