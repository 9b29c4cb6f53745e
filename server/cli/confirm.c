/* confirm.c - see confirm.h. */
#include "cli/confirm.h"

#include <stdio.h>
#include <unistd.h>

enum tide_rc tide_confirm(const char *question, struct tide_error *e)
{
    char answer[16] = "";
    if (!isatty(STDIN_FILENO))
        return tide_fail(e, TIDE_INVALID,
                         "nothing was done: this asks, and there is no terminal; add "
                         "--yes");
    printf("%s [y/N] ", question);
    fflush(stdout);
    if (fgets(answer, sizeof answer, stdin) && (*answer == 'y' || *answer == 'Y')) return TIDE_OK;
    return tide_fail(e, TIDE_STOPPED, "nothing was done");
}
