/* config.c - see config.h. */
#include "cli/config.h"

#include "base/file.h"
#include "base/str.h"
#include "config_line.h"
#include "schedule/settings.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONFIG_SIZE (1u << 20)

/* Keep a text until tide_config_clear; NULL (memory ended) is kept too and found by the caller. */
static char *keep(struct tide_config *c, char *text)
{
    c->texts[c->n_texts++] = text;
    return text;
}

/* $NAME/tidemark when the variable holds an absolute path, as the XDG base directory specification
 * asks, else $HOME/FALLBACK/tidemark. */
static char *xdg_folder(const char *name, const char *fallback)
{
    const char *base = getenv(name);
    const char *home = getenv("HOME");
    if (base && *base == '/') return tide_format("%s/tidemark", base);
    return tide_format("%s/%s/tidemark", home && *home ? home : "/root", fallback);
}

static char *own_folder(void)
{
    char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    if (n <= 0) return NULL;
    path[n] = '\0';
    char *last = strrchr(path, '/');
    if (last) *last = '\0';
    return strdup(path);
}

/* Installed: PREFIX/bin beside PREFIX/libexec and PREFIX/share. In a build tree: the probe stands
 * beside us and the sources are where they were compiled from. */
static enum tide_rc settle_program(struct tide_config *c, struct tide_error *e)
{
    char *folder = own_folder();
    char *probe = folder ? tide_format("%s/../libexec/tidemark/tidemark-probe", folder) : NULL;
    if (probe && tide_file_exists(probe)) {
        c->places.source = keep(c, tide_format("%s/../share/tidemark", folder));
        c->places.probe = keep(c, probe);
    } else {
        free(probe);
        c->places.source = TIDEMARK_SOURCE;
        c->places.probe = keep(c, folder ? tide_format("%s/tidemark-probe", folder) : NULL);
    }
    free(folder);
    if (!c->places.probe || !c->places.source) return tide_fail(e, TIDE_NOMEM, "start");
    return tide_file_exists(c->places.probe)
               ? TIDE_OK
               : tide_fail(e, TIDE_ABSENT,
                           "the helper %s is missing: build or install Tidemark anew",
                           c->places.probe);
}

/* A URL, or git's short form of one for ssh: host:path. */
bool tide_config_is_url(const char *repo)
{
    const char *colon = strchr(repo, ':'), *slash = strchr(repo, '/');
    return strstr(repo, "://") || (colon && (!slash || colon < slash));
}

char *tide_config_repo(const char *repo, const char *folder)
{
    bool whole = !folder || *repo == '/' || tide_config_is_url(repo);
    char *path = whole ? strdup(repo) : tide_format("%s/%s", folder, repo);
    char *real = path && !tide_config_is_url(repo) ? realpath(path, NULL) : NULL;
    if (!real) return path;
    free(path);
    return real;
}

char *tide_config_file(void)
{
    char *folder = xdg_folder("XDG_CONFIG_HOME", ".config");
    char *path = folder ? tide_format("%s/config.json", folder) : NULL;
    free(folder);
    return path;
}

char *tide_config_data(const char *data)
{
    return data ? strdup(data) : xdg_folder("XDG_DATA_HOME", ".local/share");
}

static enum tide_rc settle_folders(struct tide_config *c, const char *data, const char *repo,
                                   struct tide_error *e)
{
    struct tide_places *p = &c->places;
    char *wanted = tide_config_data(data);
    if (!wanted) return tide_fail(e, TIDE_NOMEM, "start");
    enum tide_rc rc = tide_file_make_folder(wanted, 0700, e);
    p->data = rc ? NULL : keep(c, tide_config_repo(wanted, NULL));
    free(wanted);
    if (rc) return rc;
    p->cache = keep(c, data ? tide_format("%s/cache", p->data ? p->data : "")
                            : xdg_folder("XDG_CACHE_HOME", ".cache"));
    p->repo = keep(c, tide_config_repo(repo ? repo : TIDEMARK_SOURCE, NULL));
    p->pythons.fetched = keep(c, tide_format("%s/pythons", p->data ? p->data : ""));
    if (!p->data || !p->cache || !p->repo || !p->pythons.fetched)
        return tide_fail(e, TIDE_NOMEM, "start");
    if (!tide_config_is_url(p->repo) && !tide_file_exists(p->repo))
        return tide_fail(e, TIDE_INVALID, "--repo %s: there is no such folder", p->repo);
    return tide_file_make_folder(p->cache, 0700, e);
}

/* Where in the file a python is described, for messages. */
struct spot {
    const char *file;
    size_t i;
};

/* INVALID, with what is wrong with `what` of the python. */
static enum tide_rc refuse(const struct spot *at, const char *what, const char *wrong,
                           struct tide_error *e)
{
    return tide_fail(e, TIDE_INVALID, "%s: \"pythons\"[%zu]%s must be %s", at->file, at->i, what,
                     wrong);
}

