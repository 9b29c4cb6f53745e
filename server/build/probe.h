/* probe.h - asks one interpreter what it is, and judges whether Tidemark can run it. */
#ifndef TIDE_BUILD_PROBE_H
#define TIDE_BUILD_PROBE_H

#include "build/candidates.h"
#include "build/pythons.h"

/* Ask the candidate. *out is always filled (reason says why it cannot be used) and freed by
 * tide_python_clear. *base, when not NULL, says that the candidate is a virtual environment of that
 * interpreter; freed by the caller. Errors: NOMEM, IO, STOPPED; an interpreter that misbehaves is
 * none. */
TIDE_CHECK enum tide_rc tide_probe_ask(const struct tide_candidate *candidate,
                                       const atomic_bool *stop, struct tide_python *out,
                                       char **base, struct tide_error *e);
void tide_python_clear(struct tide_python *p);

/* A version as a number that sorts: major, minor, micro, then alpha < beta < candidate < final. 0:
 * no version. */
unsigned long long tide_probe_version_number(const char *version);

#endif
