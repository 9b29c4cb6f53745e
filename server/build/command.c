/* command.c - see command.h.
 *
 * Standard error is captured in a memfd of a fixed size whose growth is sealed: a program that
 * floods it gets EPERM from write, and the daemon's memory is not at its mercy. */
#include "build/command.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define COMPLAINT_CEILING 65536

static int open_sealed(struct tide_error *e)
{
    int fd = memfd_create("tidemark-stderr", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd >= 0 && !ftruncate(fd, COMPLAINT_CEILING) && !fcntl(fd, F_ADD_SEALS, F_SEAL_GROW))
        return fd;
    tide_fail_errno(e, "make a buffer for a program's standard error");
    if (fd >= 0) close(fd);
    return -1;
}

/* The children share our file offset, so it tells how much they wrote. */
static void collect(int fd, struct tide_str *complaint)
{
    off_t written = lseek(fd, 0, SEEK_CUR);
    size_t length = written > 0 && written <= COMPLAINT_CEILING ? (size_t)written : 0;
    char block[4096];
    for (size_t at = 0; at < length;) {
        size_t wanted = length - at < sizeof block ? length - at : sizeof block;
        ssize_t n = pread(fd, block, wanted, (off_t)at);
        if (n <= 0) return;
        tide_str_add(complaint, block, (size_t)n);
        at += (size_t)n;
    }
}

enum tide_rc tide_build_run(const struct tide_command *c, struct tide_str *out,
                            struct tide_str *complaint, struct tide_error *e)
{
    struct tide_command captured = *c;
    int fd = open_sealed(e);
    if (fd < 0) return TIDE_IO;
    captured.log = fd;
    captured.log_output = false;
    enum tide_rc rc = tide_process_run(&captured, out, e);
    if (complaint) collect(fd, complaint);
    close(fd);
    return rc;
}

char *tide_build_last_line(const char *text)
{
    size_t end = strlen(text);
    while (end && isspace((unsigned char)text[end - 1]))
        end--;
    size_t start = end;
    while (start && text[start - 1] != '\n')
        start--;
    while (start < end && isspace((unsigned char)text[start]))
        start++;
    return strndup(text + start, end - start);
}

char *tide_build_which(const char *program)
{
    const char *path = getenv("PATH");
    if (!path) path = "/usr/local/bin:/usr/bin:/bin";
    while (*path) {
        size_t length = strcspn(path, ":");
        if (length && path[0] == '/') {
            char *file = tide_format("%.*s/%s", (int)length, path, program);
            if (file && access(file, X_OK) == 0) return file;
            free(file);
        }
        path += length + (path[length] == ':');
    }
    return NULL;
}

static bool put(char ***words, const char *word, size_t length)
{
    size_t n = 0;
    while (*words && (*words)[n])
        n++;
    char **grown = realloc(*words, (n + 2) * sizeof *grown);
    if (!grown) return false;
    *words = grown;
    grown[n] = strndup(word, length);
    grown[n + 1] = NULL;
    return grown[n] != NULL;
}

bool tide_build_words_put(char ***words, const char *word)
{
    return put(words, word, strlen(word));
}

bool tide_build_words_add(char ***words, const char *text)
{
    while (*text) {
        size_t length = strcspn(text, " \t\n");
        if (length && !put(words, text, length)) return false;
        text += length;
        text += strspn(text, " \t\n");
    }
    return true;
}

void tide_build_words_free(char **words)
{
    for (size_t i = 0; words && words[i]; i++)
        free(words[i]);
    free(words);
}
