/* error.h - how a fallible call reports.
 *
 * Every fallible function returns enum tide_rc and fills a struct tide_error (when it is given one)
 * with a sentence that says what was being done and what was wrong. Libraries report by returning;
 * only a program's outermost layer prints or logs.
 * A tide_error owns nothing and needs no clean-up. */
#ifndef TIDE_ERROR_H
#define TIDE_ERROR_H

#define TIDE_CHECK __attribute__((warn_unused_result))

enum tide_rc {
    TIDE_OK = 0,
    TIDE_NOMEM,    /* memory ended */
    TIDE_IO,       /* the operating system refused; text has strerror */
    TIDE_INVALID,  /* the caller asked for what is not allowed; field names what */
    TIDE_ABSENT,   /* no such thing */
    TIDE_CORRUPT,  /* stored or received bytes are out of shape */
    TIDE_NEWER,    /* written by a newer Tidemark */
    TIDE_FAILED,   /* a program that was run, or the thing under test, failed */
    TIDE_BUSY,     /* a limit is reached; trying again later may succeed */
    TIDE_STOPPED,  /* the daemon is stopping */
    TIDE_CONFLICT, /* what is asked for does not go with the state of the thing */
};

struct tide_error {
    enum tide_rc rc;
    char field[64];  /* INVALID: the request's field, like "params.count"; else empty */
    char text[1024]; /* one sentence without a final newline */
};

/* Fill *e (may be NULL) and return rc. The format is printf's. */
enum tide_rc tide_fail(struct tide_error *e, enum tide_rc rc, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same with the name of the request's field that is wrong; rc is TIDE_INVALID. */
enum tide_rc tide_fail_field(struct tide_error *e, const char *field, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same for a failed system call: appends ": " and strerror(errno); rc is TIDE_IO. */
enum tide_rc tide_fail_errno(struct tide_error *e, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#ifdef __clang_analyzer__ /* it reads a file alone, and would follow failures that return TIDE_OK \
                           */
static inline enum tide_rc tide_failed_as(enum tide_rc returned, enum tide_rc rc)
{
    (void)returned;
    return rc;
}
#    define tide_fail(e, rc, ...) tide_failed_as(tide_fail(e, rc, __VA_ARGS__), rc)
#    define tide_fail_field(e, field, ...) \
        tide_failed_as(tide_fail_field(e, field, __VA_ARGS__), TIDE_INVALID)
#    define tide_fail_errno(e, ...) tide_failed_as(tide_fail_errno(e, __VA_ARGS__), TIDE_IO)
#endif

#endif
