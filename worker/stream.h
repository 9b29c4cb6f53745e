/* stream.h - the tide stream: the one byte format for events and samples of a run.
 *
 * The same bytes travel on the probe's stdout, lie in a .tide file and (chunk by chunk) in the
 * store. The format is described in docs/STREAM.md; this library is its only encoder and decoder.
 *
 *   stream  = magic chunk*            magic: 0x89 'T' 'I' 'D' 'E' '\r' '\n' VERSION
 *   chunk   = length check payload    u32 LE bytes of payload, u64 LE XXH3-64 of payload
 *   payload = record*                 varint-coded; every delta starts anew with the payload
 *
 * A payload decodes by itself, but for the names: a NAME record stands before the first use of its
 * id in the stream and is not repeated.
 *
 * Owns: nothing global. Threads: an object is used by one thread at a time.
 * Errors: functions return enum tide_stream_rc; nothing is logged. */
#ifndef TIDE_STREAM_H
#define TIDE_STREAM_H

#include <stddef.h>
#include <stdint.h>

#define TIDE_STREAM_VERSION   1
#define TIDE_STREAM_MAGIC_LEN 8
/* Ceilings; a stream that exceeds one is corrupt. */
#define TIDE_STREAM_PAYLOAD_MAX (1u << 20)
#define TIDE_STREAM_TEXT_MAX    (1u << 16)

enum tide_stream_rc {
    TIDE_STREAM_OK = 0,
    TIDE_STREAM_END,     /* no further record in this payload / no whole chunk yet: feed more */
    TIDE_STREAM_CORRUPT, /* checksum, length or record out of shape */
    TIDE_STREAM_NEWER,   /* written by a newer version of the format */
    TIDE_STREAM_FULL,    /* the record does not fit the chunk: finish the chunk first */
    TIDE_STREAM_NOMEM,
};

enum tide_kind {
    TIDE_META = 1, /* key, text (JSON): a fact about the run */
    TIDE_NAME,     /* name, name_kind, text, file, line: defines a name id */
    TIDE_SAMPLE,   /* t_ns, rss, anonymous, file_rss; peak and cpu_ns when they were read, else 0 */
    TIDE_CALL,     /* events: t_ns, thread, name, line, rss */
    TIDE_RETURN,
    TIDE_C_CALL,
    TIDE_C_RETURN, /* and peak where the function is of the module under test, else 0 */
    TIDE_C_EXCEPTION,
    TIDE_MARK,   /* an event, and value, cpu_ns; peak since the previous mark */
    TIDE_LINE,   /* an event: a line is about to be executed */
    TIDE_GC,     /* an event, and generation, value: objects collected, -1 where it starts */
    TIDE_THREAD, /* an event, and value: 1 the thread is seen first, 0 it has ended */
    TIDE_CHILD,  /* a sample of a child: t_ns, thread (its pid), rss; rss 0: it has ended */
    TIDE_TOTAL,  /* of one function over the run: t_ns, name, calls, gained, released, peak */
    TIDE_SMAPS,  /* at the mark before it: t_ns, name (the mark's), pss, uss, swap */
};

#define TIDE_KIND_LAST TIDE_SMAPS

enum tide_name_kind { TIDE_NAME_PYTHON = 1, TIDE_NAME_C, TIDE_NAME_MARK };

struct tide_text {
    const char *at; /* UTF-8 without NUL, not terminated; borrowed (from the payload, or from the
                     * caller of encode) */
    uint32_t length;
};

/* One record, decoded. Fields that its kind does not name are 0. */
struct tide_record {
    enum tide_kind kind;
    enum tide_name_kind name_kind;
    uint32_t thread;       /* kernel thread id; CHILD: process id */
    uint32_t name;         /* id of a name, 0 for none */
    uint32_t line;         /* events: line being executed in the Python frame; NAME: first line */
    uint32_t generation;   /* GC */
    int64_t value;         /* MARK, GC, THREAD */
    uint64_t t_ns;         /* CLOCK_MONOTONIC */
    uint64_t rss;          /* bytes */
    uint64_t anonymous;    /* bytes */
    uint64_t file_rss;     /* bytes, file and shared memory */
    uint64_t peak;         /* bytes, 0 when it was not read */
    uint64_t cpu_ns;       /* MARK, SAMPLE with peak: CPU time of the process */
    uint64_t calls;        /* TOTAL: 0 where the recording does not see calls */
    uint64_t gained;       /* TOTAL: bytes by which RSS rose while the function itself ran */
    uint64_t released;     /* TOTAL: bytes by which RSS fell meanwhile */
    uint64_t pss, uss;     /* SMAPS: bytes */
    uint64_t swap;         /* SMAPS: bytes */
    struct tide_text key;  /* META */
    struct tide_text text; /* META: JSON; NAME: qualified name (C: module.name) */
    struct tide_text file; /* NAME: source file, empty for C functions and marks */
};

/* ---- encoding ---- */

struct tide_encoder; /* one chunk in the making */

/* A new encoder with an empty chunk; NULL when memory ends. */
struct tide_encoder *tide_encoder_new(void);
void tide_encoder_free(struct tide_encoder *e);

/* The bytes that open every stream. */
void tide_stream_magic(uint8_t out[TIDE_STREAM_MAGIC_LEN]);

/* Append a record to the chunk. FULL: nothing was appended; finish the chunk and try again.
 * CORRUPT: the record breaks a ceiling of the format. */
enum tide_stream_rc tide_encoder_add(struct tide_encoder *e, const struct tide_record *r);

/* Bytes of payload gathered so far. */
size_t tide_encoder_size(const struct tide_encoder *e);

/* Close the chunk: *at points to its bytes (header and payload; borrowed, valid until the next
 * add), the return is their number, 0 when the chunk is empty. The encoder is empty afterwards. */
size_t tide_encoder_finish(struct tide_encoder *e, const uint8_t **at);

/* ---- decoding: frames ---- */

struct tide_frames; /* cuts a byte stream into checked payloads */

struct tide_frames *tide_frames_new(void);
void tide_frames_free(struct tide_frames *f);

/* Hand over the next n bytes as they came; they are copied.
 * FULL: nothing was taken, since more than 8 MiB would wait: take payloads out first. */
enum tide_stream_rc tide_frames_feed(struct tide_frames *f, const void *at, size_t n);

/* The next whole payload: *at is borrowed and valid until the next call on f.
 * END: feed more. CORRUPT and NEWER are final. */
enum tide_stream_rc tide_frames_next(struct tide_frames *f, const uint8_t **at, size_t *n);

/* Bytes fed and not yet returned as a payload: not 0 at the end of input means that the stream was
 * cut. */
size_t tide_frames_pending(const struct tide_frames *f);

/* ---- decoding: records ---- */

struct tide_cursor {
    const uint8_t *at, *end;
    uint64_t t_ns, rss, anonymous, file_rss, cpu_ns;
    uint32_t thread, line;
};

void tide_cursor_start(struct tide_cursor *c, const uint8_t *payload, size_t n);

/* The next record into *r (its texts are borrowed from the payload). END after the last one. */
enum tide_stream_rc tide_cursor_next(struct tide_cursor *c, struct tide_record *r);

/* "C_CALL" and so on; "?" for a value that is no kind. Static. */
const char *tide_kind_name(enum tide_kind k);

#endif
