/* advice.c - see advice.h. */
#include "build/advice.h"

#include "base/str.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    const char *said;   /* what the line has in it */
    const char *module; /* what is missing then */
} wants[] = {
    {"No module named 'setuptools", "setuptools"},
    {"No module named 'distutils", "setuptools"}, /* CPython 3.12 has none of its own */
    {"Cannot import 'setuptools", "setuptools"},
    {"invalid command 'bdist_wheel'", "wheel"},
    {"No module named 'wheel", "wheel"},
    {"No module named pip", "pip"},
    {"No module named 'pip", "pip"},
};

/* How it comes into this python: Debian's has packages, others have pip. */
static char *describe_way(const struct tide_python *python, const char *module)
{
    if (!strcmp(python->source, "debian"))
        return tide_format("`apt-get install python3-%s`", module);
    if (!strcmp(module, "pip")) return tide_format("`%s -m ensurepip`", python->program);
    return tide_format("`%s -m pip install %s`", python->program, module);
}

void tide_advice_add(const struct tide_python *python, struct tide_error *e)
{
    const char *module = NULL;
    for (size_t i = 0; e && !module && i < sizeof wants / sizeof *wants; i++)
        if (strstr(e->text, wants[i].said)) module = wants[i].module;
    if (!module) return;
    char *way = describe_way(python, module), *said = strdup(e->text);
    bool fetched = strcmp(module, "pip") != 0; /* pip itself cannot fetch pip */
    if (way && said)
        tide_fail(e, e->rc, "%.400s: CPython %s has no %s: %s%s, and retry what failed", said,
                  python->name, module, way,
                  fetched ? ", or let the recipe `pip` fetch it (\"isolation\": true, "
                            "\"network\": true)"
                          : "");
    free(way);
    free(said);
}
