/* confirm.c - see confirm.h. */
#include "cli/confirm.h"

#include <stdio.h>
#include <unistd.h>

enum tide_rc tide_confirm(const char *name, const char *question, struct tide_error *e)
{
    char answer[16] = "";
    if (!isatty(STDIN_FILENO))
        return tide_fail(e, TIDE_INVALID, "%s is not removed without being asked: add --yes", name);
    printf("%s [y/N] ", question);
    fflush(stdout);
    if (fgets(answer, sizeof answer, stdin) && (*answer == 'y' || *answer == 'Y')) return TIDE_OK;
    return tide_fail(e, TIDE_STOPPED, "%s was not removed", name);
}
