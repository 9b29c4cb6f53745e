/* gate_report.c - see gate_report.h. */
#include "cli/gate_report.h"

#include "cli/compare_sides.h"
#include "cli/terminal.h"

#include <stdlib.h>
#include <string.h>

static bool is_outcome(const json_t *cell, const char *outcome)
{
    return !strcmp(tide_json_text(cell, "outcome"), outcome);
}

static const char *name_of_python(const json_t *cell)
{
    return tide_json_text(cell, "python");
}

/* The first line of all: what it came to, in words. */
static void describe(const json_t *report, char *out, size_t room)
{
    const json_t *summary = json_object_get(report, "summary");
    const char *verdict = tide_json_text(report, "verdict");
    const char *words = !strcmp(verdict, "pass")           ? "passes"
                        : !strcmp(verdict, "fail")         ? "fails"
                        : !strcmp(verdict, "inconclusive") ? "is not decided"
                                                           : "could not be measured";
    snprintf(out, room,
             "%s %s: %lld worse by %s or more, %lld accepted, %lld within that, %lld better, %lld "
             "same, %lld inconclusive, %lld missing",
             tide_json_text(report, "metric"), words, tide_json_number(summary, "worse"),
             tide_json_text(report, "worse_than"), tide_json_number(summary, "accepted"),
             tide_json_number(summary, "within"), tide_json_number(summary, "better"),
             tide_json_number(summary, "same"), tide_json_number(summary, "inconclusive"),
             tide_json_number(summary, "missing"));
}

/* Why a cell's outcome is what it is, beyond its figures. */
static const char *reason_of(const json_t *cell)
{
    return is_outcome(cell, "accepted") ? tide_json_text(cell, "accepted")
                                        : tide_json_text(cell, "why");
}

/* ---- terminal ---- */

static enum tide_hue hue_of(const json_t *cell)
{
    if (is_outcome(cell, "worse")) return TIDE_RED;
    if (is_outcome(cell, "inconclusive")) return TIDE_YELLOW;
    return is_outcome(cell, "better") ? TIDE_GREEN : TIDE_PLAIN;
}

static void print_table(const json_t *report)
{
    struct tide_table t;
    size_t i;
    json_t *cell;
    tide_table_begin(&t, "OUTCOME|SCENARIO|PYTHON|>BASE|>HEAD|>EFFECT|95 % INTERVAL");
    json_array_foreach(json_object_get(report, "cells"), i, cell)
    {
        struct tide_compare_row r;
        tide_compare_row(report, cell, &r);
        tide_table_put(&t, hue_of(cell), "%s", tide_json_text(cell, "outcome"));
        tide_table_put(&t, TIDE_PLAIN, "%s", r.scenario);
        tide_table_put(&t, TIDE_PLAIN, "%s", name_of_python(cell));
        tide_table_put(&t, TIDE_PLAIN, "%s", r.base);
        tide_table_put(&t, TIDE_PLAIN, "%s", r.head);
        tide_table_put(&t, hue_of(cell), "%s", r.effect);
        tide_table_put(&t, TIDE_DIM, "%s", r.interval);
    }
    tide_table_end(&t);
}

void tide_gate_print(const json_t *report)
{
    char line[400];
    size_t i;
    json_t *one;
    if (json_array_size(json_object_get(report, "cells"))) print_table(report);
    json_array_foreach(json_object_get(report, "cells"), i, one)
    {
        if (is_outcome(one, "worse") || is_outcome(one, "inconclusive") ||
            is_outcome(one, "accepted"))
            printf("%s on %s is %s: %s\n", tide_json_text(one, "scenario"), name_of_python(one),
                   tide_json_text(one, "outcome"), reason_of(one));
    }
    json_array_foreach(json_object_get(report, "missing"), i, one)
    {
        printf("%s on %s is missing at %s: %s\n", tide_json_text(one, "scenario"),
               name_of_python(one), tide_json_text(one, "side"), tide_json_text(one, "why"));
    }
    describe(report, line, sizeof line);
    puts(line);
}

/* ---- Markdown ---- */

/* Text within a table's cell: a bar would end it. */
static void put_cell(struct tide_str *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '|') tide_str_put(out, "\\");
        tide_str_add(out, *text == '\n' ? " " : text, 1);
    }
}

static void put_markdown_row(const json_t *report, const json_t *cell, struct tide_str *out)
{
    struct tide_compare_row r;
    bool loud = is_outcome(cell, "worse") || is_outcome(cell, "inconclusive");
    tide_compare_row(report, cell, &r);
    tide_str_printf(out, "| %s%s%s | `", loud ? "**" : "", tide_json_text(cell, "outcome"),
                    loud ? "**" : "");
    put_cell(out, r.scenario);
    tide_str_printf(out, "` | %s | %s | %s | %s | %s |\n", name_of_python(cell), r.base, r.head,
                    r.effect, r.interval);
}

