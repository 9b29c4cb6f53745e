/* finish.c - what is done to a good answer on the thread that made it: a tag by which it is known
 * again (ETag, 304), and compression.
 *
 * A tag is weak: the same for the plain and the compressed form of an answer. */
#include "http/internal.h"

#include "base/hash.h"
#include "http/cache.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define SMALL 1024 /* bytes that are not worth compressing */

static const char *head(const struct tide_request *r, const char *name)
{
    return MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, name);
}

/* Whether the value of q behind a coding is 0, which forbids it. */
static bool is_forbidden(const char *at)
{
    while (*at == ' ')
        at++;
    if (*at++ != ';') return false;
    while (*at == ' ')
        at++;
    return !strncmp(at, "q=0", 3) &&
           !(at[3] == '.' && strspn(at + 4, "0") != strcspn(at + 4, ", "));
}

bool tide_finish_takes_gzip(const struct tide_request *r)
{
    const char *accepted = head(r, "Accept-Encoding");
    const char *at = accepted ? strstr(accepted, "gzip") : NULL;
    return at && !is_forbidden(at + 4);
}

bool tide_finish_is_known(const struct tide_request *r, const char *tag)
{
    const char *known = head(r, "If-None-Match");
    const char *opaque = strchr(tag, '"'); /* the weak comparison: without W/ */
    return known && opaque && (!strcmp(known, "*") || strstr(known, opaque));
}

static bool is_text(const char *type)
{
    return !strncmp(type, "application/json", 16) || !strncmp(type, "text/", 5) ||
           !strncmp(type, "application/openmetrics", 23) || !strncmp(type, "image/svg", 9);
}

/* Put the answer's gzip in its place; where that fails, or does not pay, it stays as it is. */
static void compress_answer(struct tide_request *r, int level)
{
    z_stream z = {0};
    if (deflateInit2(&z, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) return;
    size_t room = deflateBound(&z, r->answer.length);
    unsigned char *packed = malloc(room);
    z.next_in = (unsigned char *)r->answer.at;
    z.avail_in = (unsigned)r->answer.length;
    z.next_out = packed;
    z.avail_out = (unsigned)room;
    bool fine = packed && deflate(&z, Z_FINISH) == Z_STREAM_END && z.total_out < r->answer.length;
    if (fine) {
        size_t ceiling = r->answer.ceiling;
        tide_str_free(&r->answer);
        r->answer.ceiling = ceiling;
        tide_str_add(&r->answer, packed, z.total_out);
        r->gzip = true;
    }
    deflateEnd(&z);
    free(packed);
}

void tide_finish(struct tide_request *r)
{
    char hash[TIDE_HASH_TEXT];
    bool reads = !strcmp(r->method, "GET") || !strcmp(r->method, "HEAD");
    if (r->status != MHD_HTTP_OK || !reads || r->asset) return;
    tide_hash_text(r->answer.at ? r->answer.at : "", r->answer.length, hash);
    snprintf(r->tag, sizeof r->tag, "W/\"%s\"", hash);
    if (tide_finish_is_known(r, r->tag)) {
        r->status = MHD_HTTP_NOT_MODIFIED;
        tide_str_free(&r->answer);
        return;
    }
    if (r->answer.length > SMALL && is_text(r->type) && tide_finish_takes_gzip(r))
        compress_answer(r, r->settled ? Z_DEFAULT_COMPRESSION : Z_BEST_SPEED);
    if (r->settled) tide_cache_keep(r);
}
