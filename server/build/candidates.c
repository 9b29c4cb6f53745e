/* candidates.c - see candidates.h.
 *
 * An interpreter's file is known by its real path, so /bin/python3, /usr/bin/python3 and
 * /usr/bin/python3.11 are one candidate. A virtual environment's links to it are another one, known
 * by the environment's folder. Only a real path that itself looks like an interpreter is trusted:
 * managers such as mise link many names to one program that looks at its argv[0]. pyenv's own shims
 * are left out, for its versions are listed themselves. */
#include "build/candidates.h"

#include "base/file.h"
#include "base/str.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* python3, python3.N and those of free-threaded (t) and debug (d) builds. */
static bool is_interpreter_name(const char *name)
{
    if (strncmp(name, "python3", 7) != 0) return false;
    name += 7;
    if (*name == '\0') return true;
    if (*name++ != '.' || !isdigit((unsigned char)*name)) return false;
    while (isdigit((unsigned char)*name))
        name++;
    if (*name == 't') name++;
    if (*name == 'd') name++;
    return *name == '\0';
}

static bool is_python_file(const char *path)
{
    const char *name = strrchr(path, '/');
    name = name ? name + 1 : path;
    return !strncmp(name, "python", 6) || !strncmp(name, "pypy", 4);
}

static bool is_runnable(const char *path)
{
    struct stat facts;
    return !stat(path, &facts) && S_ISREG(facts.st_mode) && !access(path, X_OK);
}

static bool is_folder(const char *path)
{
    struct stat facts;
    return !stat(path, &facts) && S_ISDIR(facts.st_mode);
}

/* The file that stands for `path`: what its links lead to, when that is an interpreter too. */
static char *find_file(const char *path)
{
    char *real = realpath(path, NULL);
    if (real && is_python_file(real)) return real;
    free(real);
    return strdup(path);
}

/* A virtual environment's interpreter: its settings stand beside it or one folder above. */
static bool is_environment(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *beside = tide_format("%.*s/pyvenv.cfg", (int)(slash ? slash - path : 0), path);
    char *above = tide_format("%.*s/../pyvenv.cfg", (int)(slash ? slash - path : 0), path);
    bool found = (beside && tide_file_exists(beside)) || (above && tide_file_exists(above));
    free(beside);
    free(above);
    return found;
}

/* What two names of one candidate have in common, in new memory. */
static char *find_stand(const char *path)
{
    if (!is_environment(path)) return find_file(path);
    char *folder = tide_format("%.*s/..", (int)(strrchr(path, '/') - path), path);
    char *real = folder ? realpath(folder, NULL) : NULL;
    free(folder);
    return real;
}

static bool is_listed(const struct tide_candidates *c, const char *stand)
{
    for (size_t i = 0; i < c->n; i++)
        if (c->at[i].stands_for && !strcmp(c->at[i].stands_for, stand)) return true;
    return false;
}

/* Takes `stand`. */
static enum tide_rc append(struct tide_candidates *c, const char *path, char *stand,
                           const char *source, struct tide_error *e)
{
    char *named = strdup(path);
    struct tide_candidate *grown = named ? realloc(c->at, (c->n + 1) * sizeof *grown) : NULL;
    if (!grown) {
        free(named);
        free(stand);
        return tide_fail(e, TIDE_NOMEM, "list interpreters");
    }
    c->at = grown;
    c->at[c->n++] = (struct tide_candidate){.path = named,
                                            .stands_for = stand,
                                            .source = source,
                                            .shim = strstr(named, "/shims/") != NULL};
    return TIDE_OK;
}

enum tide_rc tide_candidates_add(struct tide_candidates *c, const char *path, const char *source,
                                 struct tide_error *e)
{
    char *stand = find_stand(path);
    if (!stand) return tide_fail(e, TIDE_NOMEM, "list interpreters");
    if (!is_listed(c, stand)) return append(c, path, stand, source, e);
    free(stand);
    return TIDE_OK;
}

