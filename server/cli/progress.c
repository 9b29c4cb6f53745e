/* progress.c - see progress.h. */
#include "cli/progress.h"

#include "cli/terminal.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BAR 24

static void put_bar(char *out, int64_t percent)
{
    for (int i = 0; i < BAR; i++)
        out[i] = i < percent * BAR / 100 ? '#' : '.';
    out[BAR] = '\0';
}

static void describe(const json_t *batch, char *out, size_t room)
{
    char bar[BAR + 1], eta[40] = "", left[24];
    bool terminal =
        isatty(STDOUT_FILENO); /* a file gets a line for what is done, not for every second */
    long long ended = tide_json_number(batch, "done") + tide_json_number(batch, "failed") +
                      tide_json_number(batch, "cancelled");
    const json_t *eta_ns = json_object_get(batch, "eta_ns");
    put_bar(bar, tide_json_number(batch, "percent"));
    if (terminal && json_is_integer(eta_ns))
        snprintf(eta, sizeof eta, ", %s left", tide_time_text(json_integer_value(eta_ns), left));
    snprintf(out, room, "[%s] %3lld %%  %lld of %lld runs%s%s", bar,
             tide_json_number(batch, "percent"), ended, tide_json_number(batch, "runs"),
             !terminal                             ? ""
             : tide_json_number(batch, "building") ? ", building"
             : tide_json_number(batch, "running")  ? ", measuring"
                                                   : "",
             eta);
}

static void show_line(struct tide_progress *p, const char *line)
{
    bool terminal = isatty(STDOUT_FILENO);
    if (!strcmp(line, p->last)) return;
    snprintf(p->last, sizeof p->last, "%s", line);
    if (terminal)
        printf("\r\033[K%.*s", tide_terminal_width(stdout) - 1, line);
    else
        printf("%s\n", line);
    p->open = terminal;
    fflush(stdout);
}

void tide_progress_clear(struct tide_progress *p)
{
    if (!p->open) return;
    fputs("\r\033[K", stdout);
    p->open = false;
    *p->last = '\0';
}

void tide_progress_run(struct tide_progress *p, const json_t *run)
{
    char line[sizeof p->last], bar[BAR + 1];
    put_bar(bar, tide_json_number(run, "percent"));
    snprintf(line, sizeof line, "[%s] %3lld %%  run %lld is %s", bar,
             tide_json_number(run, "percent"), tide_json_number(run, "id"),
             tide_json_text(run, "status"));
    show_line(p, line);
}

void tide_progress_queue(struct tide_progress *p, const json_t *queue)
{
    char line[sizeof p->last];
    snprintf(line, sizeof line, "%lld queued, %lld building, %lld running%s",
             tide_json_number(queue, "queued"), tide_json_number(queue, "building"),
             tide_json_number(queue, "running"),
             json_is_true(json_object_get(queue, "paused")) ? "; paused" : "");
    show_line(p, line);
}

void tide_progress_batch(struct tide_progress *p, const json_t *batch, const char *url)
{
    char line[sizeof p->last];
    if (!batch || tide_json_number(batch, "id") == p->done) return;
    describe(batch, line, sizeof line);
    show_line(p, line);
    if (json_is_null(json_object_get(batch, "finished_ns"))) return;
    tide_progress_end(p);
    printf("%lld runs done, %lld failed", tide_json_number(batch, "done"),
           tide_json_number(batch, "failed"));
    if (tide_json_number(batch, "cancelled"))
        printf(", %lld cancelled", tide_json_number(batch, "cancelled"));
    if (url)
        printf(". Their curves: %s/#/curves?batch=%lld\n", url, tide_json_number(batch, "id"));
    else
        puts(".");
    fflush(stdout);
    p->done = tide_json_number(batch, "id");
}

void tide_progress_show(struct tide_progress *p, struct tide_store *store, const char *url)
{
    struct tide_str text = {0};
    const struct tide_batch_filter newest = {.page.limit = 1};
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
