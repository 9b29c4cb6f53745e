/* utf8.c - see utf8.h. */
#include "base/utf8.h"

#include "base/str.h"

size_t tide_utf8_measure(const char *at)
{
    const unsigned char *p = (const unsigned char *)at;
    if (p[0] < 0x80) return 1;
    size_t n = p[0] >= 0xc2 && p[0] <= 0xdf   ? 2
               : p[0] >= 0xe0 && p[0] <= 0xef ? 3
               : p[0] >= 0xf0 && p[0] <= 0xf4 ? 4
                                              : 0;
    for (size_t i = 1; i < n; i++)
        if ((p[i] & 0xc0) != 0x80) return 0; /* the terminator stops it too */
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
        (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
        return 0;
    return n;
}

char *tide_utf8_copy(const char *text)
{
    struct tide_str s = {0};
    while (*text) {
        size_t n = tide_utf8_measure(text);
        if (n)
            tide_str_add(&s, text, n);
        else
            tide_str_put(&s, "\xef\xbf\xbd");
        text += n ? n : 1;
    }
    return tide_str_take(&s);
}
