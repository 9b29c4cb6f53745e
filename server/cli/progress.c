/* progress.c - see progress.h. */
#include "cli/progress.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BAR 24

static int64_t number(const json_t *batch, const char *key)
{
    return json_integer_value(json_object_get(batch, key));
}

static void put_bar(char *out, int64_t percent)
{
    for (int i = 0; i < BAR; i++)
        out[i] = i < percent * BAR / 100 ? '#' : '.';
    out[BAR] = '\0';
}

static void describe(const json_t *batch, char *out, size_t room)
{
    char bar[BAR + 1], eta[32] = "";
    bool terminal =
        isatty(STDOUT_FILENO); /* a file gets no line for every second of the estimate */
    int64_t ended = number(batch, "done") + number(batch, "failed");
    put_bar(bar, number(batch, "percent"));
    if (terminal && json_is_integer(json_object_get(batch, "eta_ns")))
        snprintf(eta, sizeof eta, ", %lld s left", (long long)number(batch, "eta_ns") / 1000000000);
    snprintf(out, room, "[%s] %3lld %%  %lld of %lld runs%s%s", bar,
             (long long)number(batch, "percent"), (long long)ended,
             (long long)number(batch, "runs"),
             number(batch, "building")  ? ", building"
             : number(batch, "running") ? ", measuring"
                                        : "",
             eta);
}

static void show_line(struct tide_progress *p, const char *line)
{
    bool terminal = isatty(STDOUT_FILENO);
    if (!strcmp(line, p->last)) return;
    snprintf(p->last, sizeof p->last, "%s", line);
    if (terminal)
        printf("\r\033[K%s", line);
    else
        printf("%s\n", line);
    p->open = terminal;
    fflush(stdout);
}

void tide_progress_batch(struct tide_progress *p, const json_t *batch, const char *url)
{
    char line[sizeof p->last];
    if (!batch || number(batch, "id") == p->done) return;
    describe(batch, line, sizeof line);
    show_line(p, line);
    if (json_is_null(json_object_get(batch, "finished_ns"))) return;
    tide_progress_end(p);
    printf("%lld runs done, %lld failed. Their curves: %s/#/curves?batch=%lld\n",
           (long long)number(batch, "done"), (long long)number(batch, "failed"), url,
           (long long)number(batch, "id"));
    fflush(stdout);
    p->done = number(batch, "id");
}

void tide_progress_show(struct tide_progress *p, struct tide_store *store, const char *url)
{
    struct tide_str text = {0};
    const struct tide_page newest = {.limit = 1};
    if (p->enabled && !tide_store_batches_json(store, &newest, &text, NULL)) {
        json_t *list = json_loads(text.at, 0, NULL);
        tide_progress_batch(p, json_array_get(json_object_get(list, "batches"), 0), url);
        json_decref(list);
    }
    tide_str_free(&text);
}

void tide_progress_end(struct tide_progress *p)
{
    if (p->open) putchar('\n');
    p->open = false;
    fflush(stdout);
}
