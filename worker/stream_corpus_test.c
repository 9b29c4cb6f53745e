/* stream_corpus_test.c - replays the committed inputs of the fuzz target without libFuzzer: the
 * corpus, and what once failed. */
#include "../tests/fuzz/stream_fuzz.c" /* NOLINT(bugprone-suspicious-include): the target itself */

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

#include <cmocka.h>

static void replay_file(const char *path)
{
    static uint8_t bytes[1 << 20];
    FILE *file = fopen(path, "rbe");
    size_t n;

    assert_non_null(file);
    n = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    uint8_t *exact = malloc(n + !n); /* so that the sanitizer sees a read behind the end */
    assert_non_null(exact);
    memcpy(exact, bytes, n);
    LLVMFuzzerTestOneInput(exact, n);
    free(exact);
}

static int replay_folder(const char *folder)
{
    DIR *open = opendir(folder);
    struct dirent *entry;
    int count = 0;

    assert_non_null(open);
    while ((entry = readdir(open))) {
        char path[1024];
        if (entry->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        replay_file(path);
        count++;
    }
    closedir(open);
    return count;
}

static void test_corpus(void **state)
{
    (void)state;
    assert_true(replay_folder(TIDEMARK_SOURCE "/tests/fuzz/corpus") > 0);
}

static void test_regressions(void **state)
{
    (void)state;
    replay_folder(TIDEMARK_SOURCE "/tests/fuzz/regression");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_corpus),
                                       cmocka_unit_test(test_regressions)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
