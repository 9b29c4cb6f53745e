/* settle.c - see settle.h. */
#include "schedule/settle.h"

#include "build/recipe.h"
#include "schedule/suite.h"

#include <stdio.h>
#include <stdlib.h>

/* Tell the kind from the tree, where the recipe names none. */
static enum tide_rc settle_recipe(struct tide_repo *repo, struct tide_project *row,
                                  struct tide_error *e)
{
    struct tide_recipe recipe = {0};
    struct tide_commit tip = {0};
    struct tide_str names = {0};
    json_error_t wrong;
    json_t *value = json_loads(row->recipe, 0, &wrong);
    enum tide_rc rc = value ? tide_recipe_read(value, &recipe, e)
                            : tide_fail(e, TIDE_CORRUPT, "read a recipe: %s", wrong.text);
    if (!rc) rc = tide_repo_resolve(repo, "HEAD", &tip, e);
    if (!rc) {
        rc = tide_repo_names(repo, tip.sha, recipe.folder, &names, e);
        if (rc == TIDE_ABSENT)
            rc = tide_fail_field(e, "recipe.folder",
                                 "commit %.12s, the branch's tip, has no folder %s", tip.sha,
                                 recipe.folder);
    }
    if (!rc && recipe.kind == TIDE_RECIPE_KINDS) rc = tide_recipe_detect(&names, &recipe, e);
    if (!rc) {
        free(row->recipe);
        row->recipe = tide_recipe_text(&recipe);
        if (!row->recipe) rc = tide_fail(e, TIDE_NOMEM, "read a recipe");
    }
    json_decref(value);
    tide_recipe_clear(&recipe);
    tide_commit_clear(&tip);
    tide_str_free(&names);
    return rc;
}
/* "commits" is no field of a project: what is wrong there is the branch or the source. */
static enum tide_rc check_tip(struct tide_repo *repo, struct tide_error *e)
{
    struct tide_commit tip = {0};
    enum tide_rc rc = tide_repo_resolve(repo, "HEAD", &tip, e);
    tide_commit_clear(&tip);
    return rc == TIDE_INVALID
               ? tide_fail_field(e, "branch", "the repository's HEAD is no commit: name a branch")
               : rc;
}

enum tide_rc tide_settle(struct tide_repo *repo, struct tide_project *row, struct tide_error *e)
{
    enum tide_rc rc = tide_repo_sync(repo, TIDE_FETCH_DEADLINE_S, e);
    if (!rc) rc = check_tip(repo, e);
    if (!rc) rc = settle_recipe(repo, row, e);
    if (!rc) rc = tide_suite_check(repo, row, e);
    /* Whatever git says of a source that a request named is the request's to mend. */
    if (rc == TIDE_FAILED && e) {
        e->rc = rc = TIDE_INVALID;
        snprintf(e->field, sizeof e->field, "repo");
    }
    return rc;
}
