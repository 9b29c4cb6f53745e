/* probe.c - see probe.h.
 *
 * The interpreter runs one program (the text below) which prints a line of JSON. It has to run on
 * Python 2.7 too, so that an old installation is refused by its name and not by a SyntaxError; for
 * the same reason it is isolated by -E and -s and an own cut of sys.path instead of -I, which 2.7
 * does not know. Only the last line counts: a site customisation may print before it.
 *
 * The library to embed is sought where the interpreter says it was installed and where it stands
 * now (uv and conda move installations after building them). A shared one wins; a static one brings
 * the libraries that it was built with, its symbols are exported for the extension modules, and as
 * it may not be position-independent the program that it goes into is not either. */
#include "build/probe.h"

#include "base/file.h"
#include "base/process.h"
#include "build/command.h"
#include "build/fetch.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define DEADLINE_S     10
#define OUTPUT_CEILING (256u << 10)
#if defined(__aarch64__)
#    define LOADER "ld-linux-aarch64.so.1"
#else
#    define LOADER "ld-linux-x86-64.so.2"
#endif
#define OLDEST        "3.8"
#define OLDEST_NUMBER tide_probe_version_number(OLDEST)

static const char question[] =
    "import sys\n"
    "sys.path[:] = [p for p in sys.path if p]\n"
    "import json, os, sysconfig\n"
    "var = lambda name: str(sysconfig.get_config_var(name) or '')\n"
    "v = sys.version_info\n"
    "level = {'alpha': 'a', 'beta': 'b', 'candidate': 'rc'}.get(v[3])\n"
    "version = '%d.%d.%d' % v[:3] + ('%s%d' % (level, v[4]) if level else '')\n"
    "impl = getattr(getattr(sys, 'implementation', None), 'name', '')\n"
    "impl = impl or ('pypy' if hasattr(sys, 'pypy_version_info') else 'cpython')\n"
    "marks = 't' if var('Py_GIL_DISABLED') == '1' else ''\n"
    "marks += 'd' if var('Py_DEBUG') == '1' else ''\n"
    "short = '%d.%d' % v[:2]\n"
    "ld = var('LDVERSION') or short\n"
    "def first(folders, names):\n"
    "    for folder in folders:\n"
    "        for name in names:\n"
    "            path = os.path.join(folder, name)\n"
    "            if folder and name and os.path.isfile(path):\n"
    "                return path\n"
    "    return ''\n"
    "base = getattr(sys, 'base_prefix', getattr(sys, 'real_prefix', sys.prefix))\n"
    "libs = sys.argv[1:] + [var('LIBDIR'), os.path.join(base, 'lib'), os.path.join(base, "
    "'lib64')]\n"
    "names = [var('LDLIBRARY'), var('INSTSONAME'), 'libpython%s.so' % ld]\n"
    "shared = first(libs, [name for name in names if '.so' in name])\n"
    "static = first([var('LIBPL')] + libs, [var('LIBRARY'), 'libpython%s.a' % ld])\n"
    "link = ['-Wl,--export-dynamic', '-no-pie', var('MODLIBS'), var('LIBS'), var('SYSLIBS')]\n"
    "link = '' if shared or not static else ' '.join(link)\n"
    "header = first([sysconfig.get_path('include') or '', var('INCLUDEPY')], ['Python.h'])\n"
    "program = sys.executable\n"
    "plain = os.path.join(sys.prefix, 'bin', 'python' + short + marks)\n"
    "if program and os.path.realpath(plain) == os.path.realpath(program): program = plain\n"
    "kinds = ('.dist-info', '.egg-info', '.egg-link', '.pth')\n"
    "site = sysconfig.get_path('purelib') if sys.prefix != base else ''\n"
    "packages = os.listdir(site) if site and os.path.isdir(site) else []\n"
    "packages = sorted(name for name in packages if name.endswith(kinds))\n"
    "print(json.dumps({'version': version, 'implementation': impl, 'marks': marks,\n"
    "    'abi': var('SOABI') or 'cpython-%d%d' % v[:2], 'prefix': sys.prefix,\n"
    "    'program': program, 'virtual': sys.prefix != base,\n"
    "    'base_prefix': base, 'packages': ' '.join(packages),\n"
    "    'base': getattr(sys, '_base_executable', None) or '', 'build': sys.version,\n"
    "    'include': os.path.dirname(header), 'libpython': shared or static, 'link': link,\n"
    "    'mimalloc': var('WITH_MIMALLOC') == '1', 'pymalloc': var('WITH_PYMALLOC') == '1'}))\n";

