/* show.c - see show.h. */
#include "cli/show.h"

#include <stdlib.h>
#include <string.h>

enum tide_hue tide_status_hue(const char *status)
{
    static const struct {
        const char *status;
        enum tide_hue hue;
    } hues[] = {{"done", TIDE_GREEN},   {"failed", TIDE_RED},    {"cancelled", TIDE_YELLOW},
                {"running", TIDE_BLUE}, {"building", TIDE_BLUE}, {"queued", TIDE_DIM}};
    for (size_t i = 0; i < sizeof hues / sizeof *hues; i++)
        if (!strcmp(hues[i].status, status)) return hues[i].hue;
    return TIDE_PLAIN;
}

void tide_show_run_line(const json_t *run)
{
    const char *status = tide_json_text(run, "status");
    enum tide_hue hue = tide_status_hue(status);
    const json_t *commit = json_object_get(run, "commit");
    char size[24], time[24];
    char *error = tide_terminal_clean(tide_json_text(run, "error"));
    char *subject = tide_terminal_clean(tide_json_text(commit, "subject"));
    printf("%s%-9s%s run %lld, sample %lld of %s at %.10s %.40s, Python %s",
           tide_hue_on(stdout, hue), status, tide_hue_off(stdout, hue), tide_json_number(run, "id"),
           tide_json_number(run, "sample"), tide_json_text(run, "scenario"),
           tide_json_text(commit, "sha"), subject ? subject : "",
           tide_json_text(json_object_get(run, "python"), "name"));
    if (error && *error)
        printf(": %s\n", error);
    else
        printf(": %s in %s\n", tide_size_text(tide_json_number(run, "tide_mark"), size),
               tide_time_text(tide_json_number(run, "wall_ns"), time));
    free(error);
    free(subject);
}

static void put_size(struct tide_table *t, const json_t *run, const char *key)
{
    char size[24];
    const json_t *value = json_object_get(run, key);
    tide_table_put(t, TIDE_PLAIN, "%s",
                   json_is_integer(value) ? tide_size_text(json_integer_value(value), size) : "-");
}

/* What matters most first: a narrow terminal cuts the rest. */
static void put_row(struct tide_table *t, const json_t *run)
{
    char time[24];
    const char *status = tide_json_text(run, "status");
    const json_t *wall = json_object_get(run, "wall_ns");
    tide_table_put(t, TIDE_PLAIN, "%lld", tide_json_number(run, "id"));
    tide_table_put(t, tide_status_hue(status), "%s", status);
    tide_table_put(t, TIDE_PLAIN, "%s", tide_json_text(run, "scenario"));
    tide_table_put(t, TIDE_PLAIN, "%.10s", tide_json_text(json_object_get(run, "commit"), "sha"));
    tide_table_put(t, TIDE_PLAIN, "%s", tide_json_text(json_object_get(run, "python"), "name"));
    put_size(t, run, "tide_mark");
    tide_table_put(t, TIDE_PLAIN, "%s",
                   json_is_integer(wall) ? tide_time_text(json_integer_value(wall), time) : "-");
    tide_table_put(t, TIDE_PLAIN, "%lld", tide_json_number(run, "sample"));
    tide_table_put(t, TIDE_PLAIN, "%lld", tide_json_number(run, "batch"));
    tide_table_put(t, TIDE_PLAIN, "%s", tide_json_text(run, "allocator"));
    tide_table_put(t, TIDE_DIM, "%s", tide_json_text(run, "error"));
}

void tide_show_runs(const json_t *runs)
{
    struct tide_table t;
    size_t i;
    json_t *run;
    tide_table_begin(&t, ">RUN|STATUS|SCENARIO|COMMIT|PYTHON|>TIDE MARK|>TIME|>SAMPLE|>BATCH|"
                         "ALLOCATOR|ERROR");
    json_array_foreach((json_t *)runs, i, run)
    {
        put_row(&t, run);
    }
    tide_table_end(&t);
}
