/* doctor_programs.c - the programs that Tidemark stands on: compilers, git, SQLite, CPythons. */
#include "cli/doctor.h"

#include "base/process.h"
#include "base/str.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#define DEADLINE_S    10
#define PYTHON_LEAST  "3.8" /* an older one cannot be made usable */
#define GIT_LEAST     "2.25"
#define SQLITE_MENDED 3051003 /* the first without the WAL bug, sqlite.org/wal.html#walresetbug */

/* The first line that `program --version` prints, "" when it cannot be run; freed by the caller. */
static char *ask_version(const char *program)
{
    const char *const argv[] = {program, "--version", NULL};
    const struct tide_command c = {.argv = argv, .log = -1, .deadline_s = DEADLINE_S};
    struct tide_str out = {0};
    bool failed = tide_process_run(&c, &out, NULL);
    if (out.at) out.at[strcspn(out.at, "\n")] = '\0';
    char *line = failed || !out.at ? strdup("") : strdup(out.at);
    tide_str_free(&out);
    return line;
}

static void check_program(struct tide_findings *f, const char *program, enum tide_health without,
                          const char *advice)
{
    char *line = ask_version(program);
    bool there = line && *line;
    tide_find(f, program, there ? TIDE_HEALTH_OK : without, advice, "%s",
              there ? line : "is not there, or does not run");
    free(line);
}

/* Whether a.b of the text is at least that of `least`. */
static bool is_at_least(const char *version, const char *least)
{
    char *end, *least_end;
    long major = strtol(version, &end, 10), least_major = strtol(least, &least_end, 10);
    if (major != least_major) return major > least_major;
    return *end == '.' && strtol(end + 1, NULL, 10) >= strtol(least_end + 1, NULL, 10);
}

static void check_git(struct tide_findings *f)
{
    char *line = ask_version("git");
    const char *version = line ? line + strcspn(line, "0123456789") : "";
    bool fine = *version && is_at_least(version, GIT_LEAST);
    tide_find(f, "git", fine ? TIDE_HEALTH_OK : TIDE_HEALTH_FAIL,
              "Commits are checked out by git " GIT_LEAST " or later: apt-get install git.", "%s",
              *version ? line : "is not there, or does not run");
    free(line);
}

static void check_sqlite(struct tide_findings *f)
{
    bool mended = sqlite3_libversion_number() >= SQLITE_MENDED;
    tide_find(f, "SQLite", TIDE_HEALTH_OK, NULL, "%s%s", sqlite3_libversion(),
              mended
                  ? ""
                  : "; it has the WAL bug that was mended in 3.51.3, which strikes only where two "
                    "connections write: let no other program write the database");
}

static void check_python(struct tide_findings *f, const struct tide_python *p)
{
    bool too_old = !is_at_least(p->version, PYTHON_LEAST);
    if (!p->reason)
        tide_find(f, "Python", TIDE_HEALTH_OK, NULL, "%s, %s", p->name, p->program);
    else
        tide_find(f, "Python", too_old ? TIDE_HEALTH_OK : TIDE_HEALTH_WARN,
                  "It is left out until then; docs/PYTHONS.md tells what a Python needs.",
                  "%s, %s, cannot be used: %s", p->name, p->program, p->reason);
}

static void check_pythons(struct tide_findings *f, const struct tide_config *c)
{
    struct tide_pythons pythons = {0};
    struct tide_error e = {0};
    size_t usable = 0;
    if (tide_pythons_discover(&c->places.pythons, NULL, &pythons, &e)) {
        tide_find(f, "Pythons", TIDE_HEALTH_FAIL, "`tidemark pythons` shows where it looks.", "%s",
                  e.text);
        return;
    }
    for (size_t i = 0; i < pythons.n; i++)
        usable += !pythons.at[i].reason;
    tide_find(
        f, "Pythons", usable ? TIDE_HEALTH_OK : TIDE_HEALTH_FAIL,
        "Install one with its headers: apt-get install python3-dev, or tidemark pythons get 3.14.",
        "%zu usable, %zu not", usable, pythons.n - usable);
    for (size_t i = 0; i < pythons.n; i++)
        check_python(f, &pythons.at[i]);
    tide_pythons_free(&pythons);
}

void tide_doctor_programs(struct tide_findings *f, const struct tide_config *c)
{
    check_program(f, "cc", TIDE_HEALTH_FAIL,
                  "Workers and extensions are compiled: apt-get install build-essential.");
    check_program(f, "c++", TIDE_HEALTH_WARN,
                  "C++ extensions cannot be built: apt-get install build-essential.");
    check_program(f, "cmake", TIDE_HEALTH_WARN,
                  "Projects of the recipe cmake cannot be built: apt-get install cmake.");
    check_git(f);
    check_sqlite(f);
    check_pythons(f, c);
}
