/* asv_commands.c - asv's build_command and install_command as a recipe; see asv.h.
 *
 * asv splits its commands as Python's shlex does and runs them without a shell, each with optional
 * words in front: NAME=value, in-dir=FOLDER, return-code=any or a list. What amounts to building a
 * wheel and installing it is the recipe `pip`; everything else is the recipe `command`, with
 *
 *   {build_dir}        {src}                     {commit}   as it is
 *   {env_dir}          {prefix}                  {project}  as the file names it
 *   {build_cache_dir}  a folder within {src}     {conf_dir} its place below the source
 *   {wheel_file}       the wheel in that folder
 *
 * asv installs into an environment that it made. Here the interpreter is the user's: pip is made to
 * install into the prefix (PIP_TARGET), and what would write to the interpreter is refused. */
#include "cli/asv.h"

#include "base/str.h"
#include "build/command.h"
#include "build/steps.h"

#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define WHEELS "{src}/.tidemark-wheels"

struct line {           /* one command of asv's */
    char **variables;   /* NAME=value */
    char **words;       /* NULL-terminated, at least one */
    const char *folder; /* of in-dir; NULL: {build_dir} */
    const char *codes;  /* of return-code; NULL: 0 alone */
    char **all;         /* what the others point into, or hold */
};

/* ---- words ---- */

/* Append the word at *p, as shlex splits in POSIX mode, to *out; *p is moved behind it. False: a
 * quote is not closed. */
static bool take_word(const char **p, struct tide_str *out)
{
    char quote = '\0';
    for (; **p && (quote || !isspace((unsigned char)**p)); ++*p) {
        char c = **p;
        if (quote ? c == quote : c == '\'' || c == '"')
            quote = quote ? '\0' : c;
        else if (c == '\\' && quote != '\'' && (*p)[1])
            tide_str_add(out, ++*p, 1);
        else
            tide_str_add(out, *p, 1);
    }
    return !quote;
}

static enum tide_rc split(const char *text, char ***words, struct tide_error *e)
{
    for (const char *p = text + strspn(text, " \t\n"); *p; p += strspn(p, " \t\n")) {
        struct tide_str word = {0};
        bool closed = take_word(&p, &word);
        bool put = closed && tide_build_words_put(words, word.at ? word.at : "");
        tide_str_free(&word);
        if (!closed)
            return tide_fail(e, TIDE_INVALID, "the command \"%.200s\" has a quote without end",
                             text);
        if (!put) return tide_fail(e, TIDE_NOMEM, "read a command");
    }
    return *words ? TIDE_OK : tide_fail(e, TIDE_INVALID, "a command is empty");
}

static bool is_assignment(const char *word)
{
    size_t n = strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789");
    return n && word[n] == '=' && !isdigit((unsigned char)*word);
}

static enum tide_rc read_line(const char *text, struct line *l, struct tide_error *e)
{
    *l = (struct line){0};
    enum tide_rc rc = split(text, &l->all, e);
    if (rc) return rc;
    assert(l->all); /* split found a word */
    char **at = l->all;
    for (; *at; at++) {
        if (!strncmp(*at, "in-dir=", 7))
            l->folder = *at + 7;
        else if (!strncmp(*at, "return-code=", 12))
            l->codes = *at + 12;
        else if (!is_assignment(*at))
            break;
        else if (!tide_build_words_put(&l->variables, *at))
            return tide_fail(e, TIDE_NOMEM, "read a command");
    }
    l->words = at;
    return *at ? TIDE_OK : tide_fail(e, TIDE_INVALID, "\"%.200s\" runs nothing", text);
}

static void clear_line(struct line *l)
{
    tide_build_words_free(l->variables);
    tide_build_words_free(l->all);
}

static bool has_word(const struct line *l, const char *word)
{
    for (char **at = l->words; *at; at++)
        if (!strcmp(*at, word)) return true;
    return false;
}

static bool is_python(const char *word)
{
    return !strncmp(word, "python", 6) && !word[6 + strspn(word + 6, "0123456789.")];
}

/* The word that names the module of `python -m MODULE`, `python -mMODULE`; NULL for none. `pip`
 * alone is that too. */
static const char *module_of(const struct line *l)
{
    if (!strcmp(l->words[0], "pip")) return "pip";
    if (!is_python(l->words[0]) || !l->words[1] || strncmp(l->words[1], "-m", 2) != 0) return NULL;
    return l->words[1][2] ? l->words[1] + 2 : l->words[2];
}

static bool runs(const struct line *l, const char *module, const char *verb)
{
    const char *name = module_of(l);
    return name && !strcmp(name, module) && (!verb || has_word(l, verb));
}

/* ---- pip ---- */

struct wheel { /* what is told of a wheel that is built */
    bool built, plain, isolation, network;
};

