/* show.h - runs and batches in words, for the commands that print them. */
#ifndef TIDE_SHOW_H
#define TIDE_SHOW_H

#include "cli/terminal.h"

/* The colour of a run's or a batch's status. */
enum tide_hue tide_status_hue(const char *status);

/* One line of a run (docs/API.md, R) that has ended: status, number, scenario, commit, python,
 * sample, tide mark, time or error. */
void tide_show_run_line(const json_t *run);

/* Runs as a table. */
void tide_show_runs(const json_t *runs);

#endif
