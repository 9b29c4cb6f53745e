/* help.c - the --help of a command, made from its table, and `tidemark help`. */
#include "cli/commands.h"
#include "cli/terminal.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPTION_COLUMN  28
#define COMMAND_COLUMN 18

static void print_heading(FILE *to, const char *text)
{
    fprintf(to, "\n%s%s%s\n", tide_hue_on(to, TIDE_BOLD), text, tide_hue_off(to, TIDE_BOLD));
}

static void print_usage(const struct tide_cli *c, FILE *to)
{
    const char *options = c == &tide_program ? "COMMAND [OPTION...]" : "[OPTION...]";
    fprintf(to, "%susage:%s %s %s%s%s\n", tide_hue_on(to, TIDE_BOLD), tide_hue_off(to, TIDE_BOLD),
            c->title, options, c->arguments ? " " : "", c->arguments ? c->arguments : "");
    for (const struct tide_cli *const *v = c == &tide_program ? NULL : c->verbs; v && *v; v++)
        fprintf(to, "       %s [OPTION...]%s%s\n", (*v)->title, (*v)->arguments ? " " : "",
                (*v)->arguments ? (*v)->arguments : "");
}

static void print_about(const struct tide_cli *c, FILE *to, int width)
{
    fputc('\n', to);
    if (c->about) {
        tide_terminal_wrap(to, c->about, 0, 0, width);
        return;
    }
    char *text = strdup(c->summary);
    if (text) {
        *text = (char)toupper((unsigned char)*text);
        fprintf(to, "%s.\n", text);
    }
    free(text);
}

static void print_option(const struct argp_option *o, FILE *to, int width)
{
    char letter = tide_option_letter(o);
    int at = letter ? fprintf(to, "  -%c", letter) : fprintf(to, "    ");
    if (o->name) at += fprintf(to, "%s--%s", letter ? ", " : "  ", o->name);
    if (o->arg) at += fprintf(to, " %s", o->arg);
    if (at + 2 > OPTION_COLUMN) {
        fputc('\n', to);
        at = 0;
    }
    tide_terminal_wrap(to, o->doc ? o->doc : "", OPTION_COLUMN, at, width);
}

static void print_options(const struct tide_cli *c, FILE *to, int width)
{
    struct argp_option *all = tide_cli_options(c), *o = all;
    if (tide_option_kind(o) != TIDE_OPTION_HEADING) print_heading(to, "Options:");
    for (; tide_option_kind(o) != TIDE_OPTION_END; o++) {
        if (tide_option_kind(o) == TIDE_OPTION_HEADING) print_heading(to, o->doc);
        if (tide_option_kind(o) == TIDE_OPTION) print_option(o, to, width);
    }
    free(all);
}

static void print_verbs(const struct tide_cli *c, FILE *to, int width)
{
    const char *group = c == &tide_program ? NULL : "Commands:";
    if (group) print_heading(to, group);
    for (const struct tide_cli *const *v = c->verbs; v && *v; v++) {
        if ((*v)->hidden) continue;
        if ((*v)->group) print_heading(to, (*v)->group);
        int at = fprintf(to, "  %s  ", tide_cli_word(*v));
        tide_terminal_wrap(to, (*v)->summary, COMMAND_COLUMN, at, width);
    }
}

static void print_examples(const struct tide_cli *c, FILE *to, int width)
{
    print_heading(to, "Examples:");
    for (const struct tide_example *x = c->examples; x->line; x++) {
        fprintf(to, "  %s\n", x->line);
        if (!x->why) continue;
        fputs(tide_hue_on(to, TIDE_DIM), to);
        tide_terminal_wrap(to, x->why, 6, 0, width);
        fputs(tide_hue_off(to, TIDE_DIM), to);
    }
}

static void print_exits(const struct tide_cli *c, FILE *to)
{
    print_heading(to, "Exit codes:");
    for (int i = 0; i < TIDE_EXIT_CODES; i++)
        if (tide_cli_exits(c) & (1u << i)) fprintf(to, "  %d  %s\n", i, tide_exit_meanings[i]);
}

void tide_help_print(const struct tide_cli *c, FILE *to)
{
    int width = tide_terminal_width(to);
    print_usage(c, to);
    print_about(c, to, width);
    if (c->verbs) print_verbs(c, to, width);
    print_options(c, to, width);
    if (c->notes) {
        fputc('\n', to);
        tide_terminal_wrap(to, c->notes, 0, 0, width);
    }
    if (c->examples) print_examples(c, to, width);
    print_exits(c, to);
    if (c->verbs) fprintf(to, "\n`%s COMMAND --help` explains one.\n", c->title);
}

/* ---- the command ---- */

struct arguments {
    const struct tide_cli *of;
    const char *man;
};

static error_t parse(int key, char *value, struct argp_state *state)
{
    struct arguments *a = state->input;
    switch (key) {
    case 'm': a->man = value; return 0;
    case ARGP_KEY_ARG: {
        const struct tide_cli *found = tide_cli_verb(a->of, value);
        if (!found) argp_error(state, "there is no command \"%s\" of %s", value, a->of->title);
        a->of = found;
        return 0;
    }
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option options[] = {
    {"man", 'm', "DIR", OPTION_HIDDEN, "Write the man pages there", 0},
    {0},
};

static int run(const struct tide_cli *c, int argc, char **argv)
{
    struct arguments a = {.of = &tide_program};
    struct tide_error e;
    tide_cli_parse(c, argc, argv, NULL, &a);
    if (a.man) return tide_cli_end(c, tide_man_write(a.man, &e), &e);
    tide_help_print(a.of, stdout);
    return TIDE_EXIT_FINE;
}

const struct tide_cli tide_command_help = {
    .title = "tidemark help",
    .summary = "explain a command, as its --help does",
    .arguments = "[COMMAND...]",
    .options = options,
    .parse = parse,
    .examples = (const struct tide_example[]){{"tidemark help run", NULL},
                                              {"tidemark help projects add", NULL},
                                              {0}},
    .run = run,
};
