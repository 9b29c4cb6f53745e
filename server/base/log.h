/* log.h - the daemon's log: one structured line per event on stderr.
 *
 *   2026-11-22T15:04:05.678Z info  run      run=12 started python="3.12.1"
 *
 * Threads: any; a line is written by one write(2), so lines never mix. */
#ifndef TIDE_LOG_H
#define TIDE_LOG_H

enum tide_log_level { TIDE_LOG_DEBUG, TIDE_LOG_INFO, TIDE_LOG_WARN, TIDE_LOG_ERROR };

/* Lines below `level` are dropped; the default is INFO. */
void tide_log_set_level(enum tide_log_level level);

/* Write a line for `room` ("http", "store", ...). The format is printf's;
 * newlines become spaces. */
void tide_log(enum tide_log_level level, const char *room, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
