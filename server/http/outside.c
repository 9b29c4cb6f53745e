/* outside.c - what other pages and programs show of a project: GET /badge/{name}.svg (its peak
 * against its baseline), GET /feed/{name}.atom (its regressions), and GET /api/v1/search. */
#include "http/internal.h"

#include "base/clock.h"
#include "http/query.h"
#include "store/changes.h"
#include "store/lookups.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define ENTRIES 50
#define MIB     1048576.0

/* ---- badge ---- */

struct badge {
    char text[64];
    const char *colour;
};

/* Less than a percent is within what pages of memory make. */
static void judge(const struct tide_standing *s, struct badge *out)
{
    double percent = 100 * (s->newest - s->baseline) / s->baseline;
    snprintf(out->text, sizeof out->text, "%.1f MiB (%+.1f %%)", s->newest / MIB, percent);
    out->colour = percent <= 1 ? "#2e7d32" : percent <= 5 ? "#b26a00" : "#b3261e";
}

/* Widths are those of Verdana at 11 px, near enough: textLength makes the text fit its box. */
static void put_badge(struct tide_str *out, const struct badge *b)
{
    int text = 8 + 6 * (int)strlen(b->text), label = 38, width = label + text;
    tide_str_printf(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"20\" role=\"img\""
        " aria-label=\"peak: %s\"><title>peak: %s</title>"
        "<rect width=\"%d\" height=\"20\" rx=\"3\" fill=\"#444\"/>"
        "<rect x=\"%d\" width=\"%d\" height=\"20\" rx=\"3\" fill=\"%s\"/>"
        "<g fill=\"#fff\" font-family=\"Verdana, sans-serif\" font-size=\"11\">"
        "<text x=\"6\" y=\"14\">peak</text>"
        "<text x=\"%d\" y=\"14\" textLength=\"%d\">%s</text></g></svg>\n",
        width, b->text, b->text, width, label, text, b->colour, label + 4, text - 8, b->text);
}

void tide_get_badge(struct tide_request *r, int64_t id, const char *name)
{
    static const char *const known[] = {"scenario", "python", NULL};
    struct badge badge = {"no data", "#6b6b6b"};
    struct tide_standing standing;
    struct tide_project project;
    struct tide_error e;
    (void)id;
    if (!tide_query_known(r, known)) return;
    enum tide_rc rc = tide_store_find_project(r->http->config.store, name, &project, &e);
    if (!rc) {
        rc = tide_store_standing(r->http->config.store, name, tide_query_text(r, "scenario"),
                                 tide_query_text(r, "python"), &standing, &e);
        tide_project_clear(&project);
        if (!rc) judge(&standing, &badge);
        if (rc == TIDE_ABSENT) rc = TIDE_OK;
    }
    if (rc) {
        tide_answer_error(r, &e);
        return;
    }
    r->type = "image/svg+xml";
    put_badge(&r->answer, &badge);
}

/* ---- feed ---- */

/* Text as XML has it; what XML 1.0 cannot hold is left out. */
static void put_escaped(struct tide_str *out, const char *text)
{
    for (; text && *text; text++) {
        switch (*text) {
        case '<': tide_str_put(out, "&lt;"); break;
        case '>': tide_str_put(out, "&gt;"); break;
        case '&': tide_str_put(out, "&amp;"); break;
        case '"': tide_str_put(out, "&quot;"); break;
        default:
            if ((unsigned char)*text >= ' ' || *text == '\n' || *text == '\t')
                tide_str_add(out, text, 1);
        }
    }
}

static void put_instant(struct tide_str *out, const char *element, int64_t ns)
{
    char text[32];
    time_t seconds = (time_t)(ns / 1000000000);
    struct tm parts;
    gmtime_r(&seconds, &parts);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
    tide_str_printf(out, "<%s>%s</%s>", element, text, element);
}

static const char *text_at(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "";
}

