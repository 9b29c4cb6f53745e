/* recipe.c - see recipe.h. */
#include "build/recipe.h"

#include "build/command.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORD_LONGEST 4000
#define WORDS_MAX    200

static const char *const words[TIDE_RECIPE_KINDS] = {
    [TIDE_RECIPE_CMAKE] = "cmake", [TIDE_RECIPE_SETUP_PY] = "setup.py",
    [TIDE_RECIPE_PIP] = "pip",     [TIDE_RECIPE_COMMAND] = "command",
    [TIDE_RECIPE_WHEEL] = "wheel",
};

#define KINDS "cmake, setup.py, pip, command, wheel"

const char *tide_recipe_word(enum tide_recipe_kind kind)
{
    return words[kind];
}

static enum tide_rc read_kind(const json_t *value, const char *field, struct tide_recipe *r,
                              struct tide_error *e)
{
    const char *word = json_string_value(value);
    for (int i = 0; word && i < TIDE_RECIPE_KINDS; i++)
        if (!strcmp(words[i], word)) {
            r->kind = (enum tide_recipe_kind)i;
            return TIDE_OK;
        }
    return word ? tide_fail_field(e, field, "no recipe \"%.80s\"; there are " KINDS, word)
                : tide_fail_field(e, field, "must be one of " KINDS);
}

static bool has_control(const char *text)
{
    for (; *text; text++)
        if (iscntrl((unsigned char)*text) && *text != '\t') return true;
    return false;
}

enum tide_rc tide_recipe_check_folder(const char *folder, const char *field, struct tide_error *e)
{
    if (strlen(folder) > WORD_LONGEST || has_control(folder))
        return tide_fail_field(e, field, "is too long, or holds a control character");
    if (*folder == '/' || *folder == '-')
        return tide_fail_field(e, field, "must be a folder of the repository, relative to its top");
    for (const char *at = folder; *at;) {
        size_t n = strcspn(at, "/");
        bool dots = (n == 1 && at[0] == '.') || (n == 2 && at[0] == '.' && at[1] == '.');
        if (!n || dots || !strncmp(at, ".git", n > 4 ? n : 4))
            return tide_fail_field(e, field,
                                   "must be a folder of the repository: without \"..\", \".\", "
                                   "\".git\" and a slash at its end");
        at += n;
        if (*at == '/' && !*++at) return tide_fail_field(e, field, "must not end in a slash");
    }
    return TIDE_OK;
}

static enum tide_rc read_words(const json_t *list, const char *name, char ***out,
                               struct tide_error *e)
{
    size_t i;
    json_t *item;
    char field[64];
    snprintf(field, sizeof field, "recipe.%s", name);
    if (!json_is_array(list) || json_array_size(list) > WORDS_MAX)
        return tide_fail_field(e, field, "must be a list of at most %d strings", WORDS_MAX);
    json_array_foreach((json_t *)list, i, item)
    {
        const char *word = json_string_value(item);
        snprintf(field, sizeof field, "recipe.%s[%zu]", name, i);
        if (!word || !*word || strlen(word) > WORD_LONGEST || has_control(word))
            return tide_fail_field(e, field, "must be a string of 1 to %d characters in one line",
                                   WORD_LONGEST);
        if (!tide_build_words_put(out, word)) return tide_fail(e, TIDE_NOMEM, "read a recipe");
    }
    return TIDE_OK;
}

static bool is_name(const char *name)
{
    bool fine = *name && !isdigit((unsigned char)*name);
    for (; fine && *name; name++)
        fine = isalnum((unsigned char)*name) || *name == '_';
    return fine;
}

static enum tide_rc read_environment(json_t *object, struct tide_recipe *r, struct tide_error *e)
{
    const char *name;
    json_t *value;
    char field[64];
    if (!json_is_object(object) || json_object_size(object) > WORDS_MAX)
        return tide_fail_field(e, "recipe.environment",
                               "must be an object of at most %d names and texts", WORDS_MAX);
    json_t *sorted = json_array(); /* so that the order of a request makes no other build */
    json_object_foreach(object, name, value)
    {
        const char *text = json_string_value(value);
        snprintf(field, sizeof field, "recipe.environment.%.30s", name);
        char *word = text && is_name(name) && strlen(text) <= WORD_LONGEST && !has_control(text)
                         ? tide_format("%s=%s", name, text)
                         : NULL;
        size_t at = 0;
        while (word && at < json_array_size(sorted) &&
               strcmp(json_string_value(json_array_get(sorted, at)), word) < 0)
            at++;
        bool put = word && !json_array_insert_new(sorted, at, json_string(word));
        free(word);
        if (put) continue;
        json_decref(sorted);
        return tide_fail_field(e, field,
                               "must be a name that a shell takes, and a text in one "
                               "line of UTF-8");
    }
    enum tide_rc rc = read_words(sorted, "environment", &r->environment, e);
    json_decref(sorted);
    return rc;
}

