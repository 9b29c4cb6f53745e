/* stack.h - which functions are active at an instant of a run, followed event by event, for the
 * thread that the first event came from. Deeper calls than TIDE_STACK_DEEPEST are counted, not
 * named. */
#ifndef TIDE_RUN_STACK_H
#define TIDE_RUN_STACK_H

#include "base/str.h"

#include <stdint.h>
#include <stream.h>

#define TIDE_STACK_DEEPEST 256

struct tide_stack {
    uint32_t names[TIDE_STACK_DEEPEST];
    uint32_t depth;
    uint32_t thread;
};

/* True for what is an event or a sample of the process itself: an instant with an RSS. */
static inline bool tide_is_timed(const struct tide_record *r)
{
    return r->kind >= TIDE_SAMPLE && r->kind <= TIDE_THREAD;
}

/* Follow one record; others than calls and returns change nothing. */
void tide_stack_follow(struct tide_stack *s, const struct tide_record *r);

/* The innermost active function, 0 for none. */
uint32_t tide_stack_top(const struct tide_stack *s);

/* The function to name at a record's instant: its own on calls and returns, else the innermost. */
uint32_t tide_stack_name_at(const struct tide_stack *s, const struct tide_record *r);

/* As JSON, [outermost, ..., innermost], and back. What does not parse leaves an empty stack. */
void tide_stack_write(const struct tide_stack *s, struct tide_str *out);
void tide_stack_read(struct tide_stack *s, const char *text);

#endif