/* PREFIX/bin/python3, else PREFIX/bin/python: an old one must be seen to be refused by name. New
 * memory, NULL for none. */
static char *find_in_prefix(const char *prefix)
{
    static const char *const names[] = {"python3", "python"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *path = tide_format("%s/bin/%s", prefix, names[i]);
        if (path && is_runnable(path)) return path;
        free(path);
    }
    return NULL;
}

static enum tide_rc add_prefix(struct tide_candidates *c, const char *prefix, const char *source,
                               struct tide_error *e)
{
    char *path = find_in_prefix(prefix);
    enum tide_rc rc = path ? tide_candidates_add(c, path, source, e) : TIDE_OK;
    free(path);
    return rc;
}

static enum tide_rc add_prefixes_in(struct tide_candidates *c, const char *folder,
                                    struct tide_error *e)
{
    enum tide_rc rc = TIDE_OK;
    DIR *d = opendir(folder);
    if (!d) return TIDE_OK; /* absent or not ours to read: nothing is installed there for us */
    for (struct dirent *entry; !rc && (entry = readdir(d));) {
        if (entry->d_name[0] == '.') continue;
        char *prefix = tide_format("%s/%s", folder, entry->d_name);
        rc = prefix ? add_prefix(c, prefix, "path", e)
                    : tide_fail(e, TIDE_NOMEM, "list interpreters");
        free(prefix);
    }
    closedir(d);
    return rc;
}

static enum tide_rc add_programs_in(struct tide_candidates *c, const char *folder,
                                    struct tide_error *e)
{
    enum tide_rc rc = TIDE_OK;
    DIR *d = opendir(folder);
    if (!d) return TIDE_OK; /* PATH may name folders that are not there */
    for (struct dirent *entry; !rc && (entry = readdir(d));) {
        if (!is_interpreter_name(entry->d_name)) continue;
        char *path = tide_format("%s/%s", folder, entry->d_name);
        if (!path) rc = tide_fail(e, TIDE_NOMEM, "list interpreters");
        if (path && is_runnable(path)) rc = tide_candidates_add(c, path, "path", e);
        free(path);
    }
    closedir(d);
    return rc;
}

static bool is_pyenv_shims(const char *folder)
{
    const char *root = getenv("PYENV_ROOT");
    size_t length = root ? strlen(root) : 0;
    const char *end = strstr(folder, "/shims");
    return end && (strstr(folder, "/.pyenv/") || (length && !strncmp(folder, root, length)));
}

static enum tide_rc add_path(struct tide_candidates *c, struct tide_error *e)
{
    const char *path = getenv("PATH");
    enum tide_rc rc = TIDE_OK;
    while (path && *path && !rc) {
        size_t length = strcspn(path, ":");
        /* A relative folder means something else from every working folder: not an installation. */
        if (length && path[0] == '/') {
            char *folder = strndup(path, length);
            if (!folder) return tide_fail(e, TIDE_NOMEM, "list interpreters");
            if (!is_pyenv_shims(folder)) rc = add_programs_in(c, folder, e);
            free(folder);
        }
        path += length + (path[length] == ':');
    }
    return rc;
}

char *tide_candidates_pyenv(void)
{
    const char *root = getenv("PYENV_ROOT");
    const char *home = getenv("HOME");
    if (root && *root) return tide_format("%s/versions", root);
    return tide_format("%s/.pyenv/versions", home ? home : "/root");
}

static enum tide_rc add_conda(struct tide_candidates *c, const char *prefix, struct tide_error *e)
{
    enum tide_rc rc = add_prefix(c, prefix, "path", e);
    char *environments = tide_format("%s/envs", prefix);
    if (!rc)
        rc = environments ? add_prefixes_in(c, environments, e)
                          : tide_fail(e, TIDE_NOMEM, "list interpreters");
    free(environments);
    return rc;
}