static enum tide_rc read_switch(const json_t *value, const char *field, bool *out,
                                struct tide_error *e)
{
    if (!json_is_boolean(value)) return tide_fail_field(e, field, "must be true or false");
    *out = json_is_true(value);
    return TIDE_OK;
}

static enum tide_rc read_deadline(const json_t *value, int *out, struct tide_error *e)
{
    json_int_t seconds = json_integer_value(value);
    if (!json_is_integer(value) || seconds < 1 || seconds > TIDE_RECIPE_DEADLINE_MAX_S)
        return tide_fail_field(e, "recipe.deadline_s", "must be an integer from 1 to %d",
                               TIDE_RECIPE_DEADLINE_MAX_S);
    *out = (int)seconds;
    return TIDE_OK;
}

static enum tide_rc read_folder(const json_t *value, struct tide_recipe *r, struct tide_error *e)
{
    if (!json_is_string(value))
        return tide_fail_field(e, "recipe.folder", "must be a folder of the repository");
    enum tide_rc rc = tide_recipe_check_folder(json_string_value(value), "recipe.folder", e);
    if (rc) return rc;
    free(r->folder);
    r->folder = strdup(json_string_value(value));
    return r->folder ? TIDE_OK : tide_fail(e, TIDE_NOMEM, "read a recipe");
}

static enum tide_rc read_entry(const char *name, json_t *value, struct tide_recipe *r,
                               struct tide_error *e)
{
    char field[64];
    snprintf(field, sizeof field, "recipe.%.40s", name);
    if (!strcmp(name, "kind")) return read_kind(value, field, r, e);
    if (!strcmp(name, "folder")) return read_folder(value, r, e);
    if (!strcmp(name, "flags")) return read_words(value, name, &r->flags, e);
    if (!strcmp(name, "commands")) return read_words(value, name, &r->commands, e);
    if (!strcmp(name, "environment")) return read_environment(value, r, e);
    if (!strcmp(name, "deadline_s")) return read_deadline(value, &r->deadline_s, e);
    if (!strcmp(name, "isolation")) return read_switch(value, field, &r->isolation, e);
    if (!strcmp(name, "network")) return read_switch(value, field, &r->network, e);
    return tide_fail_field(e, field,
                           "no such field; allowed are kind, folder, flags, commands, "
                           "environment, deadline_s, isolation, network");
}

/* What a kind cannot make use of is a misunderstanding, and said. */
static enum tide_rc check_kind(const struct tide_recipe *r, struct tide_error *e)
{
    if (r->kind == TIDE_RECIPE_KINDS) return TIDE_OK; /* it is checked once it was detected */
    bool command = r->kind == TIDE_RECIPE_COMMAND, pip = r->kind == TIDE_RECIPE_PIP;
    if (command && !r->commands)
        return tide_fail_field(e, "recipe.commands", "the recipe `command` needs at least one");
    if (!command && r->commands)
        return tide_fail_field(e, "recipe.commands", "only the recipe `command` takes commands");
    if ((command || r->kind == TIDE_RECIPE_WHEEL) && r->flags)
        return tide_fail_field(e, "recipe.flags", "the recipe `%s` takes no flags", words[r->kind]);
    if (!pip && r->isolation)
        return tide_fail_field(e, "recipe.isolation", "only the recipe `pip` can be isolated");
    if (!pip && r->network)
        return tide_fail_field(e, "recipe.network",
                               "only the recipe `pip` can be told to use the network");
    return TIDE_OK;
}