/* A list of words, at most TIDE_LAUNCHER_MAX, each beginning with `start`. The array is the
 * caller's, the words are the file's. */
static enum tide_rc read_words(const struct spot *at, const json_t *list, const char *what,
                               const char *start, const char ***out, struct tide_error *e)
{
    size_t n = json_array_size(list);
    if (!json_is_array(list) || !n || n > TIDE_LAUNCHER_MAX)
        return refuse(at, what, "a list of 1 to 32 strings", e);
    *out = calloc(n + 1, sizeof **out);
    if (!*out) return tide_fail(e, TIDE_NOMEM, "read %s", at->file);
    for (size_t i = 0; i < n; i++) {
        (*out)[i] = json_string_value(json_array_get(list, i));
        if (!(*out)[i] || !*(*out)[i] || strncmp((*out)[i], start, strlen(start)) != 0)
            return refuse(at, what,
                          *start ? "a list of absolute folders" : "a list of words not empty", e);
    }
    return TIDE_OK;
}

/* Never like a version: names and versions are asked for alike. */
static enum tide_rc read_name(const struct tide_config *c, const struct spot *at,
                              const json_t *value, const char **out, struct tide_error *e)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    static const char others[] = "0123456789._+-@";
    const char *name = json_string_value(value);
    size_t first = name ? strspn(name, letters) : 0, n = first;
    while (first && name[n] && (strchr(letters, name[n]) || strchr(others, name[n])))
        n++;
    if (!first || name[n] || n > 64 || !strcmp(name, "all"))
        return refuse(at, ".name",
                      "a letter and up to 63 letters, digits and ._+-@ (and not \"all\")", e);
    for (size_t i = 0; i < at->i; i++)
        if (c->pythons[i].name && !strcmp(c->pythons[i].name, name))
            return refuse(at, ".name", "one that no other python has", e);
    *out = name;
    return TIDE_OK;
}

static enum tide_rc read_site(const struct spot *at, const json_t *value, bool *no_site,
                              struct tide_error *e)
{
    *no_site = json_is_false(value);
    return json_is_boolean(value) ? TIDE_OK : refuse(at, ".site_packages", "true or false", e);
}

static enum tide_rc read_python(const struct tide_config *c, const struct spot *at, json_t *item,
                                struct tide_python_entry *out, struct tide_error *e)
{
    enum tide_rc rc = TIDE_OK;
    const char *key;
    json_t *value;
    out->path = json_string_value(json_is_object(item) ? json_object_get(item, "path") : item);
    if (!out->path || *out->path != '/')
        return refuse(at, json_is_object(item) ? ".path" : "", "an absolute path", e);
    json_object_foreach(item, key, value)
    {
        if (rc) break;
        if (!strcmp(key, "name"))
            rc = read_name(c, at, value, &out->name, e);
        else if (!strcmp(key, "launcher"))
            rc = read_words(at, value, ".launcher", "", &out->launcher, e);
        else if (!strcmp(key, "library_path"))
            rc = read_words(at, value, ".library_path", "/", &out->library_path, e);
        else if (!strcmp(key, "site_packages"))
            rc = read_site(at, value, &out->no_site, e);
        else if (strcmp(key, "path") != 0)
            rc = tide_fail(e, TIDE_INVALID,
                           "%s: \"pythons\"[%zu].%.40s is unknown; allowed are path, name, "
                           "launcher, library_path, site_packages",
                           at->file, at->i, key);
    }
    return rc;
}

static enum tide_rc read_pythons(struct tide_config *c, const char *path, struct tide_error *e)
{
    json_t *list = json_object_get(c->file, "pythons");
    enum tide_rc rc = TIDE_OK;
    if (list && !json_is_array(list))
        return tide_fail(e, TIDE_INVALID, "%s: \"pythons\" must be a list of paths and objects",
                         path);
    c->pythons = calloc(json_array_size(list) + 1, sizeof *c->pythons);
    if (!c->pythons) return tide_fail(e, TIDE_NOMEM, "read %s", path);
    c->n_pythons = json_array_size(list);
    for (size_t i = 0; !rc && i < c->n_pythons; i++) {
        const struct spot at = {path, i};
        rc = read_python(c, &at, json_array_get(list, i), &c->pythons[i], e);
    }
    c->places.pythons.entries = c->pythons;
    c->places.pythons.n = c->n_pythons;
    return rc;
}

