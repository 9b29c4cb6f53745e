/* pythons.c - see pythons.h.
 *
 * Discovery gathers files that may be interpreters (candidates.c), asks each one (probe.c), and
 * makes the list: the base of a virtual environment is added to it, doubles go, the rest is sorted
 * newest first and named. A name is the version with its marks ("3.13.0t" free-threaded, "3.13.0d"
 * debug); where installations share it, the first keeps it (pyenv, Debian, uv, conda, fetched,
 * configured, found in PATH, virtual environments, in that order, then by prefix) and the others
 * add "@source", so that a name keeps its meaning between two discoveries. */
#include "build/pythons.h"

#include "build/candidates.h"
#include "build/command.h"
#include "build/probe.h"

#include <stdlib.h>
#include <string.h>

static int rank(const char *source)
{
    static const char *const order[] = {"pyenv",   "debian",        "uv",   "conda",
                                        "fetched", "configuration", "path", "venv"};
    int i = 0;
    while (i < 7 && strcmp(source, order[i]) != 0)
        i++;
    return i;
}

static int compare(const void *a, const void *b)
{
    const struct tide_python *left = a, *right = b;
    unsigned long long l = tide_probe_version_number(left->version);
    unsigned long long r = tide_probe_version_number(right->version);
    if (l != r) return l > r ? -1 : 1;
    int by_marks = strcmp(left->marks, right->marks);
    if (by_marks) return by_marks;
    int by_source = rank(left->source) - rank(right->source);
    if (by_source) return by_source;
    int by_prefix = strcmp(left->prefix, right->prefix);
    return by_prefix ? by_prefix : strcmp(left->program, right->program);
}

static bool is_same_folder(const char *a, const char *b)
{
    char *left = realpath(a, NULL), *right = realpath(b, NULL);
    bool same = left && right ? !strcmp(left, right) : !strcmp(a, b);
    free(left);
    free(right);
    return same;
}

static bool are_same_words(char *const *a, char *const *b)
{
    while (a && b && *a && *b && !strcmp(*a, *b))
        a++, b++;
    return !(a && *a) && !(b && *b);
}

static bool is_double(const struct tide_python *a, const struct tide_python *b)
{
    return *a->version && !strcmp(a->version, b->version) && !strcmp(a->abi, b->abi) &&
           are_same_words(a->launcher, b->launcher) &&
           are_same_words(a->library_path, b->library_path) && a->no_site == b->no_site &&
           is_same_folder(a->prefix, b->prefix);
}

/* Takes *p: into the list, or away when the list has it already by a name of the configuration's or
 * from a source as good. */
static enum tide_rc append_take(struct tide_pythons *list, struct tide_python *p,
                                struct tide_error *e)
{
    for (size_t i = 0; i < list->n; i++) {
        struct tide_python *known = &list->at[i];
        if (!is_double(known, p)) continue;
        if (p->named || (!known->named && rank(p->source) < rank(known->source))) {
            struct tide_python worse = *known;
            *known = *p;
            *p = worse;
        }
        tide_python_clear(p);
        return TIDE_OK;
    }
    struct tide_python *grown = realloc(list->at, (list->n + 1) * sizeof *grown);
    if (!grown) {
        tide_python_clear(p);
        return tide_fail(e, TIDE_NOMEM, "list the Pythons");
    }
    list->at = grown;
    grown[list->n++] = *p;
    *p = (struct tide_python){0};
    return TIDE_OK;
}

static bool is_taken(const struct tide_pythons *list, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (!strcmp(list->at[i].name, name)) return true;
    return false;
}

/* Give the i-th a name that none before it has. What the configuration calls one stays: no version
 * looks like that, and no two have it. */
static enum tide_rc name_apart(struct tide_pythons *list, size_t i, struct tide_error *e)
{
    struct tide_python *p = &list->at[i];
    for (int n = 1; !p->named && is_taken(list, i, p->name); n++) {
        size_t plain = strcspn(p->name, "@");
        char *name = n == 1 ? tide_format("%.*s@%s", (int)plain, p->name, p->source)
                            : tide_format("%.*s@%s-%d", (int)plain, p->name, p->source, n);
        if (!name) return tide_fail(e, TIDE_NOMEM, "name the Pythons");
        free(p->name);
        p->name = name;
    }
    return TIDE_OK;
}

