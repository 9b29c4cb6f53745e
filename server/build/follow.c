/* follow.c - see follow.h.
 *
 * What is installed must not leave the bench: CMake installs with DESTDIR, so that a project that
 * writes to an absolute place (the interpreter's own site-packages, say) writes below it, and its
 * prefix is taken out of there.
 *
 * Compilers are found through links to ccache in front of PATH, where there is one; CMake is told
 * by its own variables. */
#include "build/follow.h"

#include "base/file.h"
#include "build/advice.h"
#include "build/command.h"
#include "build/toolchain.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CMAKE_DEFAULTS "-DCMAKE_BUILD_TYPE=Release -DCMAKE_BUILD_RPATH_USE_ORIGIN=ON"

const char *tide_follow_defaults(enum tide_recipe_kind kind)
{
    return kind == TIDE_RECIPE_CMAKE ? CMAKE_DEFAULTS : "";
}

enum tide_rc tide_follow_need(const struct tide_recipe *r, struct tide_error *e)
{
    return r->kind == TIDE_RECIPE_CMAKE ? tide_toolchain_need("cmake", "cmake", e) : TIDE_OK;
}

static bool put_joined(char ***words, const char *option, const char *value)
{
    char *word = tide_format("%s%s", option, value);
    bool put = word && tide_build_words_put(words, word);
    free(word);
    return put;
}

static bool put_all(char ***words, char *const *more)
{
    for (; more && *more; more++)
        if (!tide_build_words_put(words, *more)) return false;
    return true;
}

/* Run what `words` holds, which is freed; `put` false: it could not be made. */
static enum tide_rc run(const struct tide_work *w, const char *place, char **words, bool put,
                        struct tide_error *e)
{
    struct tide_steps steps = *w->steps;
    steps.place = place;
    enum tide_rc rc = put ? tide_steps_run(&steps, (const char *const *)words, e)
                          : tide_fail(e, TIDE_NOMEM, "build an extension");
    tide_build_words_free(words);
    return rc;
}

/* The folder that is built, below the bench: "source", or "source/FOLDER". */
static char *source_of(const struct tide_work *w)
{
    return *w->recipe->folder ? tide_format("source/%s", w->recipe->folder) : strdup("source");
}

/* ---- cmake ---- */

static enum tide_rc configure(const struct tide_work *w, struct tide_error *e)
{
    char **words = NULL, *source = source_of(w);
    char *ninja = tide_build_which("ninja"), *ccache = tide_build_which("ccache");
    bool put = source && tide_build_words_add(&words, "cmake -S") &&
               tide_build_words_put(&words, source) && tide_build_words_add(&words, "-B build") &&
               put_joined(&words, "-DPython_EXECUTABLE=", w->python->program) &&
               put_joined(&words, "-DPython3_EXECUTABLE=", w->python->program) &&
               put_joined(&words, "-DCMAKE_INSTALL_PREFIX=", w->final) &&
               tide_build_words_add(&words, CMAKE_DEFAULTS) && put_all(&words, w->recipe->flags) &&
               tide_build_words_put(&words, "-G") &&
               tide_build_words_put(&words, ninja ? "Ninja" : "Unix Makefiles");
    if (put && ccache)
        put = tide_build_words_add(&words, "-DCMAKE_C_COMPILER_LAUNCHER=ccache "
                                           "-DCMAKE_CXX_COMPILER_LAUNCHER=ccache");
    free(source);
    free(ninja);
    free(ccache);
    return run(w, NULL, words, put, e);
}

/* `cmake --install` does nothing in a project without a rule for it. */
static enum tide_rc install(const struct tide_work *w, struct tide_error *e)
{
    char **words = NULL, *stage = tide_format("DESTDIR=%s/stage", w->bench);
    bool put = stage && tide_build_words_put(&words, "env") &&
               tide_build_words_put(&words, stage) &&
               tide_build_words_add(&words, "cmake --install build");
    free(stage);
    return run(w, NULL, words, put, e);
}

