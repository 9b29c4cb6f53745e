/* fetch.c - see fetch.h.
 *
 * Work goes on in FOLDER/.tmp and is renamed when it has ended. What cannot be tried before it
 * stands under its final name (its loader's place is in the program) is tried then;
 * PREFIX/tidemark.json is written last, and a prefix without it counts for nothing and gives way to
 * the next fetch. */
#include "build/fetch.h"

#include "base/file.h"
#include "base/str.h"
#include "build/command.h"
#include "build/prefix.h"
#include "build/scratch.h"

#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define NOTE_MAX (1u << 20)

/* One fetch at work. */
struct job {
    const struct tide_fetch *f;
    const char *minor, *suite;
    bool debug;
    char *version;           /* of the package: "3.14.8-1" */
    char *place;             /* FOLDER/NAME */
    char *program;           /* "python3.14d" */
    char *temporary, *bench; /* FOLDER/.tmp and a folder in it */
    int hold;                /* of the former */
    int lock;                /* of FOLDER */
};

static void close_job(struct job *j)
{
    /* What cannot be removed now goes with the next sweep. */
    if (j->bench && tide_file_remove_tree(j->bench, NULL)) {}
    if (j->hold >= 0) close(j->hold);
    if (j->lock >= 0) close(j->lock);
    free(j->version);
    free(j->place);
    free(j->program);
    free(j->temporary);
    free(j->bench);
}

__attribute__((format(printf, 2, 3))) static void say(const struct job *j, const char *format, ...)
{
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (j->f->say) j->f->say(line);
}

/* ---- which one ---- */

static enum tide_rc check_minor(const char *minor, struct tide_error *e)
{
    size_t n = strncmp(minor, "3.", 2) ? 0 : strspn(minor + 2, "0123456789");
    if (n && n < 4 && !minor[2 + n]) return TIDE_OK;
    if (n && !strcmp(minor + 2 + n, "t"))
        return tide_fail(e, TIDE_INVALID,
                         "Debian has no free-threaded CPython: build one with --disable-gil and "
                         "name its prefix in the configuration");
    return tide_fail(e, TIDE_INVALID, "\"%.40s\" is no minor version of CPython like 3.14", minor);
}

/* The linker splits its options at these. */
static enum tide_rc check_folder(const char *folder, struct tide_error *e)
{
    if (*folder == '/' && !strpbrk(folder, ",:'\"\\\n")) return TIDE_OK;
    return tide_fail(e, TIDE_INVALID,
                     "no Python can be kept below %s: comma, colon, quotes and backslash do not "
                     "pass through the linker's options; name another --data",
                     folder);
}

/* Two at once would work in the same folders of apt's. */
static enum tide_rc lock_folder(struct job *j, struct tide_error *e)
{
    enum tide_rc rc = tide_file_make_folder(j->f->folder, 0755, e);
    if (rc) return rc;
    char *path = tide_format("%s/.lock", j->f->folder);
    if (!path) return tide_fail(e, TIDE_NOMEM, "fetch a Python");
    j->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (j->lock < 0)
        rc = tide_fail_errno(e, "open %s", path);
    else if (flock(j->lock, LOCK_EX | LOCK_NB))
        rc = tide_fail(e, TIDE_BUSY, "another `tidemark pythons get` is at work in %s: wait for it",
                       j->f->folder);
    free(path);
    return rc;
}

/* The suite's Pythons, for an error's text. */
static void put_offer(const struct tide_debian *d, const char *suite, struct tide_str *out)
{
    char **names = NULL;
    tide_str_printf(out, "%s%s has", out->length ? "; " : "", suite);
    if (tide_debian_pythons(d, suite, &names, NULL) || !names) tide_str_put(out, " none");
    for (size_t i = 0; names && names[i]; i++)
        tide_str_printf(out, "%s %s", i ? "," : "", names[i] + strlen("python"));
    tide_build_words_free(names);
}

/* Ask the suite; j->suite stays NULL when it does not have it, and what it has goes to *offer. */
static enum tide_rc ask(struct job *j, const char *suite, struct tide_str *offer,
                        struct tide_error *e)
{
    char *package = tide_format("python%s%s", j->minor, j->debug ? "-dbg" : "");
    if (!package) return tide_fail(e, TIDE_NOMEM, "look for a Python");
    say(j, "asking Debian %s for %s", suite, package);
    enum tide_rc rc = tide_debian_update(&j->f->debian, suite, e);
    if (rc) goto out;
    rc = tide_debian_version(&j->f->debian, suite, package, &j->version, e);
    if (!rc) j->suite = suite;
    if (rc == TIDE_ABSENT) {
        put_offer(&j->f->debian, suite, offer);
        rc = TIDE_OK;
    }
out:
    free(package);
    return rc;
}

