/* json.c - see json.h. */
#include "base/json.h"

#include "base/utf8.h"

#include <math.h>
#include <stdio.h>

#define DIGITS 21 /* of 64 bits with a sign */

static void put_digits(struct tide_str *out, uint64_t value, bool negative)
{
    char text[DIGITS], *at = text + sizeof text;
    do
        *--at = (char)('0' + value % 10);
    while (value /= 10);
    if (negative) *--at = '-';
    tide_str_add(out, at, (size_t)(text + sizeof text - at));
}

void tide_json_put_integer(struct tide_str *out, int64_t value)
{
    put_digits(out, value < 0 ? 0 - (uint64_t)value : (uint64_t)value, value < 0);
}

void tide_json_put_size(struct tide_str *out, uint64_t value)
{
    put_digits(out, value, false);
}

void tide_json_put_number(struct tide_str *out, double value)
{
    char text[40];
    if (isnan(value)) {
        tide_str_add(out, "null", 4);
        return;
    }
    if (value > -1e15 && value < 1e15 && value == (double)(int64_t)value) {
        tide_json_put_integer(out, (int64_t)value);
        return;
    }
    int n = snprintf(text, sizeof text, "%.15g", value);
    tide_str_add(out, text, (size_t)n);
}

/* Bytes of the text from `at` that stand for themselves; 0: there is none, or it is not UTF-8. */
static size_t measure_plain(const char *at)
{
    size_t n = 0, more;
    while ((unsigned char)at[n] >= 0x20 && at[n] != '"' && at[n] != '\\' &&
           (more = tide_utf8_measure(at + n)))
        n += more;
    return n;
}

void tide_json_put_text(struct tide_str *out, const char *text)
{
    size_t before = out->length;
    tide_str_add(out, "\"", 1);
    while (text && *text) {
        size_t n = measure_plain(text);
        tide_str_add(out, text, n);
        text += n;
        if (*text == '"' || *text == '\\')
            tide_str_printf(out, "\\%c", *text++);
        else if (*text && (unsigned char)*text < 0x20)
            tide_str_printf(out, "\\u%04x", (unsigned)(unsigned char)*text++);
        else if (*text)
            text = NULL;
    }
    if (!text && out->at) {
        out->length = before;
        tide_str_put(out, "null");
    } else
        tide_str_add(out, "\"", 1);
}