/* Move it, unless something stands there. */
static enum tide_rc move(const char *from, const char *to, struct tide_error *e)
{
    if (tide_file_exists(to) || !rename(from, to) || errno == ENOENT) return TIDE_OK;
    return tide_fail_errno(e, "rename %s to %s", from, to);
}

static bool is_cmakes_own(const char *name)
{
    static const char *const own[] = {
        ".",        "..",         "CMakeFiles",          "CMakeCache.txt", "build.ninja",
        "Makefile", ".ninja_log", "cmake_install.cmake", ".ninja_deps",    "install_manifest.txt"};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (!strcmp(name, own[i])) return true;
    return false;
}

/* What a project leaves importable in its build folder, and does not install, is taken too. CMake's
 * own files are worthless once the folder has moved, and would lie on sys.path. */
static enum tide_rc take_built(const char *build, const char *prefix, struct tide_error *e)
{
    enum tide_rc rc = tide_file_make_folder(prefix, 0755, e);
    DIR *d = rc ? NULL : opendir(build);
    if (!rc && !d) rc = tide_fail_errno(e, "open folder %s", build);
    for (struct dirent *entry; !rc && (entry = readdir(d));) {
        if (is_cmakes_own(entry->d_name)) continue;
        char *from = tide_format("%s/%s", build, entry->d_name);
        char *to = tide_format("%s/%s", prefix, entry->d_name);
        rc = from && to ? move(from, to, e) : tide_fail(e, TIDE_NOMEM, "keep a build");
        free(from);
        free(to);
    }
    if (d) closedir(d);
    return rc;
}

static int remove_empty(const char *path, const struct stat *facts, int type, struct FTW *where)
{
    (void)facts;
    (void)where;
    if (type == FTW_DP) rmdir(path); /* refuses one that holds something */
    return 0;
}

static enum tide_rc collect(const struct tide_work *w, struct tide_error *e)
{
    char *staged = tide_format("%s/stage%s", w->bench, w->final);
    char *stage = tide_format("%s/stage", w->bench);
    char *build = tide_format("%s/build", w->bench);
    char *prefix = tide_format("%s/prefix", w->bench);
    char *elsewhere = tide_format("%s/prefix/elsewhere", w->bench);
    bool made = staged && stage && build && prefix && elsewhere;
    enum tide_rc rc = made ? move(staged, prefix, e) : tide_fail(e, TIDE_NOMEM, "keep a build");
    if (!rc) rc = take_built(build, prefix, e);
    /* Only folders are left of the stage, unless something went to an absolute place. */
    if (!rc) nftw(stage, remove_empty, 16, FTW_PHYS | FTW_DEPTH);
    if (!rc) rc = move(stage, elsewhere, e);
    free(staged);
    free(stage);
    free(build);
    free(prefix);
    free(elsewhere);
    return rc;
}

static enum tide_rc follow_cmake(const struct tide_work *w, struct tide_error *e)
{
    char jobs[16];
    snprintf(jobs, sizeof jobs, "%d", w->steps->cpus);
    const char *const build[] = {"cmake", "--build", "build", "--parallel", jobs, NULL};
    enum tide_rc rc = configure(w, e);
    if (!rc) rc = tide_steps_run(w->steps, build, e);
    if (!rc) rc = install(w, e);
    return rc ? rc : collect(w, e);
}

/* ---- setup.py, pip, wheel ---- */

