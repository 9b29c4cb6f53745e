/* measure.h - how a run is measured, as a request says it: what is recorded, how exactly, how
 * often.
 *
 * Threads: any; nothing blocks. */
#ifndef TIDE_SCHEDULE_MEASURE_H
#define TIDE_SCHEDULE_MEASURE_H

#include "base/error.h"

#include <jansson.h>

/* The fields of a request that tide_measure_read reads, NULL-terminated. */
extern const char *const tide_measure_fields[];

/* *out: canonical JSON (keys sorted, no spaces) of the measure that `request` asks for, freed by
 * the caller. All fields stand in it, null where the recording or the precision has no use for one,
 * so that two cells which are measured alike have the same text. INVALID names the field. */
TIDE_CHECK enum tide_rc tide_measure_read(const json_t *request, char **out, struct tide_error *e);

#endif
