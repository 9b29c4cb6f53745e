/* control.c - `tidemark cancel`, `pause`, `resume` and `retry`: each is one request to the daemon
 * (docs/API.md). */
#include "base/str.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/confirm.h"
#include "cli/terminal.h"

#include <stdlib.h>
#include <string.h>

struct arguments {
    struct tide_common common;
    int64_t batch, run;
    bool all;    /* cancel: everything; retry: what failed for its own reasons too */
    bool needed; /* a batch or a run must be named */
    const char *word;
};

static error_t parse_target(int key, char *value, struct argp_state *state)
{
    struct arguments *a = state->input;
    switch (key) {
    case 'r': a->run = tide_cli_number(state, "--run", value, 1, INT64_MAX); return 0;
    case 'a': a->all = true; return 0;
    case ARGP_KEY_ARG:
        if (a->batch || (a->all && !strcmp(value, "all"))) argp_error(state, "one batch at a time");
        if (!strcmp(a->word, "cancel") && !strcmp(value, "all"))
            a->all = true;
        else
            a->batch = tide_cli_number(state, "BATCH", value, 1, INT64_MAX);
        return 0;
    case ARGP_KEY_END:
        if ((a->batch != 0) + (a->run != 0) + (a->all && !strcmp(a->word, "cancel")) != 1)
            argp_error(state, "name one batch%s",
                       strcmp(a->word, "cancel") ? ", or one run with --run"
                                                 : ", one run with --run, or all");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

/* POST without fields, or with `body`, which is released; the answer is printed as JSON, or else as
 * `said`. */
static enum tide_rc post(const struct arguments *a, const char *data, const char *target,
                         json_t *body, const char *said, struct tide_error *e)
{
    json_t *answer = NULL;
    json_t *sent = body ? body : json_object();
    enum tide_rc rc = tide_client_post_json(data, target, sent, &answer, e);
    if (!rc && a->common.json)
        tide_print_json(answer);
    else if (!rc && !strcmp(a->word, "retry") && a->batch)
        printf("%s: %lld queued again\n", said, tide_json_number(answer, "queued"));
    else if (!rc)
        puts(said);
    json_decref(sent);
    json_decref(answer);
    return rc;
}

/* "/api/v1/batches/12/VERB", and what to say of it. */
static void name_target(const struct arguments *a, char target[64], char said[64])
{
    snprintf(target, 64, "/api/v1/%s/%lld/%s", a->run ? "runs" : "batches",
             (long long)(a->run ? a->run : a->batch), a->word);
    snprintf(said, 64, "%s %lld%s", a->run ? "run" : "batch",
             (long long)(a->run ? a->run : a->batch),
             !strcmp(a->word, "cancel") ? " is cancelled"
             : a->run                   ? " is queued again"
                                        : "");
}

static enum tide_rc cancel(void *context, const char *data, struct tide_error *e)
{
    struct arguments *a = context;
    char target[64], said[64];
    name_target(a, target, said);
    if (!a->all) return post(a, data, target, NULL, said, e);
    enum tide_rc rc =
        a->common.yes ? TIDE_OK : tide_confirm("Cancel everything that is queued and running?", e);
    return rc ? rc : post(a, data, "/api/v1/queue/cancel", NULL, "everything is cancelled", e);
}

static enum tide_rc retry(void *context, const char *data, struct tide_error *e)
{
    struct arguments *a = context;
    char target[64], said[64];
    name_target(a, target, said);
    return post(a, data, target, a->all ? json_pack("{s:b}", "all", 1) : NULL, said, e);
}

static enum tide_rc pause_queue(void *context, const char *data, struct tide_error *e)
{
    return post(context, data, "/api/v1/queue/pause", NULL,
                "the queue is paused: what runs goes on, nothing new begins", e);
}

static enum tide_rc resume_queue(void *context, const char *data, struct tide_error *e)
{
    return post(context, data, "/api/v1/queue/resume", NULL, "the queue goes on", e);
}

static int carry_out(const struct tide_cli *c, int argc, char **argv, tide_cli_data_fn *act)
{
    struct arguments a = {.word = tide_cli_word(c)};
    tide_cli_parse(c, argc, argv, &a.common, &a);
    return tide_cli_on_data(c, &a.common, act, &a);
}

static int run_cancel(const struct tide_cli *c, int argc, char **argv)
{
    return carry_out(c, argc, argv, cancel);
}

static int run_retry(const struct tide_cli *c, int argc, char **argv)
{
    return carry_out(c, argc, argv, retry);
}

static int run_pause(const struct tide_cli *c, int argc, char **argv)
{
    return carry_out(c, argc, argv, pause_queue);
}

static int run_resume(const struct tide_cli *c, int argc, char **argv)
{
    return carry_out(c, argc, argv, resume_queue);
}

static const struct argp_option cancel_options[] = {
    {"run", 'r', "RUN", 0, "Cancel one run", 0},
    {0},
};
static const struct argp_option retry_options[] = {
    {"run", 'r', "RUN", 0, "Queue one run again", 0},
    {"all", 'a', 0, 0, "What failed for reasons of its own too", 0},
    {0},
};

const struct tide_cli tide_command_cancel = {
    .title = "tidemark cancel",
    .summary = "stop a batch, a run or everything",
    .arguments = "[BATCH|all]",
    .about =
        "Stop a batch, a run, or everything: what is queued does not begin, what runs is killed "
        "with all of its processes.",
    .notes = "all asks first; where there is no terminal it needs --yes.",
    .options = cancel_options,
    .takes = TIDE_TAKES_DATA | TIDE_TAKES_JSON | TIDE_TAKES_YES,
    .parse = parse_target,
    .examples = (const struct tide_example[]){{"tidemark cancel 12", "The batch"},
                                              {"tidemark cancel --run 31", NULL},
                                              {"tidemark cancel all --yes", NULL},
                                              {0}},
    .run = run_cancel,
};

const struct tide_cli tide_command_retry = {
    .title = "tidemark retry",
    .summary = "queue again what failed for reasons outside it",
    .arguments = "[BATCH]",
    .about =
        "Queue again the runs of a batch that failed for reasons outside them (killed, the host "
        "was rebooted), or one run.",
    .options = retry_options,
    .takes = TIDE_TAKES_DATA | TIDE_TAKES_JSON,
    .parse = parse_target,
    .examples = (const struct tide_example[]){{"tidemark retry 12", NULL},
                                              {"tidemark retry 12 --all", "Whatever failed"},
                                              {"tidemark retry --run 31", NULL},
                                              {0}},
    .run = run_retry,
};

const struct tide_cli tide_command_pause = {
    .title = "tidemark pause",
    .summary = "begin nothing new until `tidemark resume`",
    .about =
        "Begin nothing new until `tidemark resume`; what runs goes on to its end. It holds over a "
        "restart of the daemon.",
    .takes = TIDE_TAKES_DATA | TIDE_TAKES_JSON,
    .examples = (const struct tide_example[]){{"tidemark pause", NULL},
                                              {"tidemark pause && make && tidemark resume",
                                               "Keep the machine quiet for something else"},
                                              {0}},
    .run = run_pause,
};

const struct tide_cli tide_command_resume = {
    .title = "tidemark resume",
    .summary = "go on after `tidemark pause`",
    .takes = TIDE_TAKES_DATA | TIDE_TAKES_JSON,
    .examples = (const struct tide_example[]){{"tidemark resume", NULL},
                                              {"tidemark resume && tidemark watch", NULL},
                                              {0}},
    .run = run_resume,
};
