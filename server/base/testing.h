/* testing.h - what unit tests share: cmocka with what it needs, a folder of the test's own and a
 * shell in it, random numbers from a fixed seed.
 *
 * Included by *_test.c only; the functions are inline so that a test need not use them all. */
#ifndef TIDE_BASE_TESTING_H
#define TIDE_BASE_TESTING_H

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

static inline void assert_contains(const char *text, const char *part)
{
    if (!text || !strstr(text, part)) fail_msg("no \"%s\" in: %s", part, text ? text : "(none)");
}

static inline void assert_rc(enum tide_rc rc, enum tide_rc wanted, const struct tide_error *e)
{
    if (rc != wanted) fail_msg("code %d instead of %d: %s", rc, wanted, e->text);
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

/* Write a file in the test's folder, whose path is returned and freed by the caller. */
static inline char *write_bytes(const char *name, const void *bytes, size_t n, mode_t mode)
{
    char *path = in_folder(name);
    struct tide_error e = {0};
    assert_rc(tide_file_replace(path, bytes, n, mode, &e), TIDE_OK, &e);
    return path;
}

/* Write a text there, with the folders it stands in. */
static inline void write_file(const char *name, const char *text, mode_t mode)
{
    char *path = in_folder(name);
    struct tide_error e = {0};
    char *slash = strrchr(path, '/');
    *slash = '\0';
    assert_rc(tide_file_make_folder(path, 0755, &e), TIDE_OK, &e);
    *slash = '/';
    free(path);
    free(write_bytes(name, text, strlen(text), mode));
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

/* xorshift64*, Vigna 2016; *seed is not 0. */
static inline uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed >> 12;
    *seed ^= *seed << 25;
    *seed ^= *seed >> 27;
    return *seed * UINT64_C(0x2545f4914f6cdd1d);
}

/* From 0 to n - 1. */
static inline uint64_t random_below(uint64_t *seed, uint64_t n)
{
    return next_random(seed) % n;
}

/* Numbers where formats break: 0, the largest, a power of two, one below it. */
static inline uint64_t random_number(uint64_t *seed)
{
    switch (random_below(seed, 5)) {
    case 0: return 0;
    case 1: return UINT64_MAX;
    case 2: return UINT64_C(1) << random_below(seed, 64);
    case 3: return (UINT64_C(1) << random_below(seed, 64)) - 1;
    default: return next_random(seed) >> random_below(seed, 64);
    }
}

#endif