/* Links named like compilers, to ccache, in BENCH/tools; without ccache none. */
static enum tide_rc make_tools(const struct tide_work *w, struct tide_error *e)
{
    static const char *const compilers[] = {"cc",
                                            "c++",
                                            "gcc",
                                            "g++",
                                            "clang",
                                            "clang++",
                                            "x86_64-linux-gnu-gcc",
                                            "x86_64-linux-gnu-g++",
                                            "aarch64-linux-gnu-gcc",
                                            "aarch64-linux-gnu-g++"};
    char *ccache = tide_build_which("ccache");
    char *tools = tide_format("%s/tools", w->bench);
    enum tide_rc rc = tools ? TIDE_OK : tide_fail(e, TIDE_NOMEM, "build an extension");
    if (!rc && ccache) rc = tide_file_make_folder(tools, 0755, e);
    for (size_t i = 0; !rc && ccache && i < sizeof compilers / sizeof *compilers; i++) {
        char *real = tide_build_which(compilers[i]);
        char *link = tide_format("%s/%s", tools, compilers[i]);
        if (real && (!link || symlink(ccache, link)))
            rc = tide_fail_errno(e, "link %s to ccache", compilers[i]);
        free(real);
        free(link);
    }
    free(ccache);
    if (rc)
        free(tools);
    else
        w->steps->tools = tools;
    return rc;
}

static enum tide_rc follow_setup(const struct tide_work *w, struct tide_error *e)
{
    char **words = NULL, *source = source_of(w);
    char *place = source ? tide_format("%s/%s", w->bench, source) : NULL;
    bool put = place && tide_build_words_put(&words, w->python->program) &&
               tide_build_words_add(&words, "setup.py build --build-lib") &&
               put_joined(&words, w->bench, "/prefix") &&
               tide_build_words_put(&words, "--build-temp") &&
               put_joined(&words, w->bench, "/build");
    if (put && w->recipe->flags)
        put = tide_build_words_put(&words, "build_ext") && put_all(&words, w->recipe->flags);
    free(source);
    enum tide_rc rc = run(w, place, words, put, e);
    free(place);
    return rc;
}

/* `PYTHON -m pip VERB --no-deps ...`: what every call of pip has. Without the network pip looks at
 * no index, and at no configuration that names one. */
static bool put_pip(const struct tide_work *w, const char *verb, char ***words)
{
    bool put = tide_build_words_put(words, w->python->program) &&
               tide_build_words_add(words, "-m pip --disable-pip-version-check --no-input "
                                           "--no-cache-dir") &&
               (w->recipe->network || tide_build_words_put(words, "--isolated")) &&
               tide_build_words_put(words, verb) && tide_build_words_put(words, "--no-deps") &&
               (w->recipe->network || tide_build_words_put(words, "--no-index"));
    return put;
}

/* Install the wheel of this name, or any that BENCH/FROM holds, into the prefix. */
static enum tide_rc install_wheel(const struct tide_work *w, const char *wheel,
                                  struct tide_error *e)
{
    char **words = NULL;
    bool put = put_pip(w, "install", &words) && tide_build_words_add(&words, "--target prefix") &&
               tide_build_words_put(&words, wheel);
    return run(w, NULL, words, put, e);
}

static int is_wheel(const struct dirent *entry)
{
    size_t n = strlen(entry->d_name);
    return n > 4 && !strcmp(entry->d_name + n - 4, ".whl");
}

/* The names of the wheels in the folder, sorted; NULL-terminated. */
static enum tide_rc list_wheels(const char *folder, char ***out, struct tide_error *e)
{
    struct dirent **found = NULL;
    bool put = true;
    *out = NULL;
    int n = scandir(folder, &found, is_wheel, alphasort);
    if (n < 0) return tide_fail_errno(e, "open folder %s", folder);
    for (int i = 0; i < n; i++) {
        put = put && tide_build_words_put(out, found[i]->d_name);
        free(found[i]);
    }
    free(found);
    return put ? TIDE_OK : tide_fail(e, TIDE_NOMEM, "list the wheels");
}

