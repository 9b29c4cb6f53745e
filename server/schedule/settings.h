/* settings.h - a request to add or change a project: its fields, checked one by one.
 *
 * Threads: any. */
#ifndef TIDE_SCHEDULE_SETTINGS_H
#define TIDE_SCHEDULE_SETTINGS_H

#include "store/store.h"

#include <jansson.h>

#define TIDE_PROJECT_NAME_MAX 64

/* Write the fields that `wish` names into *p, whose texts are replaced; the recipe is written in
 * its canonical form, and is "" where only its kind is to be told from the tree. INVALID names the
 * field. `adding`: name and repo are required and allowed. */
TIDE_CHECK enum tide_rc tide_settings_read(const json_t *wish, bool adding, struct tide_project *p,
                                           struct tide_error *e);

#endif
