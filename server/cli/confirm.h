/* confirm.h - asks before something is removed. */
#ifndef TIDE_CONFIRM_H
#define TIDE_CONFIRM_H

#include "base/error.h"

/* Ask `question` on the terminal; STOPPED unless the answer is yes. Where there is no terminal
 * INVALID: a script says --yes. `name` is what would be removed, for messages. */
TIDE_CHECK enum tide_rc tide_confirm(const char *name, const char *question, struct tide_error *e);

#endif
