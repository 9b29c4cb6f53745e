/* gate_report.h - what a gate has come to, for people and for programs.
 *
 * The report is one JSON object, as `tidemark gate --json` prints it (docs/GATE.md); the writers
 * here take nothing else. */
#ifndef TIDE_GATE_REPORT_H
#define TIDE_GATE_REPORT_H

#include "base/str.h"

#include <jansson.h>

void tide_gate_print(const json_t *report); /* for the terminal */
void tide_gate_markdown(const json_t *report, struct tide_str *out);
void tide_gate_junit(const json_t *report, struct tide_str *out);

#endif
