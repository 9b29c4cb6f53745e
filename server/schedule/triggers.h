/* triggers.h - the fields of a project that say what queues its runs by itself: checked, and kept.
 *
 * Threads: any. */
#ifndef TIDE_SCHEDULE_TRIGGERS_H
#define TIDE_SCHEDULE_TRIGGERS_H

#include "store/triggers.h"

#include <jansson.h>

/* Whether the field of a project is one of these: cron, timezone, poll_s, webhook_secret,
 * on_new_python, trigger, notify. */
bool tide_triggers_own(const char *field);

/* Check those of these fields that `wish` has, by themselves. INVALID names the field. */
TIDE_CHECK enum tide_rc tide_triggers_check(const json_t *wish, struct tide_error *e);

/* Check them with what the project (0: a new one) has already. */
TIDE_CHECK enum tide_rc tide_triggers_try(struct tide_store *s, int64_t project, const json_t *wish,
                                          struct tide_error *e);
/* And keep them. */
TIDE_CHECK enum tide_rc tide_triggers_keep(struct tide_store *s, int64_t project,
                                           const json_t *wish, struct tide_error *e);

#endif
