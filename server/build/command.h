/* command.h - small tools of the build room: programs whose complaint is wanted, and where they
 * stand.
 *
 * Threads: any. Blocking. */
#ifndef TIDE_BUILD_COMMAND_H
#define TIDE_BUILD_COMMAND_H

#include "base/process.h"

/* Run to the end as tide_process_run does, with standard error captured (its first 64 KiB) into
 * *complaint, which may be NULL. `c->log` is ignored. */
TIDE_CHECK enum tide_rc tide_build_run(const struct tide_command *c, struct tide_str *out,
                                       struct tide_str *complaint, struct tide_error *e);

/* The last line with something in it, in new memory without its newline; NULL when memory ends. */
char *tide_build_last_line(const char *text);

/* The absolute path of the program in PATH, freed by the caller; NULL: not installed. */
char *tide_build_which(const char *program);

/* Split by spaces and append copies to the NULL-terminated array *words, made with its first word
 * and freed with tide_build_words_free. False when memory ends. */
bool tide_build_words_add(char ***words, const char *text);
/* The same for one word that may hold spaces. */
bool tide_build_words_put(char ***words, const char *word);
void tide_build_words_free(char **words); /* NULL is a no-op */

#endif