/* The number in an entry, within bounds; left alone when the entry is absent. */
static enum tide_rc read_number(const struct tide_config *c, const char *path, const char *name,
                                int64_t least, int64_t most, int64_t *out, struct tide_error *e)
{
    const json_t *value = json_object_get(c->file, name);
    if (!value) return TIDE_OK;
    *out = json_integer_value(value);
    if (json_is_integer(value) && *out >= least && *out <= most) return TIDE_OK;
    return tide_fail(e, TIDE_INVALID, "%s: \"%s\" must be an integer from %lld to %lld", path, name,
                     (long long)least, (long long)most);
}

static enum tide_rc read_limits(struct tide_config *c, const char *path, struct tide_error *e)
{
    struct tide_limits *l = &c->places.limits;
    const json_t *beside = json_object_get(c->file, "build_beside_runs");
    int64_t jobs = l->jobs, memory = l->memory, disk = l->disk, cache = l->cache,
            reserve = l->reserve;
    enum tide_rc rc = read_number(c, path, "build_jobs", 1, TIDE_BUILD_JOBS_MAX, &jobs, e);
    if (!rc) rc = read_number(c, path, "build_memory", 1, INT64_MAX, &memory, e);
    if (!rc) rc = read_number(c, path, "build_disk", 0, INT64_MAX, &disk, e);
    if (!rc) rc = read_number(c, path, "cache_bytes", 0, INT64_MAX, &cache, e);
    if (!rc) rc = read_number(c, path, "memory_reserve", 0, INT64_MAX, &reserve, e);
    if (!rc && beside && !json_is_boolean(beside))
        rc = tide_fail(e, TIDE_INVALID, "%s: \"build_beside_runs\" must be true or false", path);
    l->jobs = (int)jobs;
    l->memory = memory;
    l->disk = disk;
    l->cache = cache;
    l->reserve = reserve;
    l->beside_runs = json_is_true(beside);
    return rc;
}

/* Origins as browsers send them: scheme, host, perhaps a port, nothing behind it. */
static enum tide_rc read_cors(struct tide_config *c, const char *path, struct tide_error *e)
{
    const json_t *list = json_object_get(c->file, "cors_origins"), *value;
    size_t i;
    if (list && (!json_is_array(list) || json_array_size(list) > TIDE_CORS_MAX))
        return tide_fail(e, TIDE_INVALID, "%s: \"cors_origins\" must be a list of at most %d texts",
                         path, TIDE_CORS_MAX);
    json_array_foreach(list, i, value)
    {
        const char *text = json_string_value(value);
        const char *name = text ? strstr(text, "://") : NULL;
        if (!name || strncmp(text, "http", 4) != 0 || !name[3] || strchr(name + 3, '/'))
            return tide_fail(e, TIDE_INVALID,
                             "%s: cors_origins[%zu] must be like \"https://wiki.example\"", path,
                             i);
        c->cors[i] = text;
    }
    return TIDE_OK;
}

static enum tide_rc read_cpus(struct tide_config *c, const char *path, struct tide_error *e)
{
    const json_t *list = json_object_get(c->file, "measure_cpus");
    struct tide_error why;
    enum tide_rc rc = tide_cpus_settle(list, &c->places.cpus, &why);
    if (!rc) return TIDE_OK;
    return tide_fail(e, rc, "%s: \"measure_cpus\"[%zu] %s", path, c->places.cpus.n, why.text);
}

/* Fields that a request would be refused for are refused here, in the same words. */
static enum tide_rc read_project(const char *path, const json_t *list, size_t i,
                                 struct tide_error *e)
{
    struct tide_project row = {0};
    struct tide_error wrong;
    const json_t *name = json_object_get(json_array_get(list, i), "name");
    enum tide_rc rc = tide_settings_read(json_array_get(list, i), true, &row, &wrong);
    tide_project_clear(&row);
    if (rc)
        return tide_fail(e, rc, "%s: \"projects\"[%zu]%s%s: %s", path, i, *wrong.field ? "." : "",
                         wrong.field, wrong.text);
    for (size_t k = 0; k < i; k++)
        if (json_equal(json_object_get(json_array_get(list, k), "name"), name))
            return tide_fail(e, TIDE_INVALID,
                             "%s: \"projects\"[%zu].name must be one that no other project has",
                             path, i);
    return TIDE_OK;
}

static enum tide_rc read_projects(struct tide_config *c, const char *path, struct tide_error *e)
{
    const json_t *list = json_object_get(c->file, "projects");
    enum tide_rc rc = TIDE_OK;
    if (list && !json_is_array(list))
        return tide_fail(e, TIDE_INVALID, "%s: \"projects\" must be a list of objects", path);
    for (size_t i = 0; !rc && i < json_array_size(list); i++)
        rc = read_project(path, list, i, e);
    c->places.projects = list;
    return rc;
}

