/* cache.c - see cache.h. */
#include "build/cache.h"

#include "base/file.h"
#include "base/str.h"
#include "build/scratch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum tide_rc tide_cache_size(const char *cache, int64_t *bytes, struct tide_error *e)
{
    char *folder = tide_format("%s/builds", cache);
    if (!folder) return tide_fail(e, TIDE_NOMEM, "measure the cache");
    enum tide_rc rc = tide_file_tree_size(folder, bytes, e);
    free(folder);
    return rc;
}

/* Take the folder out of the cache and remove it, while CACHE/tmp is held. */
static enum tide_rc remove_whole(const char *temporary, const char *folder, const char *key,
                                 struct tide_error *e)
{
    char *aside = NULL;
    enum tide_rc rc = tide_scratch_make(temporary, key, &aside, e);
    if (rc) return rc;
    /* Another that removed it meanwhile, with its project, is fine. */
    if (rename(folder, aside) && errno != ENOENT)
        rc = tide_fail_errno(e, "rename %s to %s", folder, aside);
    enum tide_rc removed = tide_file_remove_tree(aside, rc ? NULL : e);
    free(aside);
    return rc ? rc : removed;
}

static enum tide_rc evict(const char *cache, const char *temporary, const char *key,
                          struct tide_cache_gone *gone, struct tide_error *e)
{
    int64_t bytes = 0;
    char *folder = tide_format("%s/builds/%s", cache, key);
    if (!folder) return tide_fail(e, TIDE_NOMEM, "remove a build");
    enum tide_rc rc = TIDE_OK;
    if (tide_file_exists(folder)) {
        rc = tide_file_tree_size(folder, &bytes, e);
        if (!rc) rc = remove_whole(temporary, folder, key, e);
        if (!rc) gone->builds++;
        if (!rc) gone->bytes += bytes;
    }
    free(folder);
    return rc;
}

enum tide_rc tide_cache_evict(const char *cache, int64_t bytes, const char *keys, size_t n,
                              struct tide_cache_gone *gone, struct tide_error *e)
{
    int hold = -1;
    *gone = (struct tide_cache_gone){0};
    char *temporary = tide_format("%s/tmp", cache);
    if (!temporary) return tide_fail(e, TIDE_NOMEM, "remove builds");
    enum tide_rc rc = tide_scratch_hold(temporary, &hold, e);
    for (size_t at = 0; !rc && at < n && gone->bytes < bytes; at += strlen(keys + at) + 1)
        rc = evict(cache, temporary, keys + at, gone, e);
    if (hold >= 0) close(hold);
    free(temporary);
    return rc;
}