void tide_python_clear(struct tide_python *p)
{
    char *const owned[] = {p->name,    p->version, p->abi,    p->prefix, p->program, p->libpython,
                           p->include, p->link,    p->loader, p->source, p->reason};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
        free(owned[i]);
    tide_build_words_free(p->launcher);
    tide_build_words_free(p->library_path);
    *p = (struct tide_python){0};
}

unsigned long long tide_probe_version_number(const char *version)
{
    unsigned major = 0, minor = 0, micro = 0, serial = 0;
    char level[3] = "";
    int n = sscanf(version, "%3u.%3u.%3u%2[abrc]%3u", &major, &minor, &micro, level, &serial);
    if (n < 2) return 0;
    unsigned stage = level[0] == 'a' ? 0 : level[0] == 'b' ? 1 : level[0] == 'r' ? 2 : 3;
    return ((((unsigned long long)major * 1000 + minor) * 1000 + micro) * 4 + stage) * 1000 +
           serial;
}

static bool has_prefix(const char *text, const char *start)
{
    return !strncmp(text, start, strlen(start));
}

/* Whose installation it is: told by where it stands, so that the answer is the same however it was
 * found. */
static const char *find_source(const char *prefix, bool is_virtual, const char *found)
{
    if (is_virtual) return "venv";
    char *pyenv = tide_candidates_pyenv();
    char *conda = tide_format("%s/conda-meta", prefix), *fetched = tide_fetch_library(prefix);
    struct stat facts;
    const char *source = found;
    if (pyenv && has_prefix(prefix, pyenv))
        source = "pyenv";
    else if (fetched)
        source = "fetched";
    else if (!strcmp(prefix, "/usr"))
        source = "debian";
    else if (strstr(prefix, "/uv/python/"))
        source = "uv";
    else if (conda && !stat(conda, &facts))
        source = "conda";
    free(pyenv);
    free(conda);
    free(fetched);
    return source;
}

/* What to do about a missing `thing`, in the words of whoever made the installation. */
static char *advise(const struct tide_python *p, const char *thing)
{
    int minor = (int)strcspn(p->version, ".") + 1;
    minor += (int)strcspn(p->version + minor, ".");
    if (!strcmp(p->source, "debian"))
        return tide_format("no %s: install it with `apt-get install libpython%.*s-dev`", thing,
                           minor, p->version);
    if (!strcmp(p->source, "pyenv"))
        return tide_format("no %s: rebuild it with `PYTHON_CONFIGURE_OPTS=--enable-shared "
                           "pyenv install --force %s`",
                           thing, p->version);
    if (!strcmp(p->source, "uv"))
        return tide_format("no %s: install it anew with `uv python install --reinstall %s`", thing,
                           p->version);
    return tide_format("no %s under %s: install its development files, or build CPython with "
                       "--enable-shared and install it whole",
                       thing, p->prefix);
}

/* The reason why it cannot be used, in new memory; NULL when it can (or when memory ends). */
static char *judge(const struct tide_python *p, const char *implementation)
{
    if (strcmp(implementation, "cpython") != 0)
        return tide_format("%s %s is not CPython, the only one that Tidemark embeds",
                           implementation, p->version);
    if (tide_probe_version_number(p->version) < OLDEST_NUMBER)
        return tide_format("CPython %s is older than " OLDEST ", the oldest that Tidemark runs",
                           p->version);
    if (p->free_threaded)
        return tide_format("CPython %s is free-threaded, and the tracer still needs the GIL",
                           p->version);
    if (!*p->include) return advise(p, "Python.h");
    if (!*p->libpython) return advise(p, "libpython");
    return NULL;
}