static void look_at(const struct line *l, struct wheel *w)
{
    bool setup = is_python(l->words[0]) && l->words[1] && !strcmp(l->words[1], "setup.py") &&
                 l->words[2] && !strcmp(l->words[2], "build") && !l->words[3];
    bool pip = runs(l, "pip", "wheel"), build = runs(l, "build", NULL);
    bool held =
        has_word(l, "--no-build-isolation") || has_word(l, "--no-isolation") || has_word(l, "-n");
    for (char **v = l->variables; v && *v; v++) {
        held = held || !strncmp(*v, "PIP_NO_BUILD_ISOLATION=", 23);
        w->plain = w->plain && !strncmp(*v, "PIP_NO_BUILD_ISOLATION=", 23);
    }
    w->plain = w->plain && (setup || ((pip || build) && has_word(l, "{build_dir}"))) &&
               !l->folder && !l->codes;
    if (!pip && !build) return;
    w->plain = w->plain && !w->built && has_word(l, "{build_cache_dir}");
    w->built = true;
    w->isolation = !held;
    w->network = w->isolation && !has_word(l, "--no-index");
}

static bool installs_the_wheel(const struct line *l)
{
    return runs(l, "pip", "install") && has_word(l, "{wheel_file}") && !l->variables;
}

/* ---- command ---- */

static const char *replacement(const char *name, size_t n, const char *project,
                               const char *conf_dir)
{
    static const char *const known[][2] = {{"{build_dir}", "{src}"},
                                           {"{env_dir}", "{prefix}"},
                                           {"{build_cache_dir}", WHEELS},
                                           {"{commit}", "{commit}"},
                                           {"{wheel_file}", WHEELS "/*.whl"}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strlen(known[i][0]) == n && !strncmp(known[i][0], name, n)) return known[i][1];
    if (n == 9 && !strncmp(name, "{project}", n)) return project;
    if (n == 10 && !strncmp(name, "{conf_dir}", n)) return conf_dir;
    return NULL;
}

static void put_literal(struct tide_str *out, const char *text, size_t n)
{
    char *copy = n ? strndup(text, n) : NULL;
    if (copy)
        tide_steps_quote(out, copy);
    else if (n)
        out->failed = true;
    free(copy);
}

/* Append the word for a shell, its placeholders replaced. False: one of them is asv's alone. */
static bool put_word(struct tide_str *out, const char *word, const char *project,
                     const char *conf_dir)
{
    const char *from = word;
    if (!*word) tide_str_put(out, "''");
    for (const char *p = word; *p; p++) {
        const char *end = *p == '{' ? strchr(p, '}') : NULL;
        if (!end) continue;
        const char *value = replacement(p, (size_t)(end + 1 - p), project, conf_dir);
        if (!value) return false;
        put_literal(out, from, (size_t)(p - from));
        if (*value == '{') /* the recipe's own, which is quoted when it is filled in */
            tide_str_put(out, value);
        else
            put_literal(out, value, strlen(value));
        p = end;
        from = end + 1;
    }
    put_literal(out, from, strlen(from));
    return true;
}

/* What would write to the interpreter itself, or needs an environment of asv's. */
static const char *refusal(const struct line *l)
{
    bool setup = is_python(l->words[0]) && l->words[1] && !strcmp(l->words[1], "setup.py");
    if (setup && (has_word(l, "install") || has_word(l, "develop")))
        return "it would install into the interpreter itself";
    if (runs(l, "pip", "install") && (has_word(l, "-e") || has_word(l, "--editable")))
        return "an editable install leaves nothing in the prefix";
    if (!strcmp(l->words[0], "conda") || !strcmp(l->words[0], "mamba"))
        return "there is no conda environment";
    return NULL;
}

static enum tide_rc refuse(const char *text, const char *why, struct tide_error *e)
{
    return tide_fail(e, TIDE_INVALID,
                     "asv's command \"%.200s\" cannot be carried over: %s; say how it is built by "
                     "--recipe or --command beside --asv",
                     text, why);
}

/* What goes before the command: where it runs, and what is set. */
static bool put_front(struct tide_str *out, const struct line *l, const char *project,
                      const char *conf_dir)
{
    bool known = true;
    if (l->folder) {
        tide_str_put(out, "cd ");
        known = put_word(out, l->folder, project, conf_dir);
        tide_str_put(out, " && ");
    }
    if (runs(l, "pip", "install")) tide_str_put(out, "PIP_TARGET={prefix} ");
    for (char **v = l->variables; v && *v && known; v++) {
        size_t n = strcspn(*v, "=") + 1;
        tide_str_add(out, *v, n);
        known = put_word(out, *v + n, project, conf_dir);
        tide_str_put(out, " ");
    }
    return known;
}