static enum tide_rc refuse_unknown(const struct tide_config *c, const char *path,
                                   struct tide_error *e)
{
    static const char *const known[] = {
        "pythons",     "build_jobs", "build_memory",   "build_disk",   "build_beside_runs",
        "cache_bytes", "projects",   "memory_reserve", "measure_cpus", "cors_origins"};
    const char *name;
    json_t *value;
    json_object_foreach(c->file, name, value)
    {
        bool found = false;
        for (size_t i = 0; i < sizeof known / sizeof *known; i++)
            found = found || !strcmp(known[i], name);
        if (!found)
            return tide_fail(e, TIDE_INVALID,
                             "%s: \"%s\" is unknown; allowed are pythons, build_jobs, "
                             "build_memory, build_disk, build_beside_runs, cache_bytes, "
                             "projects, memory_reserve, measure_cpus, cors_origins",
                             path, name);
    }
    return TIDE_OK;
}

static enum tide_rc read_entries(struct tide_config *c, const char *path, struct tide_error *e)
{
    enum tide_rc rc = refuse_unknown(c, path, e);
    if (!rc) rc = read_limits(c, path, e);
    if (!rc) rc = read_cors(c, path, e);
    if (!rc) rc = read_cpus(c, path, e);
    if (!rc) rc = read_projects(c, path, e);
    return rc ? rc : read_pythons(c, path, e);
}

/* A message begins with the path and the entry that it is about: the entry's line goes between. */
static enum tide_rc add_line(const char *path, const char *text, enum tide_rc rc,
                             struct tide_error *e)
{
    const struct tide_error before = *e;
    size_t n = strlen(path) + 2;
    if (rc != TIDE_INVALID || strlen(before.text) < n) return rc;
    return tide_fail(e, rc, "%s:%d: %s", path, tide_config_line(text, before.text + n),
                     before.text + n);
}

static enum tide_rc read_config(struct tide_config *c, const char *path, struct tide_error *e)
{
    char *text = NULL;
    json_error_t wrong;
    enum tide_rc rc = tide_file_read(path, CONFIG_SIZE, &text, NULL, e);
    if (rc) return rc;
    c->file = json_loads(text, JSON_REJECT_DUPLICATES, &wrong);
    if (!c->file)
        rc = tide_fail(e, TIDE_INVALID, "%s:%d:%d: %s", path, wrong.line, wrong.column, wrong.text);
    else if (!json_is_object(c->file))
        rc = tide_fail(e, TIDE_INVALID, "%s:1: must be a JSON object", path);
    else
        rc = add_line(path, text, read_entries(c, path, e), e);
    free(text);
    return rc;
}

/* Without a file. */
static enum tide_rc set_defaults(struct tide_config *c, struct tide_error *e)
{
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    struct tide_limits *l = &c->places.limits;
    l->jobs = cpus < 1 ? 1 : cpus > TIDE_BUILD_JOBS_MAX ? TIDE_BUILD_JOBS_MAX : (int)cpus;
    l->memory = INT64_C(1) << 30;
    l->disk = INT64_C(512) << 20;
    l->cache = INT64_C(10) << 30;
    l->reserve = INT64_C(256) << 20;
    return tide_cpus_settle(NULL, &c->places.cpus, e);
}

enum tide_rc tide_config_check(const char *path, struct tide_config *out, struct tide_error *e)
{
    *out = (struct tide_config){0};
    enum tide_rc rc = set_defaults(out, e);
    return rc ? rc : read_config(out, path, e);
}

void tide_config_take_limits(struct tide_config *c, const struct tide_config *from)
{
    struct tide_limits *to = &c->places.limits;
    const struct tide_limits *l = &from->places.limits;
    to->jobs = (int)l->jobs;
    to->memory = (int64_t)l->memory;
    to->disk = (int64_t)l->disk;
    to->cache = (int64_t)l->cache;
    to->reserve = (int64_t)l->reserve;
    to->beside_runs = (bool)l->beside_runs;
}

enum tide_rc tide_config_settle(const char *data, const char *repo, const char *config,
                                struct tide_config *out, struct tide_error *e)
{
    *out = (struct tide_config){0};
    enum tide_rc rc = set_defaults(out, e);
    if (!rc) rc = settle_program(out, e);
    if (!rc) rc = settle_folders(out, data, repo, e);
    if (rc) return rc;
    if (config) return read_config(out, config, e);
    char *path = tide_config_file();
    if (!path)
        rc = tide_fail(e, TIDE_NOMEM, "start");
    else if (tide_file_exists(path))
        rc = read_config(out, path, e);
    free(path);
    return rc;
}

void tide_config_clear(struct tide_config *c)
{
    for (size_t i = 0; i < c->n_texts; i++)
        free(c->texts[i]);
    for (size_t i = 0; i < c->n_pythons; i++) {
        free(c->pythons[i].launcher);
        free(c->pythons[i].library_path);
    }
    free(c->pythons);
    json_decref(c->file);
    *c = (struct tide_config){0};
}