static enum tide_rc follow_pip(const struct tide_work *w, struct tide_error *e)
{
    char **words = NULL, **made = NULL, *source = source_of(w);
    char *wheels = tide_format("%s/wheels", w->bench);
    char *path = source ? tide_format("./%s", source) : NULL;
    bool put = wheels && path && put_pip(w, "wheel", &words) &&
               (w->recipe->isolation || tide_build_words_put(&words, "--no-build-isolation")) &&
               tide_build_words_add(&words, "--wheel-dir wheels") &&
               put_all(&words, w->recipe->flags) && tide_build_words_put(&words, path);
    enum tide_rc rc = run(w, NULL, words, put, e);
    if (!rc) rc = list_wheels(wheels, &made, e);
    if (!rc && !made) rc = tide_fail(e, TIDE_FAILED, "pip made no wheel");
    char *wheel = rc ? NULL : tide_format("wheels/%s", made[0]);
    if (!rc) rc = wheel ? install_wheel(w, wheel, e) : tide_fail(e, TIDE_NOMEM, "install a wheel");
    tide_build_words_free(made);
    free(source);
    free(wheels);
    free(path);
    free(wheel);
    return rc;
}

/* Whether this interpreter takes the wheel is pip's to say: PEP 425's tags are many. */
static const char choice[] =
    "import sys\n"
    "from pip._vendor.packaging.tags import sys_tags\n"
    "from pip._vendor.packaging.utils import parse_wheel_filename\n"
    "order = list(sys_tags())\n"
    "def rank(name):\n"
    "    tags = parse_wheel_filename(name)[3]\n"
    "    return min([order.index(t) for t in tags if t in order], default=len(order))\n"
    "best = min(sys.argv[1:], key=rank)\n"
    "if rank(best) < len(order): print(best)\n";

/* *out is the name of the wheel that fits best, in new memory. */
static enum tide_rc choose_wheel(const struct tide_work *w, char *const *wheels, char **out,
                                 struct tide_error *e)
{
    char **words = NULL;
    struct tide_str answer = {0}, complaint = {0};
    bool put = tide_build_words_put(&words, w->python->program) &&
               tide_build_words_add(&words, "-I -B -c") && tide_build_words_put(&words, choice) &&
               put_all(&words, wheels);
    const struct tide_command c = {.argv = (const char *const *)words,
                                   .log = -1,
                                   .deadline_s = w->recipe->deadline_s,
                                   .stop = w->steps->stop};
    enum tide_rc rc = put ? tide_build_run(&c, &answer, &complaint, e)
                          : tide_fail(e, TIDE_NOMEM, "choose a wheel");
    char *why = complaint.at ? tide_build_last_line(complaint.at) : NULL;
    if (rc == TIDE_FAILED && why) tide_fail(e, rc, "choose a wheel: %.300s", why);
    if (!rc) {
        *out = strndup(answer.at ? answer.at : "", answer.at ? strcspn(answer.at, "\n") : 0);
        if (!*out) rc = tide_fail(e, TIDE_NOMEM, "choose a wheel");
    }
    free(why);
    tide_str_free(&answer);
    tide_str_free(&complaint);
    tide_build_words_free(words);
    return rc;
}

static enum tide_rc refuse_wheels(const struct tide_work *w, char *const *wheels,
                                  struct tide_error *e)
{
    struct tide_str names = {0};
    for (; *wheels; wheels++)
        tide_str_printf(&names, "%s%s", names.length ? ", " : "", *wheels);
    enum tide_rc rc = tide_fail(e, TIDE_FAILED, "no wheel fits CPython %s (%s); there is %.600s",
                                w->python->version, w->python->abi, names.at ? names.at : "none");
    tide_str_free(&names);
    return rc;
}

static enum tide_rc follow_wheel(const struct tide_work *w, struct tide_error *e)
{
    char **wheels = NULL, *chosen = NULL, *path = NULL, *source = source_of(w);
    char *place = source ? tide_format("%s/%s", w->bench, source) : NULL;
    enum tide_rc rc =
        place ? list_wheels(place, &wheels, e) : tide_fail(e, TIDE_NOMEM, "install a wheel");
    if (!rc && !wheels) rc = tide_fail(e, TIDE_FAILED, "this version has no wheel");
    if (!rc) rc = choose_wheel(w, wheels, &chosen, e);
    if (!rc && !*chosen) rc = refuse_wheels(w, wheels, e);
    if (rc == TIDE_FAILED && e) tide_steps_note(w->steps, "error: %s", e->text);
    if (!rc) path = tide_format("%s/%s", source, chosen);
    if (!rc) rc = path ? install_wheel(w, path, e) : tide_fail(e, TIDE_NOMEM, "install a wheel");
    tide_build_words_free(wheels);
    free(chosen);
    free(path);
    free(source);
    free(place);
    return rc;
}

