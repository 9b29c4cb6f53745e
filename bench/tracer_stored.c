/* tracer_stored.c - how many bytes a tide stream takes in the database: each payload compressed by
 * itself, as server/run/ingest.c does. Reads the stream from standard input. */
#include "stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <zstd.h>

enum { LEVEL = 3, BLOCK = 1 << 16 };

int main(void)
{
    static unsigned char block[BLOCK], packed[2 * TIDE_STREAM_PAYLOAD_MAX];
    struct tide_frames *f = tide_frames_new();
    const uint8_t *payload;
    size_t n, length, total = 0;

    while (f && (n = fread(block, 1, sizeof block, stdin)) > 0) {
        if (tide_frames_feed(f, block, n)) return 1;
        while (tide_frames_next(f, &payload, &length) == TIDE_STREAM_OK)
            total += ZSTD_compress(packed, sizeof packed, payload, length, LEVEL);
    }
    tide_frames_free(f);
    printf("%zu\n", total);
    return 0;
}