static void add_file_facts(struct tide_str *s, const char *path)
{
    struct stat facts = {0};
    if (!*path || stat(path, &facts)) return;
    tide_str_printf(s, "%s %lld %lld.%09ld\n", path, (long long)facts.st_size,
                    (long long)facts.st_mtim.tv_sec, facts.st_mtim.tv_nsec);
}

/* Which file it is, and what was written to it last. */
static bool add_file_state(struct tide_str *s, const char *path)
{
    struct stat f;
    if (!*path || stat(path, &f)) return false;
    tide_str_printf(s, "%llu %llu %lld %lld.%09ld\n", (unsigned long long)f.st_dev,
                    (unsigned long long)f.st_ino, (long long)f.st_size, (long long)f.st_mtim.tv_sec,
                    f.st_mtim.tv_nsec);
    return true;
}

/* The hash of what the python's files are like now; *gone: the first that is not there. */
static enum tide_rc hash_files(const struct tide_python *p, char out[TIDE_HASH_TEXT],
                               const char **gone, struct tide_error *e)
{
    struct tide_str s = {0};
    const char *const paths[] = {p->program, p->libpython};
    *gone = NULL;
    for (size_t i = 0; i < 2; i++)
        if (!add_file_state(&s, paths[i]) && !*gone) *gone = paths[i];
    bool failed = s.failed;
    if (!failed) tide_hash_text(s.at ? s.at : "", s.length, out);
    tide_str_free(&s);
    return failed ? tide_fail(e, TIDE_NOMEM, "look at %s", p->program) : TIDE_OK;
}

enum tide_rc tide_python_check(const struct tide_python *p, struct tide_error *e)
{
    char now[TIDE_HASH_TEXT];
    const char *gone;
    enum tide_rc rc = hash_files(p, now, &gone, e);
    if (rc) return rc;
    if (gone && !p->reason)
        return tide_fail(e, TIDE_FAILED, "CPython %s is no longer on this machine: there is no %s",
                         p->name, gone);
    if (strcmp(now, p->facts) != 0)
        return tide_fail(e, TIDE_FAILED,
                         "CPython %s has changed since it was found (%s): what stands there now is "
                         "another python, found by the next request",
                         p->name, p->program);
    return TIDE_OK;
}

static void add_words(struct tide_str *s, const char *title, char *const *words)
{
    if (words) tide_str_printf(s, "%s", title);
    for (; words && *words; words++)
        tide_str_printf(s, " %s", *words);
}

/* `packages`: what a virtual environment brings along. */
static enum tide_rc identify(struct tide_python *p, const char *build, const char *packages,
                             struct tide_error *e)
{
    struct tide_str s = {0};
    tide_str_printf(&s, "%s\n%s\n%s\n%s\n%s\n", p->version, build, p->abi, p->prefix, p->include);
    add_file_facts(&s, p->libpython);
    add_file_facts(&s, p->program);
    add_words(&s, "launcher", p->launcher);
    add_words(&s, "libraries", p->library_path);
    if (p->no_site)
        tide_str_put(&s, "no site");
    else
        tide_str_put(&s, packages);
    bool failed = s.failed;
    const char *gone;
    if (!failed) tide_hash_text(s.at, s.length, p->identity);
    tide_str_free(&s);
    return failed ? tide_fail(e, TIDE_NOMEM, "identify %s", p->program)
                  : hash_files(p, p->facts, &gone, e);
}

/* A Python of which no more is known than its path and why it is of no use. Takes `reason`. */
static enum tide_rc fill_unknown(const struct tide_candidate *c, char *reason,
                                 struct tide_python *p, struct tide_error *e)
{
    *p = (struct tide_python){.name = strdup(c->path),
                              .version = strdup(""),
                              .abi = strdup(""),
                              .prefix = strdup(""),
                              .program = strdup(c->path),
                              .libpython = strdup(""),
                              .include = strdup(""),
                              .link = strdup(""),
                              .loader = strdup(""),
                              .source = strdup(c->source),
                              .reason = reason};
    if (!p->name || !p->version || !p->abi || !p->prefix || !p->program || !p->libpython ||
        !p->include || !p->link || !p->loader || !p->source || !p->reason)
        return tide_fail(e, TIDE_NOMEM, "list %s", c->path);
    return identify(p, "", "", e);
}

