/* stack.c - see stack.h. */
#include "run/stack.h"

#include <errno.h>
#include <stdlib.h>

void tide_stack_follow(struct tide_stack *s, const struct tide_record *r)
{
    bool enters = r->kind == TIDE_CALL || r->kind == TIDE_C_CALL;
    bool leaves = r->kind == TIDE_RETURN || r->kind == TIDE_C_RETURN || r->kind == TIDE_C_EXCEPTION;
    if (!enters && !leaves) return;
    if (!s->thread) s->thread = r->thread;
    if (s->thread != r->thread) return;
    if (enters) {
        if (s->depth < TIDE_STACK_DEEPEST) s->names[s->depth] = r->name;
        s->depth++;
    } else if (s->depth)
        s->depth--;
}

uint32_t tide_stack_top(const struct tide_stack *s)
{
    uint32_t depth = s->depth < TIDE_STACK_DEEPEST ? s->depth : TIDE_STACK_DEEPEST;
    return depth ? s->names[depth - 1] : 0;
}

uint32_t tide_stack_name_at(const struct tide_stack *s, const struct tide_record *r)
{
    bool own = (r->kind >= TIDE_CALL && r->kind <= TIDE_C_EXCEPTION) || r->kind == TIDE_LINE;
    return own ? r->name : tide_stack_top(s);
}

void tide_stack_write(const struct tide_stack *s, struct tide_str *out)
{
    uint32_t depth = s->depth < TIDE_STACK_DEEPEST ? s->depth : TIDE_STACK_DEEPEST;
    tide_str_put(out, "[");
    for (uint32_t i = 0; i < depth; i++)
        tide_str_printf(out, "%s%u", i ? "," : "", s->names[i]);
    tide_str_put(out, "]");
}

void tide_stack_read(struct tide_stack *s, const char *text)
{
    *s = (struct tide_stack){0};
    if (!text || *text != '[') return;
    for (text++; *text && *text != ']' && s->depth < TIDE_STACK_DEEPEST;) {
        char *end = NULL;
        unsigned long name = strtoul(text, &end, 10);
        if (end == text) break;
        s->names[s->depth++] = (uint32_t)name;
        text = *end == ',' ? end + 1 : end;
    }
}
