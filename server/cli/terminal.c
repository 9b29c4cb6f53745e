/* terminal.c - see terminal.h. */
#include "cli/terminal.h"

#include <ctype.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define WIDTH_LEAST 60
#define WIDTH_MOST  120
#define WIDTH_ELSE  80

bool tide_terminal_colour(FILE *to)
{
    const char *none = getenv("NO_COLOR"), *term = getenv("TERM");
    return isatty(fileno(to)) && !(none && *none) && !(term && !strcmp(term, "dumb"));
}

static int columns_of(FILE *to)
{
    struct winsize size;
    if (ioctl(fileno(to), TIOCGWINSZ, &size) || !size.ws_col) return 0;
    return size.ws_col;
}

int tide_terminal_width(FILE *to)
{
    int columns = columns_of(to);
    if (!columns) return WIDTH_ELSE;
    return columns < WIDTH_LEAST ? WIDTH_LEAST : columns > WIDTH_MOST ? WIDTH_MOST : columns;
}

const char *tide_hue_on(FILE *to, enum tide_hue hue)
{
    static const char *const codes[] = {
        [TIDE_PLAIN] = "",        [TIDE_BOLD] = "\033[1m",   [TIDE_DIM] = "\033[2m",
        [TIDE_RED] = "\033[31m",  [TIDE_GREEN] = "\033[32m", [TIDE_YELLOW] = "\033[33m",
        [TIDE_BLUE] = "\033[34m",
    };
    return tide_terminal_colour(to) ? codes[hue] : "";
}

const char *tide_hue_off(FILE *to, enum tide_hue hue)
{
    return hue != TIDE_PLAIN && tide_terminal_colour(to) ? "\033[0m" : "";
}

static void begin_line(FILE *to, int indent, int *at)
{
    fprintf(to, "\n%*s", indent, "");
    *at = indent;
}

void tide_terminal_wrap(FILE *to, const char *text, int indent, int at, int width)
{
    bool fresh = true; /* no word stands on the line yet */
    if (at < indent) fprintf(to, "%*s", indent - at, "");
    if (at < indent) at = indent;
    while (*text) {
        size_t n = strcspn(text, " \n");
        if (!fresh && at + 1 + (int)n > width) {
            begin_line(to, indent, &at);
            fresh = true;
        }
        if (n) at += fprintf(to, "%s%.*s", fresh ? "" : " ", (int)n, text);
        fresh = fresh && !n;
        text += n;
        if (*text == '\n') {
            begin_line(to, text[1] == '\n' ? 0 : indent, &at);
            fresh = true;
        }
        text += *text != '\0';
    }
    fputc('\n', to);
}

char *tide_terminal_clean(const char *text)
{
    char *clean = strdup(text);
    for (char *c = clean; c && *c; c++)
        if (iscntrl((unsigned char)*c)) *c = '?';
    return clean;
}

void tide_print_json(const json_t *value)
{
    json_dumpf(value, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY);
    putchar('\n');
}

/* ---- words for figures ---- */

const char *tide_size_text(int64_t bytes, char out[24])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    double value = (double)bytes;
    size_t unit = 0;
    while ((value >= 1024 || value <= -1024) && unit + 1 < sizeof units / sizeof *units) {
        value /= 1024;
        unit++;
    }
    snprintf(out, 24, "%.*f %s", unit ? 1 : 0, value, units[unit]);
    return out;
}

const char *tide_time_text(int64_t ns, char out[24])
{
    double seconds = (double)ns / 1e9;
    if (seconds < 1)
        snprintf(out, 24, "%.0f ms", seconds * 1e3);
    else if (seconds < 120)
        snprintf(out, 24, "%.1f s", seconds);
    else if (seconds < 7200)
        snprintf(out, 24, "%.0f min", seconds / 60);
    else
        snprintf(out, 24, "%.1f h", seconds / 3600);
    return out;
}

const char *tide_instant_text(int64_t unix_ns, char out[24])
{
    time_t seconds = (time_t)(unix_ns / 1000000000);
    struct tm parts;
    if (!unix_ns || !localtime_r(&seconds, &parts) || !strftime(out, 24, "%Y-%m-%d %H:%M", &parts))
        snprintf(out, 24, "-");
    return out;
}