static bool copy_words(const char *const *words, char ***copy)
{
    bool put = true;
    for (; put && words && *words; words++)
        put = tide_build_words_put(copy, *words);
    return put;
}

/* The dynamic loader that the python's libraries need, when one stands among them; "" for this
 * machine's own. New memory. */
static char *find_loader(char *const *library_path)
{
    for (; library_path && *library_path; library_path++) {
        char *path = tide_format("%s/" LOADER, *library_path);
        if (path && tide_file_exists(path)) return path;
        free(path);
    }
    return strdup("");
}

/* What the configuration says of how to run it, or what was noted when it was fetched. */
static enum tide_rc fill_way(const struct tide_candidate *c, const char *base_prefix,
                             struct tide_python *p, struct tide_error *e)
{
    const struct tide_python_entry *entry = c->entry;
    char *library = base_prefix ? tide_fetch_library(base_prefix) : NULL;
    bool put = !entry || (copy_words(entry->launcher, &p->launcher) &&
                          copy_words(entry->library_path, &p->library_path));
    if (put && library) put = tide_build_words_put(&p->library_path, library);
    free(library);
    if (put && entry && entry->name) {
        free(p->name);
        p->name = strdup(entry->name);
        p->named = true;
    }
    p->no_site = entry && entry->no_site;
    p->loader = find_loader(p->library_path);
    return put && p->name && p->loader ? TIDE_OK : tide_fail(e, TIDE_NOMEM, "list %s", c->path);
}

static enum tide_rc fill(const struct tide_candidate *c, const json_t *facts, struct tide_python *p,
                         struct tide_error *e)
{
    const char *text[10] = {0};
    static const char *const keys[] = {"version", "marks",     "abi",  "prefix", "program",
                                       "include", "libpython", "link", "build",  "packages"};
    bool is_virtual = json_is_true(json_object_get(facts, "virtual"));
    for (size_t i = 0; i < 10; i++)
        text[i] = json_string_value(json_object_get(facts, keys[i]));
    *p = (struct tide_python){.name = tide_format("%s%s", text[0], text[1]),
                              .version = strdup(text[0]),
                              .abi = tide_format("%s%s%s", text[2], *text[1] ? "-" : "", text[1]),
                              .prefix = strdup(text[3]),
                              .program = strdup(*text[4] ? text[4] : c->path),
                              .include = strdup(text[5]),
                              .libpython = strdup(text[6]),
                              .link = strdup(text[7]),
                              .source = strdup(find_source(text[3], is_virtual, c->source))};
    if (!p->name || !p->version || !p->abi || !p->prefix || !p->program || !p->libpython ||
        !p->include || !p->link || !p->source)
        return tide_fail(e, TIDE_NOMEM, "list %s", c->path);
    snprintf(p->marks, sizeof p->marks, "%s", text[1]);
    enum tide_rc rc = fill_way(c, json_string_value(json_object_get(facts, "base_prefix")), p, e);
    if (rc) return rc;
    p->free_threaded = strchr(text[1], 't') != NULL;
    p->mimalloc = json_is_true(json_object_get(facts, "mimalloc"));
    p->no_pymalloc = json_is_false(json_object_get(facts, "pymalloc"));
    p->reason = judge(p, json_string_value(json_object_get(facts, "implementation")));
    return identify(p, text[8], text[9] ? text[9] : "", e);
}

