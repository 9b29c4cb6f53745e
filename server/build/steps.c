/* steps.c - see steps.h.
 *
 * The environment is made from nothing (`env -i`) plus what names the user and the machine: CFLAGS,
 * LDFLAGS, CC, PYTHONPATH, VIRTUAL_ENV, CMAKE_GENERATOR, ASAN_OPTIONS, GIT_DIR and whatever else a
 * shell may hold would change what is built without changing its key. Messages come in English, so
 * that an error is found in them. */
#include "build/steps.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/utf8.h"
#include "build/command.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOG_SEARCHED (4u << 20)

static const char *const kept[] = {
    "PATH",       "HOME",           "USER",           "LOGNAME",         "TMPDIR",
    "CCACHE_DIR", "CCACHE_MAXSIZE", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", NULL};

enum tide_rc tide_steps_open(struct tide_steps *s, struct tide_error *e)
{
    s->done = json_array();
    if (!s->done) return tide_fail(e, TIDE_NOMEM, "start a build");
    s->log = open(s->path, O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644);
    return s->log < 0 ? tide_fail_errno(e, "create %s", s->path) : TIDE_OK;
}

void tide_steps_close(struct tide_steps *s)
{
    if (s->log >= 0) close(s->log);
    s->log = -1;
    json_decref(s->done);
    s->done = NULL;
}

void tide_steps_note(const struct tide_steps *s, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vdprintf(s->log, format, arguments);
    va_end(arguments);
    dprintf(s->log, "\n");
}

static bool is_plain(const char *word)
{
    for (const char *p = word; *p; p++)
        if (!isalnum((unsigned char)*p) && !strchr("-_=+./,:@%", *p)) return false;
    return *word != '\0';
}

void tide_steps_quote(struct tide_str *out, const char *word)
{
    if (is_plain(word)) {
        tide_str_put(out, word);
        return;
    }
    tide_str_put(out, "'");
    for (const char *p = word; *p; p++)
        *p == '\'' ? tide_str_put(out, "'\\''") : tide_str_add(out, p, 1);
    tide_str_put(out, "'");
}

/* The command as one could paste it into a shell, in new memory; NULL when memory ends. */
static char *describe_command(const char *const *argv)
{
    struct tide_str line = {0};
    for (size_t i = 0; argv[i]; i++) {
        if (i) tide_str_put(&line, " ");
        tide_steps_quote(&line, argv[i]);
    }
    return tide_str_take(&line);
}

static bool put_environment(char ***words, const struct tide_steps *s)
{
    bool put =
        tide_build_words_add(words, "nice env -i LC_ALL=C TERM=dumb PYTHONDONTWRITEBYTECODE=1 "
                                    "CCACHE_NOHASHDIR=1");
    char *level = tide_format("CMAKE_BUILD_PARALLEL_LEVEL=%d MAKEFLAGS=-j%d", s->cpus, s->cpus);
    put = put && level && (!s->cpus || tide_build_words_add(words, level));
    free(level);
    char *base = tide_format("CCACHE_BASEDIR=%s", s->folder);
    put = put && base && tide_build_words_put(words, base);
    free(base);
    for (size_t i = 0; put && kept[i]; i++) {
        const char *value = getenv(kept[i]);
        bool tools = value && s->tools && !strcmp(kept[i], "PATH");
        char *word = tools   ? tide_format("PATH=%s:%s", s->tools, value)
                     : value ? tide_format("%s=%s", kept[i], value)
                             : NULL;
        put = !value || (word && tide_build_words_put(words, word));
        free(word);
    }
    for (size_t i = 0; put && s->environment && s->environment[i]; i++)
        put = tide_build_words_put(words, s->environment[i]);
    return put;
}

/* The line of `text` that holds `mark` in any case; NULL for none. Our announcements hold the words
 * of commands, and the linker's driver only says that the linker said something. */
static const char *find_line(const char *text, const char *mark)
{
    while (*text) {
        size_t length = strcspn(text, "\n");
        bool counts = text[0] != '$' && strncmp(text, "collect2", 8) != 0;
        const char *found = counts ? strcasestr(text, mark) : NULL;
        if (found && found < text + length) return text;
        text += length + (text[length] == '\n');
    }
    return NULL;
}

/* The first line that says what is wrong, else the last; CMake puts the reason below its "Error at"
 * line. */
static char *find_reason(const char *text)
{
    static const char *const marks[] = {"error: ", "CMake Error", "undefined reference",
                                        "cannot find", "error"};
    const char *line = NULL;
    for (size_t i = 0; !line && i < sizeof marks / sizeof *marks; i++)
        line = find_line(text, marks[i]);
    if (!line) return tide_build_last_line(text);
    size_t length = strcspn(line, "\n");
    const char *below = line + length + strspn(line + length, " \n");
    if (strncmp(line, "CMake Error at", 14) != 0 || !*below) return strndup(line, length);
    return tide_format("%.*s %.*s", (int)length, line, (int)strcspn(below, "\n"), below);
}

/* Cut every `what` out of the text, in place. */
static void cut(char *text, const char *what)
{
    size_t length = strlen(what);
    for (char *at = text; (at = strstr(at, what));)
        memmove(at, at + length, strlen(at + length) + 1);
}

/* Where it was built means nothing to who reads the error later. */
static void cut_places(char *text, const char *folder)
{
    static const char *const places[] = {"/source/", "/"};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        char *place = tide_format("%s%s", folder, places[i]);
        if (place) cut(text, place);
        free(place);
    }
    cut(text, "../source/"); /* as ccache rewrites it */
}