long long tide_json_number(const json_t *object, const char *key)
{
    return (long long)json_integer_value(json_object_get(object, key));
}

const char *tide_json_text(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));
    return value ? value : "";
}

/* ---- tables ---- */

/* Columns that UTF-8 text takes, one a character. */
static int width_of(const char *text)
{
    int width = 0;
    for (; *text; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

/* Bytes of the first `columns` characters. */
static int bytes_of(const char *text, int columns)
{
    const char *at = text;
    while (*at && (columns > 0 || ((unsigned char)*at & 0xc0) == 0x80)) {
        at++;
        if (((unsigned char)*at & 0xc0) != 0x80) columns--;
    }
    return (int)(at - text);
}

/* Take the cell over. */
static void add_cell(struct tide_table *t, enum tide_hue hue, char *text)
{
    if (t->n == t->room) {
        size_t room = t->room ? 2 * t->room : 64;
        char **cells = realloc(t->cells, room * sizeof *cells);
        if (cells) t->cells = cells;
        enum tide_hue *hues = cells ? realloc(t->hues, room * sizeof *hues) : NULL;
        if (hues) t->hues = hues;
        if (hues) t->room = room;
    }
    if (!text || t->n == t->room) {
        free(text);
        t->failed = true;
        return;
    }
    t->cells[t->n] = text;
    t->hues[t->n++] = hue;
}

void tide_table_begin(struct tide_table *t, const char *heading)
{
    *t = (struct tide_table){0};
    for (const char *at = heading;;) {
        if (*at == '>') t->right |= 1u << t->columns;
        at += *at == '>';
        size_t n = strcspn(at, "|");
        t->columns++;
        add_cell(t, TIDE_BOLD, strndup(at, n));
        if (!at[n]) return;
        at += n + 1;
    }
}

void tide_table_put(struct tide_table *t, enum tide_hue hue, const char *format, ...)
{
    char *text = NULL;
    va_list values;
    va_start(values, format);
    if (vasprintf(&text, format, values) < 0) text = NULL;
    va_end(values);
    char *clean = text ? tide_terminal_clean(text) : NULL;
    free(text);
    add_cell(t, hue, clean);
}

/* `left`: columns that the terminal has from here on; returns what is left then. */
static int print_cell(const struct tide_table *t, size_t i, int width, int left)
{
    const char *text = t->cells[i];
    size_t column = i % t->columns;
    bool last = column + 1 == t->columns, right = t->right & (1u << column);
    int own = width_of(text), pad = width > own ? width - own : 0;
    int before = right ? pad : 0, after = right || last ? 0 : pad;
    if (before > left) before = left;
    if (own > left - before) own = left - before;
    if (after > left - before - own) after = left - before - own;
    left -= before + own + after;
    printf("%*s%s%.*s%s%*s%s", before, "", tide_hue_on(stdout, t->hues[i]), bytes_of(text, own),
           text, tide_hue_off(stdout, t->hues[i]), after, "",
           last       ? "\n"
           : left > 2 ? "  "
                      : "");
    return last ? left : left > 2 ? left - 2 : 0;
}

static void print_table(const struct tide_table *t)
{
    int widths[TIDE_COLUMNS_MAX] = {0};
    int columns = columns_of(stdout), left = 0;
    for (size_t i = 0; i < t->n; i++) {
        int width = width_of(t->cells[i]);
        if (width > widths[i % t->columns]) widths[i % t->columns] = width;
    }
    for (size_t i = 0; i < t->n; i++) {
        if (i % t->columns == 0) left = columns ? columns : INT_MAX;
        left = print_cell(t, i, widths[i % t->columns], left);
    }
}

void tide_table_drop(struct tide_table *t)
{
    for (size_t i = 0; i < t->n; i++)
        free(t->cells[i]);
    free(t->cells);
    free(t->hues);
    *t = (struct tide_table){0};
}

void tide_table_end(struct tide_table *t)
{
    if (t->failed)
        fputs("tidemark: memory ended\n", stderr);
    else
        print_table(t);
    tide_table_drop(t);
}