void tide_gate_markdown(const json_t *report, struct tide_str *out)
{
    char line[400];
    const json_t *head = json_object_get(report, "head");
    const json_t *parted = json_object_get(report, "merge_base");
    size_t i;
    json_t *one;
    describe(report, line, sizeof line);
    tide_str_printf(out, "### Tidemark: %s\n\n%.12s against %.12s, where it left %s.\n",
                    tide_json_text(report, "verdict"), tide_json_text(head, "sha"),
                    tide_json_text(parted, "sha"), tide_json_text(report, "base"));
    tide_str_printf(out, "%s.\n", line);
    if (json_array_size(json_object_get(report, "cells")))
        tide_str_put(out, "\n| outcome | scenario | Python | base | head | effect | 95 % interval "
                          "|\n| --- | --- | --- | ---: | ---: | ---: | --- |\n");
    json_array_foreach(json_object_get(report, "cells"), i, one)
    {
        put_markdown_row(report, one, out);
    }
    tide_str_put(out, "\n");
    json_array_foreach(json_object_get(report, "cells"), i, one)
    {
        if (!is_outcome(one, "worse") && !is_outcome(one, "inconclusive") &&
            !is_outcome(one, "accepted"))
            continue;
        tide_str_printf(out, "- `%s` on %s is %s: %s\n", tide_json_text(one, "scenario"),
                        name_of_python(one), tide_json_text(one, "outcome"), reason_of(one));
    }
    json_array_foreach(json_object_get(report, "missing"), i, one)
    {
        tide_str_printf(out, "- `%s` on %s is missing at %s: %s\n", tide_json_text(one, "scenario"),
                        name_of_python(one), tide_json_text(one, "side"),
                        tide_json_text(one, "why"));
    }
}

/* ---- JUnit XML ---- */

/* Text of XML 1.0: markup escaped, what it cannot hold left out. */
static void put_xml(struct tide_str *out, const char *text)
{
    for (; *text; text++)
        switch (*text) {
        case '&': tide_str_put(out, "&amp;"); break;
        case '<': tide_str_put(out, "&lt;"); break;
        case '>': tide_str_put(out, "&gt;"); break;
        case '"': tide_str_put(out, "&quot;"); break;
        case '\n': tide_str_put(out, "&#10;"); break;
        default:
            if ((unsigned char)*text >= ' ' || *text == '\t') tide_str_add(out, text, 1);
        }
}

static void put_attribute(struct tide_str *out, const char *name, const char *value)
{
    tide_str_printf(out, " %s=\"", name);
    put_xml(out, value);
    tide_str_put(out, "\"");
}

static void begin_case(const json_t *cell, const char *name, struct tide_str *out)
{
    tide_str_put(out, "    <testcase");
    put_attribute(out, "classname", name_of_python(cell));
    put_attribute(out, "name", name);
    tide_str_put(out, ">\n");
}

static void put_message(const char *element, const char *message, const char *text,
                        struct tide_str *out)
{
    tide_str_printf(out, "      <%s", element);
    put_attribute(out, "message", message);
    tide_str_put(out, ">");
    put_xml(out, text);
    tide_str_printf(out, "</%s>\n", element);
}

static void put_case(const json_t *report, const json_t *cell, struct tide_str *out)
{
    struct tide_compare_row r;
    char text[320];
    tide_compare_row(report, cell, &r);
    snprintf(text, sizeof text, "%s to %s, %s, 95 %% interval %s", r.base, r.head, r.effect,
             r.interval);
    begin_case(cell, r.scenario, out);
    if (is_outcome(cell, "worse"))
        put_message("failure", text, reason_of(cell), out);
    else if (is_outcome(cell, "inconclusive"))
        put_message("skipped", reason_of(cell), "", out);
    else {
        tide_str_put(out, "      <system-out>");
        put_xml(out, tide_json_text(cell, "outcome"));
        put_xml(out, ": ");
        put_xml(out, text);
        if (is_outcome(cell, "accepted")) put_xml(out, "; ");
        if (is_outcome(cell, "accepted")) put_xml(out, reason_of(cell));
        tide_str_put(out, "</system-out>\n");
    }
    tide_str_put(out, "    </testcase>\n");
}

void tide_gate_junit(const json_t *report, struct tide_str *out)
{
    const json_t *cells = json_object_get(report, "cells");
    const json_t *missing = json_object_get(report, "missing");
    const json_t *summary = json_object_get(report, "summary");
    size_t i;
    json_t *one;
    char counts[160];
    snprintf(counts, sizeof counts,
             " tests=\"%zu\" failures=\"%lld\" errors=\"%zu\" skipped=\"%lld\">\n",
             json_array_size(cells) + json_array_size(missing), tide_json_number(summary, "worse"),
             json_array_size(missing), tide_json_number(summary, "inconclusive"));
    tide_str_put(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite");
    put_attribute(out, "name", "tidemark gate");
    tide_str_put(out, counts);
    json_array_foreach((json_t *)cells, i, one)
    {
        put_case(report, one, out);
    }
    json_array_foreach((json_t *)missing, i, one)
    {
        begin_case(one, tide_json_text(one, "scenario"), out);
        put_message("error", tide_json_text(one, "why"), tide_json_text(one, "side"), out);
        tide_str_put(out, "    </testcase>\n");
    }
    tide_str_put(out, "  </testsuite>\n</testsuites>\n");
}