/* ---- command ---- */

/* Replace {commit}, {src}, {prefix} and {python}; other braces are the shell's. In new memory. */
static char *fill_in(const struct tide_work *w, const char *line, const char *source)
{
    const struct {
        const char *name, *value;
    } known[] = {{"{commit}", w->sha},
                 {"{src}", source},
                 {"{prefix}", NULL},
                 {"{python}", w->python->program}};
    struct tide_str out = {0};
    char *prefix = tide_format("%s/prefix", w->bench);
    while (*line && prefix) {
        size_t i = 0, n = sizeof known / sizeof *known;
        while (i < n && strncmp(line, known[i].name, strlen(known[i].name)) != 0)
            i++;
        if (i < n)
            tide_steps_quote(&out, known[i].value ? known[i].value : prefix);
        else
            tide_str_add(&out, line, 1);
        line += i < n ? strlen(known[i].name) : 1;
    }
    bool made = prefix != NULL;
    free(prefix);
    char *text = tide_str_take(&out);
    if (made) return text;
    free(text);
    return NULL;
}

static enum tide_rc follow_commands(const struct tide_work *w, struct tide_error *e)
{
    char *source = source_of(w), *place = source ? tide_format("%s/%s", w->bench, source) : NULL;
    char *prefix = tide_format("%s/prefix", w->bench);
    enum tide_rc rc = place && prefix ? tide_file_make_folder(prefix, 0755, e)
                                      : tide_fail(e, TIDE_NOMEM, "build an extension");
    for (char **line = w->recipe->commands; !rc && *line; line++) {
        char **words = NULL, *filled = fill_in(w, *line, place);
        bool put = filled && tide_build_words_add(&words, "sh -ec") &&
                   tide_build_words_put(&words, filled);
        free(filled);
        rc = run(w, place, words, put, e);
    }
    free(source);
    free(place);
    free(prefix);
    return rc;
}

/* ---- all ---- */

static enum tide_rc (*const followers[TIDE_RECIPE_KINDS])(const struct tide_work *w,
                                                          struct tide_error *e) = {
    [TIDE_RECIPE_CMAKE] = follow_cmake, [TIDE_RECIPE_SETUP_PY] = follow_setup,
    [TIDE_RECIPE_PIP] = follow_pip,     [TIDE_RECIPE_COMMAND] = follow_commands,
    [TIDE_RECIPE_WHEEL] = follow_wheel,
};

/* What to do goes into the log too. */
static void advise(const struct tide_work *w, struct tide_error *e)
{
    size_t before = e ? strlen(e->text) : 0;
    tide_advice_add(w->python, e);
    if (e && strlen(e->text) > before) tide_steps_note(w->steps, "error: %s", e->text);
}

enum tide_rc tide_follow(const struct tide_work *w, struct tide_error *e)
{
    enum tide_rc rc = TIDE_OK;
    w->steps->deadline_s = w->recipe->deadline_s;
    w->steps->environment = (const char *const *)w->recipe->environment;
    w->steps->cpus = w->cpus ? w->cpus : (int)sysconf(_SC_NPROCESSORS_ONLN);
    if (w->recipe->kind != TIDE_RECIPE_CMAKE) rc = make_tools(w, e);
    if (!rc) rc = followers[w->recipe->kind](w, e);
    if (rc == TIDE_FAILED) advise(w, e);
    free((char *)w->steps->tools);
    w->steps->tools = NULL;
    return rc;
}