static enum tide_rc find_suite(struct job *j, const char *suite, struct tide_error *e)
{
    const char *const one[] = {suite, NULL};
    const char *const *suites = suite ? one : tide_debian_suites;
    struct tide_str offer = {0};
    enum tide_rc rc = TIDE_OK;
    for (; !rc && !j->suite && *suites; suites++)
        rc = ask(j, *suites, &offer, e);
    if (!rc && !j->suite)
        rc = tide_fail(e, TIDE_INVALID, "Debian has no CPython %s: %s", j->minor,
                       offer.at ? offer.at : "");
    tide_str_free(&offer);
    return rc;
}

/* "3.14.8-1" is CPython 3.14.8, "3.15.0~rc2-1" is 3.15.0rc2. */
static enum tide_rc name_it(struct job *j, struct tide_error *e)
{
    assert(j->version); /* what a suite that was found gave */
    size_t length = strcspn(j->version, "-+"), n = 0;
    char plain[64];
    for (size_t i = 0; i < length && n < sizeof plain - 1; i++)
        if (j->version[i] != '~') plain[n++] = j->version[i];
    plain[n] = '\0';
    if (!n || strspn(plain, "0123456789.abrc") != n || plain[0] == '.')
        return tide_fail(e, TIDE_FAILED, "Debian %s has a python%s of the odd version %s", j->suite,
                         j->minor, j->version);
    j->place = tide_format("%s/%s%s", j->f->folder, plain, j->debug ? "-debug" : "");
    j->program = tide_format("python%s%s", j->minor, j->debug ? "d" : "");
    j->temporary = tide_format("%s/.tmp", j->f->folder);
    return j->place && j->program && j->temporary ? TIDE_OK
                                                  : tide_fail(e, TIDE_NOMEM, "fetch a Python");
}

/* ---- the packages ---- */

/* What goes along when the suite has it: allocators to preload, whose names differ by release. */
static enum tide_rc put_extras(char ***words, const struct job *j, struct tide_error *e)
{
    static const char *const names[] = {"libjemalloc2", "libtcmalloc-minimal4t64",
                                        "libtcmalloc-minimal4"};
    enum tide_rc rc = TIDE_OK;
    for (size_t i = 0; !rc && i < sizeof names / sizeof *names; i++) {
        char *version = NULL;
        rc = tide_debian_version(&j->f->debian, j->suite, names[i], &version, e);
        if (!rc && !tide_build_words_put(words, names[i]))
            rc = tide_fail(e, TIDE_NOMEM, "choose packages");
        if (rc == TIDE_ABSENT) rc = TIDE_OK;
        free(version);
    }
    return rc;
}

static enum tide_rc choose_packages(const struct job *j, char ***words, struct tide_error *e)
{
    char *names = tide_format("python%s python%s-dev python%s-venv libpython%s libstdc++6",
                              j->minor, j->minor, j->minor, j->minor);
    char *debug = tide_format("python%s-dbg", j->minor);
    bool put = names && debug && tide_build_words_add(words, names);
    if (j->debug) put = put && tide_build_words_put(words, debug);
    free(names);
    free(debug);
    return put ? put_extras(words, j, e) : tide_fail(e, TIDE_NOMEM, "choose packages");
}

static enum tide_rc download(const struct job *j, const char *packages, struct tide_error *e)
{
    char **words = NULL;
    enum tide_rc rc = choose_packages(j, &words, e);
    if (!rc) {
        say(j, "fetching %s %s and all it depends on from Debian %s", words[0], j->version,
            j->suite);
        rc = tide_debian_download(&j->f->debian, j->suite, words, packages, e);
    }
    tide_build_words_free(words);
    return rc;
}

/* ---- the prefix ---- */

static json_t *list_packages(const char *folder)
{
    struct dirent **found = NULL;
    json_t *list = json_array();
    int n = scandir(folder, &found, NULL, alphasort);
    for (int i = 0; i < n; i++) {
        const char *dot = strrchr(found[i]->d_name, '.');
        if (dot && !strcmp(dot, ".deb"))
            json_array_append_new(list,
                                  json_stringn(found[i]->d_name, (size_t)(dot - found[i]->d_name)));
        free(found[i]);
    }
    free(found);
    return list;
}

static enum tide_rc write_note(const struct job *j, const char *library, const char *packages,
                               struct tide_error *e)
{
    json_t *note =
        json_pack("{s:s, s:s, s:s, s:s, s:o}", "package", j->program, "version", j->version,
                  "suite", j->suite, "library", library, "packages", list_packages(packages));
    char *text = note ? json_dumps(note, JSON_INDENT(1)) : NULL;
    char *path = tide_format("%s/" TIDE_FETCH_NOTE, j->place);
    enum tide_rc rc = text && path ? tide_file_replace(path, text, strlen(text), 0644, e)
                                   : tide_fail(e, TIDE_NOMEM, "describe a Python");
    free(path);
    free(text);
    json_decref(note);
    return rc;
}

