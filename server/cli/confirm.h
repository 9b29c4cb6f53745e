/* confirm.h - asks before something is done that cannot be undone. */
#ifndef TIDE_CONFIRM_H
#define TIDE_CONFIRM_H

#include "base/error.h"

/* Ask `question` on the terminal; STOPPED unless the answer is yes. Where there is no terminal
 * INVALID: a script says --yes. */
TIDE_CHECK enum tide_rc tide_confirm(const char *question, struct tide_error *e);

#endif