enum tide_rc tide_recipe_read(const json_t *value, struct tide_recipe *out, struct tide_error *e)
{
    const char *name;
    json_t *entry;
    *out = (struct tide_recipe){
        .kind = TIDE_RECIPE_KINDS, .deadline_s = TIDE_RECIPE_DEADLINE_S, .folder = strdup("")};
    enum tide_rc rc = out->folder ? TIDE_OK : tide_fail(e, TIDE_NOMEM, "read a recipe");
    if (!rc && !json_is_object(value)) rc = read_kind(value, "recipe", out, e);
    json_object_foreach((json_t *)value, name, entry)
    {
        if (!rc) rc = read_entry(name, entry, out, e);
    }
    if (!rc) rc = check_kind(out, e);
    if (rc) tide_recipe_clear(out);
    return rc;
}

enum tide_rc tide_recipe_parse(const char *text, struct tide_recipe *out, struct tide_error *e)
{
    json_t *value = json_loads(text, 0, NULL);
    *out = (struct tide_recipe){0};
    enum tide_rc rc = value ? tide_recipe_read(value, out, e) : TIDE_INVALID;
    json_decref(value);
    if (!rc && out->kind == TIDE_RECIPE_KINDS) {
        tide_recipe_clear(out);
        rc = TIDE_INVALID;
    }
    return rc == TIDE_INVALID ? tide_fail(e, TIDE_CORRUPT, "\"%.200s\" is no recipe", text) : rc;
}

void tide_recipe_clear(struct tide_recipe *r)
{
    free(r->folder);
    tide_build_words_free(r->flags);
    tide_build_words_free(r->commands);
    tide_build_words_free(r->environment);
    *r = (struct tide_recipe){0};
}

static json_t *describe_words(char *const *list)
{
    json_t *array = json_array();
    for (; list && *list; list++)
        json_array_append_new(array, json_string(*list));
    return array;
}

static json_t *describe_environment(char *const *list)
{
    json_t *object = json_object();
    for (; list && *list; list++) {
        char *name = strndup(*list, strcspn(*list, "="));
        if (name) json_object_set_new(object, name, json_string(strchr(*list, '=') + 1));
        free(name);
    }
    return object;
}

char *tide_recipe_text(const struct tide_recipe *r)
{
    json_t *all = json_object();
    if (r->kind < TIDE_RECIPE_KINDS) json_object_set_new(all, "kind", json_string(words[r->kind]));
    if (*r->folder) json_object_set_new(all, "folder", json_string(r->folder));
    if (r->flags) json_object_set_new(all, "flags", describe_words(r->flags));
    if (r->commands) json_object_set_new(all, "commands", describe_words(r->commands));
    if (r->environment)
        json_object_set_new(all, "environment", describe_environment(r->environment));
    if (r->deadline_s != TIDE_RECIPE_DEADLINE_S)
        json_object_set_new(all, "deadline_s", json_integer(r->deadline_s));
    if (r->isolation) json_object_set_new(all, "isolation", json_true());
    if (r->network) json_object_set_new(all, "network", json_true());
    char *text = all ? json_dumps(all, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    json_decref(all);
    return text;
}

static bool has_name(const struct tide_str *names, const char *wanted)
{
    for (size_t at = 0; at < names->length; at += strlen(names->at + at) + 1)
        if (!strcmp(names->at + at, wanted)) return true;
    return false;
}

static bool has_wheel(const struct tide_str *names)
{
    for (size_t at = 0; at < names->length; at += strlen(names->at + at) + 1) {
        size_t n = strlen(names->at + at);
        if (n > 4 && !strcmp(names->at + at + n - 4, ".whl")) return true;
    }
    return false;
}

enum tide_rc tide_recipe_detect(const struct tide_str *names, struct tide_recipe *r,
                                struct tide_error *e)
{
    if (has_name(names, "CMakeLists.txt"))
        r->kind = TIDE_RECIPE_CMAKE;
    else if (has_name(names, "setup.py"))
        r->kind = TIDE_RECIPE_SETUP_PY;
    else if (has_name(names, "pyproject.toml"))
        r->kind = TIDE_RECIPE_PIP;
    else if (has_wheel(names))
        r->kind = TIDE_RECIPE_WHEEL;
    else
        return tide_fail_field(e, "recipe",
                               "how it is built cannot be told: there is no CMakeLists.txt, "
                               "setup.py, pyproject.toml or wheel in %s; name a recipe (" KINDS
                               ") or the folder that is built",
                               *r->folder ? r->folder : "the repository's top");
    return check_kind(r, e);
}
