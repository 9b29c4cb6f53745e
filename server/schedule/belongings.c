/* belongings.c - see belongings.h. */
#include "schedule/belongings.h"

#include "base/file.h"
#include "base/log.h"
#include "schedule/suite.h"

#include <stdlib.h>
#include <string.h>

char *tide_belongings_mirror(const struct tide_places *p, int64_t project)
{
    return tide_format("%s/repos/%lld.git", p->data, (long long)project);
}

/* Call `each` with the cache folder of every build of the project. */
static enum tide_rc walk_builds(const struct tide_places *p, struct tide_store *store,
                                int64_t project,
                                enum tide_rc (*each)(const char *folder, void *context,
                                                     struct tide_error *e),
                                void *context, struct tide_error *e)
{
    struct tide_str keys = {0};
    enum tide_rc rc = tide_store_project_keys(store, project, &keys, e);
    for (size_t at = 0; !rc && at < keys.length; at += strlen(keys.at + at) + 1) {
        char *folder = tide_format("%s/builds/%s", p->cache, keys.at + at);
        rc = folder ? each(folder, context, e) : tide_fail(e, TIDE_NOMEM, "list the builds");
        free(folder);
    }
    tide_str_free(&keys);
    return rc;
}

static enum tide_rc add_size(const char *folder, void *context, struct tide_error *e)
{
    int64_t bytes = 0;
    enum tide_rc rc = tide_file_tree_size(folder, &bytes, e);
    *(int64_t *)context += bytes;
    return rc;
}

static enum tide_rc remove_folder(const char *folder, void *context, struct tide_error *e)
{
    (void)context;
    return tide_file_remove_tree(folder, e);
}

enum tide_rc tide_belongings_count(const struct tide_places *p, struct tide_store *store,
                                   int64_t project, json_t **out, struct tide_error *e)
{
    struct tide_str text = {0};
    int64_t bytes = 0;
    *out = NULL;
    enum tide_rc rc = tide_store_project_holdings(store, project, &text, e);
    if (!rc) rc = walk_builds(p, store, project, add_size, &bytes, e);
    if (!rc) {
        *out = json_loads(text.at ? text.at : "", 0, NULL);
        if (!*out || json_object_set_new(*out, "cache_bytes", json_integer(bytes)))
            rc = tide_fail(e, TIDE_NOMEM, "count what a project holds");
    }
    tide_str_free(&text);
    return rc;
}

/* Rows first: files without a row are nobody's, a row without files would lie. */
enum tide_rc tide_belongings_remove(const struct tide_places *p, struct tide_store *store,
                                    int64_t project, struct tide_error *e)
{
    struct tide_error ignored;
    struct tide_str keys = {0};
    char *mirror = tide_belongings_mirror(p, project), *suites = tide_suite_folder(p, project);
    enum tide_rc rc = mirror && suites ? tide_store_project_keys(store, project, &keys, e)
                                       : tide_fail(e, TIDE_NOMEM, "remove a project");
    if (!rc) rc = tide_store_remove_project(store, project, e);
    for (size_t at = 0; !rc && at < keys.length; at += strlen(keys.at + at) + 1) {
        char *folder = tide_format("%s/builds/%s", p->cache, keys.at + at);
        if (folder) rc = remove_folder(folder, NULL, e);
        free(folder);
    }
    if (!rc && tide_file_remove_tree(mirror, &ignored))
        tide_log(TIDE_LOG_WARN, "schedule", "%s", ignored.text);
    if (!rc) rc = tide_file_remove_tree(suites, e);
    tide_str_free(&keys);
    free(mirror);
    free(suites);
    return rc;
}
