/* log.c - see log.h. */
#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static _Atomic int threshold = TIDE_LOG_INFO;

void tide_log_set_level(enum tide_log_level level)
{
    threshold = (int)level;
}

static size_t write_stamp(char *line, size_t room)
{
    struct timespec now;
    struct tm utc;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    size_t n = strftime(line, room, "%Y-%m-%dT%H:%M:%S", &utc);
    return n + (size_t)snprintf(line + n, room - n, ".%03ldZ", now.tv_nsec / 1000000);
}

void tide_log(enum tide_log_level level, const char *room, const char *format, ...)
{
    static const char *const names[] = {"debug", "info ", "warn ", "error"};
    char line[2048];
    if ((int)level < threshold) return;

    size_t n = write_stamp(line, sizeof line);
    n += (size_t)snprintf(line + n, sizeof line - n, " %s %-8s ", names[level], room);
    va_list arguments;
    va_start(arguments, format);
    int wanted = vsnprintf(line + n, sizeof line - n - 1, format, arguments);
    va_end(arguments);
    size_t length = strlen(line);
    if (wanted < 0) return;
    for (size_t i = n; i < length; i++)
        if (line[i] == '\n' || line[i] == '\r') line[i] = ' ';
    line[length++] = '\n';
    if (write(STDERR_FILENO, line, length) < 0) return; /* nowhere left to report it */
}