/* The answer's JSON with every key that is used, or NULL. */
static json_t *parse(const char *output)
{
    static const char *const keys[] = {"version", "implementation", "marks",   "abi",
                                       "prefix",  "program",        "include", "libpython",
                                       "link",    "build",          "base"};
    char *line = tide_build_last_line(output);
    json_t *facts = line ? json_loads(line, 0, NULL) : NULL;
    free(line);
    bool whole = json_is_object(facts) && json_is_boolean(json_object_get(facts, "virtual"));
    for (size_t i = 0; whole && i < sizeof keys / sizeof *keys; i++)
        whole = json_is_string(json_object_get(facts, keys[i]));
    if (whole && tide_probe_version_number(json_string_value(json_object_get(facts, "version"))))
        return facts;
    json_decref(facts);
    return NULL;
}

static char *describe_failure(const struct tide_candidate *c, const struct tide_error *e,
                              const struct tide_str *complaint)
{
    struct stat facts;
    if (stat(c->path, &facts)) return tide_format("there is no file %s", c->path);
    char *line = tide_build_last_line(complaint->at ? complaint->at : "");
    char *reason = line && *line ? tide_format("it does not start: %s", line)
                                 : tide_format("it does not start: %s", e->text);
    free(line);
    return reason;
}

/* The command that asks, and LD_LIBRARY_PATH where the configuration has a library path. With a
 * loader in that path the libraries are another release's, which this machine's loader must not
 * take: such a program has to be one that starts by itself, or by the launcher. */
static enum tide_rc make_command(const struct tide_candidate *c, char ***argv, char **libraries,
                                 struct tide_error *e)
{
    const struct tide_python_entry *entry = c->entry;
    struct tide_str path = {0};
    char *loader = entry ? find_loader((char *const *)entry->library_path) : NULL;
    bool put = (!entry || copy_words(entry->launcher, argv)) &&
               tide_build_words_put(argv, c->path) && tide_build_words_add(argv, "-E -s -B -c") &&
               tide_build_words_put(argv, question);
    if (put && entry) put = loader && copy_words(entry->library_path, argv);
    for (size_t i = 0; put && entry && entry->library_path && entry->library_path[i]; i++)
        tide_str_printf(&path, "%s%s", i ? ":" : "LD_LIBRARY_PATH=", entry->library_path[i]);
    if (put && path.length && !*loader) {
        *libraries = tide_str_take(&path);
        put = *libraries != NULL;
    }
    tide_str_free(&path);
    free(loader);
    return put ? TIDE_OK : tide_fail(e, TIDE_NOMEM, "ask %s what it is", c->path);
}

enum tide_rc tide_probe_ask(const struct tide_candidate *candidate, const atomic_bool *stop,
                            struct tide_python *out, char **base, struct tide_error *e)
{
    char **argv = NULL, *libraries = NULL;
    enum tide_rc rc = make_command(candidate, &argv, &libraries, e);
    const char *const settings[] = {libraries, NULL};
    /* pyenv and its kind would otherwise answer by the version of some folder's settings. */
    const struct tide_command command = {.argv = (const char *const *)argv,
                                         .folder = "/",
                                         .environment = libraries ? settings : NULL,
                                         .log = -1,
                                         .deadline_s = DEADLINE_S,
                                         .stop = stop};
    struct tide_str output = {.ceiling = OUTPUT_CEILING}, complaint = {0};
    struct tide_error failure = {0};

    *out = (struct tide_python){0};
    *base = NULL;
    if (rc) goto out;
    rc = tide_build_run(&command, &output, &complaint, &failure);
    json_t *facts = rc ? NULL : parse(output.at ? output.at : "");
    if (rc && rc != TIDE_FAILED) {
        if (e) *e = failure;
    } else if (rc) {
        rc = fill_unknown(candidate, describe_failure(candidate, &failure, &complaint), out, e);
    } else if (!facts) {
        rc = fill_unknown(candidate,
                          tide_format("it does not answer as a Python does when asked what it is"),
                          out, e);
    } else {
        rc = fill(candidate, facts, out, e);
        const char *named = json_string_value(json_object_get(facts, "base"));
        if (json_is_true(json_object_get(facts, "virtual"))) *base = strdup(named);
    }
    json_decref(facts);
out:
    tide_build_words_free(argv);
    free(libraries);
    tide_str_free(&output);
    tide_str_free(&complaint);
    return rc;
}