/* What stands in the home folder, by the habits of uv and conda's installers. */
static enum tide_rc add_home(struct tide_candidates *c, const char *home, struct tide_error *e)
{
    static const char *const condas[] = {"miniconda3", "anaconda3", "miniforge3", "mambaforge"};
    enum tide_rc rc = TIDE_OK;
    char *uv = tide_format("%s/.local/share/uv/python", home);
    rc = uv ? add_prefixes_in(c, uv, e) : tide_fail(e, TIDE_NOMEM, "list interpreters");
    free(uv);
    for (size_t i = 0; !rc && i < sizeof condas / sizeof *condas; i++) {
        char *prefix = tide_format("%s/%s", home, condas[i]);
        rc = prefix ? add_conda(c, prefix, e) : tide_fail(e, TIDE_NOMEM, "list interpreters");
        free(prefix);
    }
    return rc;
}

/* A configured prefix or interpreter. One that is not there is kept, so that its reason gets shown.
 */
static enum tide_rc add_configured(struct tide_candidates *c, const struct tide_python_entry *entry,
                                   struct tide_error *e)
{
    bool apart = entry->name || entry->launcher || entry->library_path || entry->no_site;
    char *inside = is_folder(entry->path) ? find_in_prefix(entry->path) : NULL;
    const char *path = inside ? inside : entry->path;
    enum tide_rc rc = apart ? append(c, path, NULL, "configuration", e)
                            : tide_candidates_add(c, path, "configuration", e);
    if (!rc && apart) c->at[c->n - 1].entry = entry;
    free(inside);
    return rc;
}

/* Those that `tidemark pythons get` brought: a debug build's program is not called python3. */
static enum tide_rc add_fetched(struct tide_candidates *c, const char *folder, struct tide_error *e)
{
    enum tide_rc rc = TIDE_OK;
    DIR *d = opendir(folder);
    if (!d) return TIDE_OK; /* none was fetched */
    for (struct dirent *entry; !rc && (entry = readdir(d));) {
        if (entry->d_name[0] == '.') continue;
        char *bin = tide_format("%s/%s/bin", folder, entry->d_name);
        rc = bin ? add_programs_in(c, bin, e) : tide_fail(e, TIDE_NOMEM, "list interpreters");
        free(bin);
    }
    closedir(d);
    return rc;
}

enum tide_rc tide_candidates_gather(const struct tide_python_search *search,
                                    struct tide_candidates *out, struct tide_error *e)
{
    enum tide_rc rc = TIDE_OK;
    const char *home = getenv("HOME");
    const char *conda = getenv("CONDA_PREFIX"), *environment = getenv("VIRTUAL_ENV");
    char *pyenv = tide_candidates_pyenv();

    *out = (struct tide_candidates){0};
    for (size_t i = 0; !rc && search && i < search->n; i++)
        rc = add_configured(out, &search->entries[i], e);
    if (!rc) rc = add_path(out, e);
    if (!rc && environment && *environment == '/') rc = add_prefix(out, environment, "path", e);
    if (!rc) rc = add_programs_in(out, "/usr/local/bin", e);
    if (!rc) rc = add_programs_in(out, "/usr/bin", e);
    if (!rc && pyenv) rc = add_prefixes_in(out, pyenv, e);
    if (!rc && home) rc = add_home(out, home, e);
    if (!rc) rc = add_conda(out, "/opt/conda", e);
    if (!rc && conda && *conda) rc = add_conda(out, conda, e);
    if (!rc && search && search->fetched) rc = add_fetched(out, search->fetched, e);
    free(pyenv);
    return rc;
}

void tide_candidates_free(struct tide_candidates *c)
{
    for (size_t i = 0; i < c->n; i++) {
        free(c->at[i].path);
        free(c->at[i].stands_for);
    }
    free(c->at);
    *c = (struct tide_candidates){0};
}