static void put_entry(const struct tide_http *h, struct tide_str *out, const json_t *regression)
{
    const json_t *commit = json_object_get(regression, "commit");
    long long id = (long long)json_integer_value(json_object_get(regression, "id"));
    tide_str_printf(out, "<entry><id>%s/api/v1/regressions/%lld</id><title>", h->url, id);
    put_escaped(out, text_at(regression, "scenario"));
    tide_str_printf(out, ": %+.1f %% ", json_number_value(json_object_get(regression, "percent")));
    put_escaped(out, text_at(regression, "metric"));
    tide_str_put(out, "</title>");
    put_instant(out, "updated", json_integer_value(json_object_get(regression, "found_ns")));
    tide_str_printf(out, "<link href=\"%s/#/history?project=", h->url);
    put_escaped(out, text_at(regression, "project"));
    tide_str_put(out, "&amp;scenario=");
    put_escaped(out, text_at(regression, "scenario"));
    tide_str_put(out, "\"/><summary>");
    put_escaped(out, text_at(commit, "sha"));
    tide_str_put(out, " ");
    put_escaped(out, text_at(commit, "subject"));
    tide_str_put(out, ", Python ");
    put_escaped(out, text_at(json_object_get(regression, "python"), "name"));
    tide_str_put(out, ", ");
    put_escaped(out, text_at(regression, "status"));
    tide_str_put(out, "</summary></entry>\n");
}

static void put_feed(struct tide_request *r, const char *project, const json_t *list)
{
    const struct tide_http *h = r->http;
    struct tide_str *out = &r->answer;
    const json_t *newest = json_array_get(list, 0), *regression;
    size_t i;
    int64_t updated =
        newest ? json_integer_value(json_object_get(newest, "found_ns")) : h->started_ns;
    tide_str_put(out, "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"
                      "<feed xmlns=\"http://www.w3.org/2005/Atom\"><title>Regressions of ");
    put_escaped(out, project);
    tide_str_printf(out, "</title><id>%s", h->url);
    put_escaped(out, r->path);
    tide_str_printf(out, "</id><link rel=\"self\" href=\"%s", h->url);
    put_escaped(out, r->path);
    tide_str_printf(out, "\"/><link href=\"%s/\"/><author><name>Tidemark</name></author>", h->url);
    put_instant(out, "updated", updated);
    tide_str_put(out, "\n");
    json_array_foreach((json_t *)list, i, regression) put_entry(h, out, regression);
    tide_str_put(out, "</feed>\n");
}

void tide_get_feed(struct tide_request *r, int64_t id, const char *name)
{
    static const char *const known[] = {NULL};
    const struct tide_change_filter filter = {
        .project = name, .verdict = "worse", .accepted = 0, .page.limit = ENTRIES};
    struct tide_project project;
    struct tide_str text = {0};
    struct tide_error e;
    (void)id;
    if (!tide_query_known(r, known)) return;
    enum tide_rc rc = tide_store_find_project(r->http->config.store, name, &project, &e);
    if (!rc) {
        tide_project_clear(&project);
        rc = tide_store_changes_json(r->http->config.store, &filter, &text, &e);
    }
    json_t *answer = rc ? NULL : json_loadb(text.at, text.length, 0, NULL);
    if (rc)
        tide_answer_error(r, &e);
    else {
        r->type = "application/atom+xml";
        put_feed(r, name, json_object_get(answer, "regressions"));
    }
    json_decref(answer);
    tide_str_free(&text);
}

/* ---- search ---- */

void tide_get_search(struct tide_request *r, int64_t id, const char *name)
{
    static const char *const known[] = {"q", "project", NULL};
    struct tide_error e;
    const char *text = tide_query_text(r, "q");
    (void)id;
    (void)name;
    if (!tide_query_known(r, known)) return;
    if (!text || !*text || strlen(text) > 200) {
        tide_answer_parameter(r, "q", "it must be a text of 1 to 200 bytes");
        return;
    }
    enum tide_rc rc = tide_store_search_json(r->http->config.store, text,
                                             tide_query_text(r, "project"), &r->answer, &e);
    if (rc) tide_answer_error(r, &e);
}
