/* config_line.c - see config_line.h. */
#include "config_line.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const char *skip_blanks(const char *at)
{
    while (isspace((unsigned char)*at))
        at++;
    return at;
}

/* Behind the string that begins here. */
static const char *skip_string(const char *at)
{
    for (at++; *at && *at != '"'; at++)
        if (*at == '\\' && at[1]) at++;
    return *at ? at + 1 : at;
}

/* Behind the value that begins here. */
static const char *skip_value(const char *at)
{
    int depth = 0;
    do {
        if (*at == '"') {
            at = skip_string(at);
            continue;
        }
        depth += *at == '{' || *at == '[';
        depth -= *at == '}' || *at == ']';
        if (!depth && (*at == '}' || *at == ']')) return at + 1;
        at++;
    } while (*at && (depth || !strchr(",}] \t\r\n", *at)));
    return at;
}

/* The value of the member with this name of the object that begins here; NULL when there is none.
 * `*key` is where its name stands. */
static const char *find_member(const char *at, const char *name, size_t n, const char **key)
{
    if (*at != '{') return NULL;
    for (at = skip_blanks(at + 1); *at == '"'; at = skip_blanks(at)) {
        const char *end = skip_string(at);
        bool found = (size_t)(end - at) == n + 2 && !strncmp(at + 1, name, n);
        *key = at;
        at = skip_blanks(end);
        at = skip_blanks(*at == ':' ? at + 1 : at);
        if (found) return at;
        at = skip_blanks(skip_value(at));
        if (*at == ',') at++;
    }
    return NULL;
}

static const char *find_element(const char *at, long i)
{
    if (*at != '[') return NULL;
    for (at = skip_blanks(at + 1); *at && *at != ']' && i; i--) {
        at = skip_blanks(skip_value(at));
        at = skip_blanks(*at == ',' ? at + 1 : at);
    }
    return *at && *at != ']' ? at : NULL;
}

static int line_of(const char *text, const char *at)
{
    int line = 1;
    for (; text < at; text++)
        line += *text == '\n';
    return line;
}

int tide_config_line(const char *text, const char *subject)
{
    const char *at = skip_blanks(text), *shown = at;
    while (at && *subject) {
        if (*subject == '[') {
            char *end = NULL;
            at = find_element(at, strtol(subject + 1, &end, 10));
            subject = *end == ']' ? end + 1 : "";
            if (at) shown = at;
            continue;
        }
        bool quoted = *subject == '"';
        subject += quoted || *subject == '.';
        size_t n = strspn(subject, "abcdefghijklmnopqrstuvwxyz_0123456789");
        if (quoted) n = strcspn(subject, "\"");
        if (!n) break;
        const char *key = shown;
        at = find_member(at, subject, n, &key);
        if (at) shown = key;
        subject += n + quoted;
        if (*subject != '[' && *subject != '.') break;
    }
    return line_of(text, shown);
}
