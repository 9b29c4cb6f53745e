/* doctor.h - what `tidemark doctor` finds out about a host, and its checks by topic. */
#ifndef TIDE_DOCTOR_H
#define TIDE_DOCTOR_H

#include "cli/config.h"

#include <jansson.h>

enum tide_health { TIDE_HEALTH_OK, TIDE_HEALTH_WARN, TIDE_HEALTH_FAIL };

struct tide_findings {
    json_t *list; /* of {"check", "status", "text", "advice"} */
    bool failed;  /* one of them is TIDE_HEALTH_FAIL */
};

/* Add what a check found. `advice`: what would make results better; NULL: nothing. */
void tide_find(struct tide_findings *f, const char *check, enum tide_health health,
               const char *advice, const char *format, ...) __attribute__((format(printf, 5, 6)));

void tide_doctor_kernel(struct tide_findings *f);                            /* doctor_kernel.c */
void tide_doctor_host(struct tide_findings *f, const struct tide_config *c); /* doctor_host.c */
void tide_doctor_programs(struct tide_findings *f,
                          const struct tide_config *c); /* doctor_programs.c */

/* The first line of a small file of /proc or /sys, without its end; "" when it cannot be read. */
const char *tide_doctor_line(const char *path, char out[256]);

#endif
