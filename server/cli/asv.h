/* asv.h - an asv.conf.json as a request to add a project.
 *
 * What the file says is taken over as far as a project of Tidemark's has a place for it. The rest
 * is named: {"key", "why"} of each entry that was not carried over. */
#ifndef TIDE_CLI_ASV_H
#define TIDE_CLI_ASV_H

#include "base/error.h"

#include <jansson.h>

/* Read the file and put into *wish (an object) the fields that it does not have yet: repo, branch,
 * pythons, recipe, scenarios. *left_out is a new array of what was not carried over. INVALID says
 * what cannot be read, or which command cannot be followed. */
TIDE_CHECK enum tide_rc tide_asv_read(const char *path, json_t *wish, json_t **left_out,
                                      struct tide_error *e);

/* Take the versions that none of `pythons` (of GET /pythons) is usable for off the wish. */
void tide_asv_check_pythons(const json_t *pythons, json_t *wish, json_t *left_out);

/* The text without comments of both kinds and without commas that stand before a closing bracket,
 * in new memory; NULL when memory ends. What is cut is replaced by spaces, so that lines stay. */
char *tide_asv_plain(const char *text);

/* The recipe that asv's commands amount to: `conf` is the whole file, `conf_dir` the absolute path
 * of its folder. *out is a new object, or
 * NULL where the file has no commands. INVALID with the command that cannot be followed. */
TIDE_CHECK enum tide_rc tide_asv_recipe(const json_t *conf, const char *conf_dir, json_t **out,
                                        struct tide_error *e);

#endif
