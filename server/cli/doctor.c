/* doctor.c - `tidemark doctor`: is this host fit to measure on, and what would make results better.
 */
#include "cli/doctor.h"

#include "base/str.h"
#include "cli/commands.h"
#include "cli/terminal.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define CHECK_COLUMN 7
#define TEXT_COLUMN  26

static const char *const words[] = {
    [TIDE_HEALTH_OK] = "ok", [TIDE_HEALTH_WARN] = "warn", [TIDE_HEALTH_FAIL] = "fail"};

void tide_find(struct tide_findings *f, const char *check, enum tide_health health,
               const char *advice, const char *format, ...)
{
    char text[512];
    va_list values;
    va_start(values, format);
    vsnprintf(text, sizeof text, format, values);
    va_end(values);
    json_array_append_new(f->list, json_pack("{s:s, s:s, s:s, s:s?}", "check", check, "status",
                                             words[health], "text", text, "advice",
                                             health == TIDE_HEALTH_OK ? NULL : advice));
    f->failed = f->failed || health == TIDE_HEALTH_FAIL;
}

const char *tide_doctor_line(const char *path, char out[256])
{
    FILE *file = fopen(path, "re");
    if (!file || !fgets(out, 256, file)) *out = '\0';
    if (file) fclose(file);
    out[strcspn(out, "\n")] = '\0';
    return out;
}

static void print_finding(const json_t *finding)
{
    const char *status = tide_json_text(finding, "status"),
               *advice = tide_json_text(finding, "advice");
    enum tide_hue hue = !strcmp(status, "ok")     ? TIDE_GREEN
                        : !strcmp(status, "warn") ? TIDE_YELLOW
                                                  : TIDE_RED;
    int width = tide_terminal_width(stdout);
    printf("%s%-4s%s   ", tide_hue_on(stdout, hue), status, tide_hue_off(stdout, hue));
    int at = CHECK_COLUMN + printf("%s", tide_json_text(finding, "check"));
    if (at >= TEXT_COLUMN) at += printf(" ");
    tide_terminal_wrap(stdout, tide_json_text(finding, "text"), TEXT_COLUMN, at, width);
    if (!*advice) return;
    fputs(tide_hue_on(stdout, TIDE_DIM), stdout);
    tide_terminal_wrap(stdout, advice, TEXT_COLUMN, 0, width);
    fputs(tide_hue_off(stdout, TIDE_DIM), stdout);
}

static size_t count(const json_t *list, const char *status)
{
    size_t i, n = 0;
    json_t *finding;
    json_array_foreach((json_t *)list, i, finding)
    {
        n += !strcmp(tide_json_text(finding, "status"), status);
    }
    return n;
}

static void print_all(const struct tide_findings *f)
{
    size_t i;
    json_t *finding;
    json_array_foreach(f->list, i, finding)
    {
        print_finding(finding);
    }
    printf("\n%zu ok, %zu could be better, %zu must be mended.\n", count(f->list, "ok"),
           count(f->list, "warn"), count(f->list, "fail"));
}

struct arguments {
    struct tide_common common;
    const char *config;
};

static error_t parse(int key, char *value, struct argp_state *state)
{
    struct arguments *a = state->input;
    if (key != 'c') return ARGP_ERR_UNKNOWN;
    a->config = value;
    return 0;
}

static int run(const struct tide_cli *c, int argc, char **argv)
{
    struct arguments a = {0};
    struct tide_config config = {0};
    struct tide_findings f = {.list = json_array()};
    struct tide_error e;
    tide_cli_parse(c, argc, argv, &a.common, &a);
    enum tide_rc rc = tide_config_settle(a.common.data, NULL, a.config, &config, &e);
    if (!rc) {
        tide_doctor_kernel(&f);
        tide_doctor_host(&f, &config);
        tide_doctor_programs(&f, &config);
    }
    if (!rc && a.common.json) {
        json_t *all = json_pack("{s:b, s:O}", "fit", !f.failed, "findings", f.list);
        tide_print_json(all);
        json_decref(all);
    } else if (!rc) {
        print_all(&f);
    }
    tide_config_clear(&config);
    json_decref(f.list);
    int code = tide_cli_end(c, rc, &e);
    return !code && f.failed ? TIDE_EXIT_FAILED : code;
}

static const struct argp_option options[] = {
    {"config", 'c', "FILE", 0, "Configuration (JSON) that the daemon is started with", 0},
    {0},
};

const struct tide_cli tide_command_doctor = {
    .title = "tidemark doctor",
    .group = "Look after:",
    .summary = "check this host, and say what would make results better",
    .about =
        "Check this host: how exact the kernel counts memory, huge pages, address randomisation, "
        "what a look at /proc costs, CPUs, clock, swap, memory limits, disk, compilers, Pythons.",
    .notes =
        "Each line is ok, warn (results would be better) or fail (measuring does not work); exit "
        "code 3 when one fails. It measures for about a second and changes nothing.",
    .options = options,
    .takes = TIDE_TAKES_DATA | TIDE_TAKES_JSON,
    .parse = parse,
    .examples =
        (const struct tide_example[]){
            {"tidemark doctor", NULL},
            {"tidemark doctor --data /srv/tidemark", "The disk of that folder"},
            {"tidemark doctor --json | jq -r '.findings[] | select(.status != \"ok\").advice'",
             NULL},
            {0}},
    .run = run,
};
