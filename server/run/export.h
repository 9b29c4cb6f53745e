/* export.h - a run as a file: as a tide stream, or in formats that other programs read.
 *
 *   tide        the stream as it was recorded (docs/STREAM.md); can be imported without loss
 *   csv         one line per event and sample, RFC 4180
 *   json        {"run": ..., "events": [...]} as the REST interface has them
 *   pymemtrace  a log like cPyMemTrace's, of calls and lines
 *   chrome      trace events (opens in Perfetto): calls as slices, RSS as a counter
 *
 * Memory is bounded by one chunk of the stream. Threads: any. Blocks on the store. */
#ifndef TIDE_RUN_EXPORT_H
#define TIDE_RUN_EXPORT_H

#include "store/store.h"

enum tide_format { TIDE_AS_TIDE, TIDE_AS_CSV, TIDE_AS_JSON, TIDE_AS_PYMEMTRACE, TIDE_AS_CHROME };

/* INVALID, with field "format", for a name that is none. */
TIDE_CHECK enum tide_rc tide_export_format(const char *name, enum tide_format *out,
                                           struct tide_error *e);
/* Its media type. Static. */
const char *tide_export_type(enum tide_format format);

/* Takes the next n bytes of the file; a return other than OK ends the export and is returned. */
typedef enum tide_rc tide_sink_fn(void *context, const void *bytes, size_t n, struct tide_error *e);

/* Write the run. ABSENT: no such run. INVALID: it has measured nothing. */
TIDE_CHECK enum tide_rc tide_export(struct tide_store *s, int64_t run, enum tide_format format,
                                    tide_sink_fn *sink, void *context, struct tide_error *e);

#endif
