/* config.h - where things stand for one invocation: folders, helpers, and what the configuration
 * file says.
 *
 * The configuration is a JSON object (docs/API.md, "Configuration"); an unknown or wrong entry is
 * refused. */
#ifndef TIDE_CONFIG_H
#define TIDE_CONFIG_H

#include "schedule/catalog.h"

/* The entry that a daemon takes over at its start only: its threads, and what they have started,
 * stand on CPUs by it. */
#define TIDE_CONFIG_AT_START "measure_cpus"

#define TIDE_CORS_MAX 16 /* origins of other pages */

struct tide_config {
    struct tide_places places; /* its texts are owned by this struct */
    char *texts[8];            /* what is to be freed */
    size_t n_texts;
    json_t *file;
    const char *cors[TIDE_CORS_MAX + 1]; /* texts of `file`, ended by NULL */
    struct tide_python_entry *pythons;
    size_t n_pythons;
};

/* Settle every place. Each argument may be NULL for its default: `data` $XDG_DATA_HOME/tidemark
 * (the cache is then $XDG_CACHE_HOME/tidemark, else DATA/cache), `repo` the repository this program
 * was built from, `config` $XDG_CONFIG_HOME/tidemark/config.json if it is there. The caller frees
 * with tide_config_clear, on failure too. */
TIDE_CHECK enum tide_rc tide_config_settle(const char *data, const char *repo, const char *config,
                                           struct tide_config *out, struct tide_error *e);
/* `repo` as POST /projects takes it, in new memory: a path, which may begin at `folder` (NULL:
 * where this program was started), becomes an absolute one; what is not there, and URLs, stay. NULL
 * when memory ends. */
char *tide_config_repo(const char *repo, const char *folder);
bool tide_config_is_url(const char *repo);

/* The data folder that `data` (NULL: the default) names, which need not be there; in new memory,
 * NULL when memory ends. */
char *tide_config_data(const char *data);

/* The configuration file that is read where none is named, which need not be there; as above. */
char *tide_config_file(void);

/* Read and check the file at `path` alone; what it says is in *out. INVALID names the line, the
 * entry and what is allowed; the caller frees with tide_config_clear, on failure too. */
TIDE_CHECK enum tide_rc tide_config_check(const char *path, struct tide_config *out,
                                          struct tide_error *e);
/* Take the limits of another configuration over, while they are used. */
void tide_config_take_limits(struct tide_config *c, const struct tide_config *from);

void tide_config_clear(struct tide_config *c);

#endif
