/* recipe.h - how a commit of a project is built: one of five ways, and what it is given.
 *
 * In JSON a recipe is a word ("cmake", "setup.py", "pip", "command", "wheel") or an object with
 * `kind` and what differs from the defaults (docs/PROJECTS.md). Its canonical text has every word
 * once, in order, without spaces: it goes into the key of a build and into the project's row.
 *
 * Threads: any. */
#ifndef TIDE_BUILD_RECIPE_H
#define TIDE_BUILD_RECIPE_H

#include "base/str.h"

#include <jansson.h>

enum tide_recipe_kind {
    TIDE_RECIPE_CMAKE,    /* configure, build, install into the prefix */
    TIDE_RECIPE_SETUP_PY, /* setup.py build into the prefix */
    TIDE_RECIPE_PIP,      /* a wheel, installed into the prefix */
    TIDE_RECIPE_COMMAND,  /* lines for a shell */
    TIDE_RECIPE_WHEEL,    /* the wheel that fits, of those that the commit holds */
    TIDE_RECIPE_KINDS
};

#define TIDE_RECIPE_DEADLINE_S     600 /* of a step */
#define TIDE_RECIPE_DEADLINE_MAX_S 86400

struct tide_recipe { /* lists are NULL-terminated, or NULL when empty */
    enum tide_recipe_kind kind;
    char *folder;       /* of the repository, "" for all of it; nothing else is seen by the build */
    char **flags;       /* further arguments: of the configuration, of build_ext, of `pip wheel` */
    char **commands;    /* of kind command: {commit}, {src}, {prefix} and {python} are replaced */
    char **environment; /* NAME=VALUE */
    int deadline_s;     /* of each step */
    bool isolation;     /* of kind pip: build in an environment of its own ... */
    bool network;       /* ... and with what the network has */
};

/* The word of a kind. */
const char *tide_recipe_word(enum tide_recipe_kind kind);

/* Read a word or an object. INVALID names the field, from "recipe" on. The kind of an object that
 * names none is TIDE_RECIPE_KINDS: tide_recipe_detect chooses it. The caller frees with
 * tide_recipe_clear. */
TIDE_CHECK enum tide_rc tide_recipe_read(const json_t *value, struct tide_recipe *out,
                                         struct tide_error *e);
/* The same from its text; CORRUPT when that is none. */
TIDE_CHECK enum tide_rc tide_recipe_parse(const char *text, struct tide_recipe *out,
                                          struct tide_error *e);
void tide_recipe_clear(struct tide_recipe *r);

/* The canonical text, freed by the caller; NULL when memory ends. */
char *tide_recipe_text(const struct tide_recipe *r);

/* Choose the kind by what stands in the folder that is built: `names`, each ended by NUL, as
 * tide_repo_names gives them. INVALID with what was looked for. */
TIDE_CHECK enum tide_rc tide_recipe_detect(const struct tide_str *names, struct tide_recipe *r,
                                           struct tide_error *e);

/* A folder of a repository: INVALID with `field` unless it is relative and stays within. "" is the
 * whole. */
TIDE_CHECK enum tide_rc tide_recipe_check_folder(const char *folder, const char *field,
                                                 struct tide_error *e);

#endif
