/* terminal.h - what is printed for people: colours on a terminal, wrapped text, tables, JSON. */
#ifndef TIDE_TERMINAL_H
#define TIDE_TERMINAL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum tide_hue { TIDE_PLAIN, TIDE_BOLD, TIDE_DIM, TIDE_RED, TIDE_GREEN, TIDE_YELLOW, TIDE_BLUE };

/* Whether `to` is a terminal that shows colours: NO_COLOR (https://no-color.org) and TERM=dumb say
 * no. */
bool tide_terminal_colour(FILE *to);
/* Columns of the terminal, 60 to 120; 80 where there is none. */
int tide_terminal_width(FILE *to);

/* What begins and ends text of this hue on `to`; "" where it shows none. */
const char *tide_hue_on(FILE *to, enum tide_hue hue);
const char *tide_hue_off(FILE *to, enum tide_hue hue);

/* Print the text wrapped to `width`, each line indented; the cursor stands at column `at`. Ends
 * with a newline; an empty line in the text stays one. */
void tide_terminal_wrap(FILE *to, const char *text, int indent, int at, int width);

/* What a control character of foreign text (a commit's subject) would do to a terminal is not done:
 * the text with '?' in its place, in new memory; NULL when memory ends. */
char *tide_terminal_clean(const char *text);

void tide_print_json(const json_t *value); /* to standard output, indented */

/* "12.3 MiB" / "1.2 s" / "2026-11-25 22:10", local time; in `out`, which is returned. */
const char *tide_size_text(int64_t bytes, char out[24]);
const char *tide_time_text(int64_t ns, char out[24]);
const char *tide_instant_text(int64_t unix_ns, char out[24]);

/* Members of JSON objects, with what stands for an absent one. */
long long tide_json_number(const json_t *object, const char *key); /* 0 */
const char *tide_json_text(const json_t *object, const char *key); /* "" */

/* ---- tables: columns as wide as what stands in them ---- */

#define TIDE_COLUMNS_MAX 12

struct tide_table {
    char **cells; /* row by row, the first row is the heading */
    enum tide_hue *hues;
    size_t n, room, columns;
    unsigned right; /* bit i: column i is aligned to the right */
    bool failed;    /* memory ended */
};

/* Begin a table whose heading has the words of `heading` between '|', those that begin with '>'
 * being aligned to the right: "ID|STATUS|>RUNS". */
void tide_table_begin(struct tide_table *t, const char *heading);
/* Append a cell, made by printf; control characters become '?'. */
void tide_table_put(struct tide_table *t, enum tide_hue hue, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Print it on standard output and free it. On a terminal lines are cut where it ends. */
void tide_table_end(struct tide_table *t);
/* Free it unprinted. */
void tide_table_drop(struct tide_table *t);

#endif