static void put_codes(struct tide_str *out, const char *codes)
{
    if (!strcmp(codes, "any")) {
        tide_str_put(out, " || true");
        return;
    }
    tide_str_put(out, " || case $? in ");
    for (; *codes; codes++)
        tide_str_add(out, *codes == ',' ? "|" : codes, 1);
    tide_str_put(out, ") ;; *) exit 1 ;; esac");
}

/* `text` of asv's as a line for a shell, in new memory. */
static enum tide_rc translate(const char *text, const char *project, const char *conf_dir,
                              char **out, struct tide_error *e)
{
    struct line l;
    struct tide_str shell = {0};
    *out = NULL;
    enum tide_rc rc = read_line(text, &l, e);
    const char *why = rc ? NULL : refusal(&l);
    bool known = !rc && put_front(&shell, &l, project, conf_dir);
    if (known && !strcmp(l.words[0], "pip")) tide_str_put(&shell, "{python} -m ");
    for (size_t i = 0; known && l.words[i]; i++) {
        if (i) tide_str_put(&shell, " ");
        if (!i && is_python(l.words[i]))
            tide_str_put(&shell, "{python}");
        else
            known = put_word(&shell, l.words[i], project, conf_dir);
    }
    if (!rc && l.codes) put_codes(&shell, l.codes);
    if (!rc && !known) why = "it needs an environment of asv's";
    if (!rc && why) rc = refuse(text, why, e);
    if (!rc && !(*out = tide_str_take(&shell))) rc = tide_fail(e, TIDE_NOMEM, "read a command");
    tide_str_free(&shell);
    clear_line(&l);
    return rc;
}

/* ---- the recipe ---- */

static const char asv_install[] = "in-dir={env_dir} python -mpip install --no-deps {wheel_file}";

/* The commands of a key, a text or a list, into a list of texts. */
static void gather(const json_t *value, json_t *list)
{
    size_t i;
    json_t *entry;
    if (json_is_string(value)) json_array_append(list, (json_t *)value);
    json_array_foreach((json_t *)value, i, entry)
    {
        if (json_is_string(entry)) json_array_append(list, entry);
    }
}

static enum tide_rc judge(const json_t *builds, const json_t *installs, bool *pip, struct wheel *w,
                          struct tide_error *e)
{
    size_t i;
    json_t *text;
    enum tide_rc rc = TIDE_OK;
    *w = (struct wheel){.plain = true};
    json_array_foreach((json_t *)builds, i, text)
    {
        struct line l;
        rc = read_line(json_string_value(text), &l, e);
        if (!rc) look_at(&l, w);
        clear_line(&l);
        if (rc) return rc;
    }
    *pip = w->plain && w->built && json_array_size(installs) < 2;
    json_array_foreach((json_t *)installs, i, text)
    {
        struct line l;
        rc = read_line(json_string_value(text), &l, e);
        *pip = *pip && !rc && installs_the_wheel(&l);
        clear_line(&l);
        if (rc) return rc;
    }
    return TIDE_OK;
}

static enum tide_rc write_commands(const json_t *conf, const json_t *builds, const json_t *installs,
                                   const char *conf_dir, json_t **out, struct tide_error *e)
{
    const char *project = json_string_value(json_object_get(conf, "project"));
    json_t *lines = json_array(), *text;
    size_t i;
    enum tide_rc rc = TIDE_OK;
    json_t *all = json_copy((json_t *)builds);
    json_array_extend(all, (json_t *)installs);
    if (!json_array_size(installs)) json_array_append_new(all, json_string(asv_install));
    json_array_append_new(lines, json_string("mkdir -p " WHEELS));
    json_array_foreach(all, i, text)
    {
        char *line = NULL;
        if (!rc)
            rc = translate(json_string_value(text), project ? project : "", conf_dir, &line, e);
        if (!rc) json_array_append_new(lines, json_string(line));
        free(line);
    }
    *out = rc ? NULL : json_pack("{s:s, s:O}", "kind", "command", "commands", lines);
    json_decref(all);
    json_decref(lines);
    return rc;
}

enum tide_rc tide_asv_recipe(const json_t *conf, const char *conf_dir, json_t **out,
                             struct tide_error *e)
{
    struct wheel w;
    bool pip = false;
    json_t *builds = json_array(), *installs = json_array();
    *out = NULL;
    gather(json_object_get(conf, "build_command"), builds);
    gather(json_object_get(conf, "install_command"), installs);
    enum tide_rc rc = judge(builds, installs, &pip, &w, e);
    if (!rc && pip) {
        *out = json_pack("{s:s}", "kind", "pip");
        if (w.isolation) json_object_set_new(*out, "isolation", json_true());
        if (w.network) json_object_set_new(*out, "network", json_true());
    } else if (!rc && (json_array_size(builds) || json_array_size(installs))) {
        rc = write_commands(conf, builds, installs, conf_dir, out, e);
    }
    json_decref(builds);
    json_decref(installs);
    return rc;
}