static enum tide_rc put_in_place(const struct job *j, const struct tide_prefix *p,
                                 const char *packages, struct tide_error *e)
{
    enum tide_rc rc = tide_file_remove_tree(j->place, e);
    if (!rc && rename(p->root, j->place))
        rc = tide_fail_errno(e, "rename %s to %s", p->root, j->place);
    if (rc) return rc;
    say(j, "trying %s/bin/%s", j->place, j->program);
    rc = tide_prefix_finish(p, e);
    if (!rc) rc = write_note(j, p->library, packages, e);
    if (rc && tide_file_remove_tree(j->place, NULL)) {} /* without its note it counts for nothing */
    return rc;
}

static enum tide_rc make(struct job *j, struct tide_error *e)
{
    struct tide_prefix p = {
        .minor = j->minor, .program = j->program, .place = j->place, .stop = j->f->debian.stop};
    enum tide_rc rc = tide_scratch_sweep(j->temporary, e);
    if (!rc) rc = tide_scratch_hold(j->temporary, &j->hold, e);
    if (!rc) rc = tide_scratch_make(j->temporary, j->program, &j->bench, e);
    if (rc) return rc;
    char *packages = tide_format("%s/packages", j->bench);
    p.bench = j->bench;
    rc = packages ? download(j, packages, e) : tide_fail(e, TIDE_NOMEM, "fetch a Python");
    if (!rc) {
        say(j, "unpacking into %s", j->place);
        rc = tide_prefix_make(&p, packages, e);
    }
    if (!rc) rc = put_in_place(j, &p, packages, e);
    tide_prefix_clear(&p);
    free(packages);
    return rc;
}

enum tide_rc tide_fetch_python(const struct tide_fetch *f, const char *minor, const char *suite,
                               bool debug, char **out, bool *fresh, struct tide_error *e)
{
    struct job j = {.f = f, .minor = minor, .debug = debug, .hold = -1, .lock = -1};
    *out = NULL;
    *fresh = false;
    enum tide_rc rc = check_minor(minor, e);
    if (!rc) rc = check_folder(f->folder, e);
    if (!rc) rc = lock_folder(&j, e);
    if (!rc) rc = find_suite(&j, suite, e);
    if (!rc) rc = name_it(&j, e);
    if (rc) goto out;
    char *library = tide_fetch_library(j.place);
    *fresh = !library;
    free(library);
    if (*fresh) rc = make(&j, e);
    if (rc) goto out;
    *out = j.place;
    j.place = NULL;
out:
    close_job(&j);
    return rc;
}

/* ---- what is there ---- */

char *tide_fetch_library(const char *prefix)
{
    char *path = tide_format("%s/" TIDE_FETCH_NOTE, prefix), *text = NULL, *library = NULL;
    json_t *note = NULL;
    if (path && !tide_file_read(path, NOTE_MAX, &text, NULL, NULL))
        note = json_loads(text, 0, NULL);
    const char *told = json_string_value(json_object_get(note, "library"));
    if (told) library = strdup(told);
    json_decref(note);
    free(text);
    free(path);
    return library;
}

char *tide_fetch_list(const struct tide_fetch *f)
{
    struct dirent **found = NULL;
    struct tide_str names = {0};
    int n = scandir(f->folder, &found, NULL, alphasort);
    for (int i = 0; i < n; i++) {
        char *prefix = tide_format("%s/%s", f->folder, found[i]->d_name);
        char *library = prefix ? tide_fetch_library(prefix) : NULL;
        if (library) tide_str_printf(&names, "%s%s", names.length ? ", " : "", found[i]->d_name);
        free(library);
        free(prefix);
        free(found[i]);
    }
    free(found);
    return tide_str_take(&names);
}

enum tide_rc tide_fetch_remove(const struct tide_fetch *f, const char *name, struct tide_error *e)
{
    char *path = tide_format("%s/%s", f->folder, name);
    enum tide_rc rc = TIDE_OK;
    if (!path) return tide_fail(e, TIDE_NOMEM, "remove a Python");
    if (!*name || *name == '.' || strchr(name, '/') || !tide_file_exists(path)) {
        char *names = tide_fetch_list(f);
        rc = tide_fail(e, TIDE_INVALID, "no Python \"%.80s\" was fetched; there is %s", name,
                       names && *names ? names : "none");
        free(names);
    }
    if (!rc) rc = tide_file_remove_tree(path, e);
    free(path);
    return rc;
}