/* Why the step failed that began at `start` of the log. */
static enum tide_rc describe(const struct tide_steps *s, off_t start,
                             const struct tide_error *failure, struct tide_error *e)
{
    char *log = NULL, *reason = NULL;
    size_t n = 0;
    enum tide_rc rc = tide_file_read(s->path, LOG_SEARCHED, &log, &n, e);
    if (rc) return rc;
    /* Only an exit status leaves the reason to the log; "nice", the first word, is of no interest.
     */
    const char *killed = strstr(failure->text, " passed its deadline");
    if (!killed) killed = strstr(failure->text, " was killed");
    if (killed) {
        reason = tide_format("the step%s", killed);
        tide_steps_note(s, "error: the step%s", killed);
    } else {
        reason = find_reason(n < LOG_SEARCHED && (size_t)start < n ? log + start : log);
    }
    if (reason) cut_places(reason, s->folder);
    rc = tide_fail(e, TIDE_FAILED, "%s", reason && *reason ? reason : failure->text);
    free(reason);
    free(log);
    return rc;
}

/* Add the step to those that were done. */
static void record(const struct tide_steps *s, const char *command, int status, int64_t began_ns)
{
    json_int_t took = tide_clock_monotonic_ns() - began_ns;
    json_t *exit = WIFEXITED(status) ? json_integer(WEXITSTATUS(status)) : json_null();
    json_t *signal = WIFSIGNALED(status) ? json_integer(WTERMSIG(status)) : json_null();
    char *clean = tide_utf8_copy(command);
    json_array_append_new(s->done, json_pack("{s:s*, s:o, s:o, s:I}", "command", clean, "exit",
                                             exit, "signal", signal, "wall_ns", took));
    free(clean);
}

enum tide_rc tide_steps_run(const struct tide_steps *s, const char *const *argv,
                            struct tide_error *e)
{
    struct tide_error failure = {0};
    off_t start = lseek(s->log, 0, SEEK_END);
    int64_t began_ns = tide_clock_monotonic_ns();
    char **words = NULL, *line = describe_command(argv);
    bool put = line && put_environment(&words, s);
    for (size_t i = 0; put && argv[i]; i++)
        put = tide_build_words_put(&words, argv[i]);
    enum tide_rc rc = put ? TIDE_OK : tide_fail(&failure, TIDE_NOMEM, "run %s", argv[0]);
    int status = 0;
    const struct tide_command c = {.argv = (const char *const *)words,
                                   .folder = s->place ? s->place : s->folder,
                                   .log = s->log,
                                   .log_output = true,
                                   .deadline_s = s->deadline_s,
                                   .stop = s->stop,
                                   .status = &status};
    if (!rc) {
        tide_steps_note(s, "$ %s", line);
        rc = tide_process_run(&c, NULL, &failure);
        record(s, line, status, began_ns);
    }
    tide_build_words_free(words);
    free(line);
    if (rc == TIDE_FAILED) return describe(s, start > 0 ? start : 0, &failure, e);
    if (rc && e) *e = failure;
    return rc;
}
