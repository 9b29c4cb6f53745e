/* memory.h - the memory that can be had now without swapping: what the kernel thinks is available
 * (MemAvailable), within the limits of the control groups that we are in.
 *
 * Threads: any. */
#ifndef TIDE_SCHEDULE_MEMORY_H
#define TIDE_SCHEDULE_MEMORY_H

#include <stdint.h>

struct tide_memory { /* bytes; INT64_MAX where the kernel does not tell */
    int64_t total, available;
};
void tide_memory_read(struct tide_memory *out);

#endif