static enum tide_rc ask(struct tide_candidates *candidates, size_t i, const atomic_bool *stop,
                        struct tide_pythons *list, struct tide_error *e)
{
    struct tide_python found;
    char *base = NULL;
    enum tide_rc rc = tide_probe_ask(&candidates->at[i], stop, &found, &base, e);
    bool dead_shim = candidates->at[i].shim && !rc && !*found.version;
    if (rc || dead_shim) {
        tide_python_clear(&found);
    } else if (base) {
        rc = *base == '/' ? tide_candidates_add(candidates, base, "path", e) : TIDE_OK;
        if (rc)
            tide_python_clear(&found);
        else
            rc = append_take(list, &found, e);
    } else {
        rc = append_take(list, &found, e);
    }
    free(base);
    return rc;
}

enum tide_rc tide_pythons_discover(const struct tide_python_search *search, const atomic_bool *stop,
                                   struct tide_pythons *out, struct tide_error *e)
{
    struct tide_candidates candidates = {0};
    *out = (struct tide_pythons){0};
    enum tide_rc rc = tide_candidates_gather(search, &candidates, e);
    for (size_t i = 0; !rc && i < candidates.n; i++)
        rc = ask(&candidates, i, stop, out, e);
    if (!rc && out->n) qsort(out->at, out->n, sizeof *out->at, compare);
    for (size_t i = 0; !rc && i < out->n; i++)
        rc = name_apart(out, i, e);
    tide_candidates_free(&candidates);
    if (rc) tide_pythons_free(out);
    return rc;
}

void tide_pythons_free(struct tide_pythons *p)
{
    for (size_t i = 0; i < p->n; i++)
        tide_python_clear(&p->at[i]);
    free(p->at);
    *p = (struct tide_pythons){0};
}

/* "3.13" with its marks, "3.13t": what a minor version's spec is compared with. */
static bool is_minor(const struct tide_python *p, const char *spec)
{
    size_t minor = strcspn(p->version, ".");
    if (!p->version[minor]) return false;
    minor += 1 + strcspn(p->version + minor + 1, ".");
    return !strncmp(spec, p->version, minor) && !strcmp(spec + minor, p->marks);
}

static bool is_meant(const struct tide_python *p, const char *spec, int way)
{
    size_t length = strlen(p->version);
    switch (way) {
    case 0: return !strcmp(p->name, spec) || !strcmp(p->program, spec);
    case 1: return length && !strncmp(spec, p->version, length) && !strcmp(spec + length, p->marks);
    default: return is_minor(p, spec);
    }
}

static enum tide_rc refuse(const struct tide_pythons *p, const char *spec, struct tide_error *e)
{
    struct tide_str names = {0};
    for (size_t i = 0; i < p->n; i++)
        if (!p->at[i].reason)
            tide_str_printf(&names, "%s%s", names.length ? ", " : "", p->at[i].name);
    enum tide_rc rc = tide_fail_field(e, "pythons", "no Python matches \"%.80s\"; usable are %s",
                                      spec, names.length ? names.at : "none");
    tide_str_free(&names);
    return rc;
}

const struct tide_python *tide_pythons_find(const struct tide_pythons *p, const char *spec,
                                            struct tide_error *e)
{
    const struct tide_python *unusable = NULL;
    for (int way = 0; way < 3; way++) {
        for (size_t i = 0; i < p->n; i++) {
            if (!is_meant(&p->at[i], spec, way)) continue;
            if (!p->at[i].reason) return &p->at[i];
            if (!unusable) unusable = &p->at[i];
        }
    }
    if (unusable)
        tide_fail_field(e, "pythons", "no usable Python matches \"%.80s\": %s", spec,
                        unusable->reason);
    else
        (void)refuse(p, spec, e);
    return NULL;
}

const struct tide_python *tide_pythons_newest(const struct tide_pythons *p)
{
    const struct tide_python *launched = NULL; /* one that may not start by itself */
    for (size_t i = 0; i < p->n; i++) {
        if (!p->at[i].reason && !p->at[i].launcher) return &p->at[i];
        if (!p->at[i].reason && !launched) launched = &p->at[i];
    }
    return launched;
}

const struct tide_python *tide_pythons_identified(const struct tide_pythons *p,
                                                  const char *identity)
{
    for (size_t i = 0; i < p->n; i++)
        if (!strcmp(p->at[i].identity, identity)) return &p->at[i];
    return NULL;
}
