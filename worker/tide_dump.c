/* tide_dump.c - tidemark-dump: a tide stream as text, one JSON object a line.
 *
 * For tests and for people who look at a stream. The last line tells how the stream ended:
 * {"kind":"END","status":"whole"}, or "cut" (with the bytes that are left over), "corrupt",
 * "newer". */
#include "stream.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Texts are UTF-8 by contract, so only what JSON itself forbids is escaped (RFC 8259, section 7).
 */
static void print_text(const char *key, struct tide_text t)
{
    printf(",\"%s\":\"", key);
    for (uint32_t i = 0; i < t.length; i++) {
        unsigned char c = (unsigned char)t.at[i];
        if (c == '"' || c == '\\')
            printf("\\%c", c);
        else if (c < 0x20)
            printf("\\u%04x", c);
        else
            putchar(c);
    }
    putchar('"');
}

static void print_number(const char *key, uint64_t value)
{
    printf(",\"%s\":%" PRIu64, key, value);
}

static void print_event(const struct tide_record *r)
{
    print_number("thread", r->thread);
    print_number("name", r->name);
    print_number("line", r->line);
    if (r->kind == TIDE_MARK) print_number("cpu_ns", r->cpu_ns);
    if (r->kind == TIDE_GC) print_number("generation", r->generation);
    if (r->kind == TIDE_MARK || r->kind == TIDE_GC || r->kind == TIDE_THREAD)
        printf(",\"value\":%" PRId64, r->value);
}

/* CHILD, TOTAL and SMAPS. */
static void print_plain(const struct tide_record *r)
{
    print_number("t_ns", r->t_ns);
    if (r->kind == TIDE_CHILD) {
        print_number("pid", r->thread);
        print_number("rss", r->rss);
        return;
    }
    print_number("name", r->name);
    if (r->kind == TIDE_TOTAL) {
        print_number("calls", r->calls);
        print_number("gained", r->gained);
        print_number("released", r->released);
        print_number("peak", r->peak);
    } else {
        print_number("pss", r->pss);
        print_number("uss", r->uss);
        print_number("swap", r->swap);
    }
}

static void print_record(const struct tide_record *r)
{
    printf("{\"kind\":\"%s\"", tide_kind_name(r->kind));
    if (r->kind == TIDE_META) {
        print_text("key", r->key);
        print_text("text", r->text);
    } else if (r->kind == TIDE_NAME) {
        print_number("name", r->name);
        print_number("name_kind", r->name_kind);
        print_number("line", r->line);
        print_text("text", r->text);
        print_text("file", r->file);
    } else if (r->kind >= TIDE_CHILD) {
        print_plain(r);
    } else {
        print_number("t_ns", r->t_ns);
        print_number("rss", r->rss);
        print_number("peak", r->peak);
        if (r->kind == TIDE_SAMPLE) {
            print_number("anonymous", r->anonymous);
            print_number("file_rss", r->file_rss);
            if (r->peak) print_number("cpu_ns", r->cpu_ns);
        } else {
            print_event(r);
        }
    }
    puts("}");
}

/* Print what has been fed; END when more bytes are wanted. */
static enum tide_stream_rc print_payloads(struct tide_frames *f)
{
    enum tide_stream_rc rc;
    const uint8_t *payload;
    size_t n;

    while ((rc = tide_frames_next(f, &payload, &n)) == TIDE_STREAM_OK) {
        struct tide_cursor c;
        struct tide_record r;

        tide_cursor_start(&c, payload, n);
        while ((rc = tide_cursor_next(&c, &r)) == TIDE_STREAM_OK)
            print_record(&r);
        if (rc != TIDE_STREAM_END) return rc;
    }
    return rc;
}

static enum tide_stream_rc dump(FILE *in, struct tide_frames *f)
{
    static uint8_t block[1 << 16];
    enum tide_stream_rc rc = TIDE_STREAM_END;
    size_t n;

    while (rc == TIDE_STREAM_END && (n = fread(block, 1, sizeof block, in)) > 0) {
        rc = tide_frames_feed(f, block, n);
        if (rc == TIDE_STREAM_OK) rc = print_payloads(f);
    }
    return rc;
}

static int report(enum tide_stream_rc rc, size_t pending)
{
    const char *status = rc == TIDE_STREAM_NEWER ? "newer"
                         : rc != TIDE_STREAM_END ? "corrupt"
                         : pending               ? "cut"
                                                 : "whole";

    printf("{\"kind\":\"END\",\"status\":\"%s\",\"pending\":%zu}\n", status, pending);
    return strcmp(status, "whole") == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    struct tide_frames *f;
    FILE *in;
    int rc;

    if (argc != 2 || strcmp(argv[1], "--help") == 0) {
        fputs("Usage: tidemark-dump FILE|-\nPrint a tide stream, one JSON object a line.\n",
              stderr);
        return argc == 2 ? EXIT_SUCCESS : 2;
    }
    in = strcmp(argv[1], "-") == 0 ? stdin : fopen(argv[1], "rbe");
    if (!in) {
        fprintf(stderr, "tidemark-dump: cannot read %s: %s\n", argv[1], strerror(errno));
        return EXIT_FAILURE;
    }
    f = tide_frames_new();
    if (!f) {
        fputs("tidemark-dump: out of memory\n", stderr);
        fclose(in);
        return EXIT_FAILURE;
    }
    enum tide_stream_rc end = dump(in, f);
    rc = report(end, tide_frames_pending(f));
    tide_frames_free(f);
    fclose(in);
    return rc;
}
