/* complete.c - shell completion: `tidemark completion SHELL` prints the script, which asks the
 * hidden `tidemark complete -- WORD...` at every TAB.
 *
 * The last word is the one to complete. Each line of the answer is a candidate, a tab, and what it
 * is; ":file" and ":dir" ask the shell for its own. Candidates come from the commands' tables;
 * names of projects, runs and so on from the daemon, if it answers at once. */
#include "base/str.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/config.h"
#include "cli/terminal.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATIENCE_MS 500 /* that somebody who pressed TAB has */

struct completion {
    const char *word; /* to complete */
    size_t kept;      /* bytes of it that stay before every candidate: "--data=", "3.11," */
    const char *data; /* what --data and --project say; NULL: nothing */
    const char *project;
};

/* What a metavariable asks the daemon for. */
static const struct kind {
    const char *name, *target, *list, *value, *about[3];
} kinds[] = {
    {"PROJECT", "/api/v1/projects", "projects", "name", {"repo"}},
    {"SCENARIO", "/api/v1/scenarios?project=", "scenarios", "name", {"title"}},
    {"PYTHON", "/api/v1/pythons", "pythons", "name", {"source", "prefix"}},
    {"RUN", "/api/v1/runs?limit=50", "runs", "id", {"status", "scenario"}},
    {"BATCH", "/api/v1/batches?limit=50", "batches", "id", {"status"}},
    {"TOKEN", "/api/v1/tokens", "tokens", "id", {"name"}},
};

static void offer(const struct completion *c, const char *value, const char *about)
{
    const char *rest = c->word + c->kept;
    if (strncmp(value, rest, strlen(rest)) != 0) return;
    printf("%.*s%s\t%s\n", (int)c->kept, c->word, value, about);
}

static void offer_item(const struct completion *c, const struct kind *k, const json_t *item)
{
    struct tide_str about = {0};
    char number[24];
    const char *value = tide_json_text(item, k->value);
    if (json_is_false(json_object_get(item, "usable"))) return;
    if (!*value) {
        snprintf(number, sizeof number, "%lld", tide_json_number(item, k->value));
        value = number;
    }
    for (int i = 0; i < 3 && k->about[i]; i++) {
        char *clean = tide_terminal_clean(tide_json_text(item, k->about[i]));
        tide_str_printf(&about, "%s%s", i ? " " : "", clean ? clean : "");
        free(clean);
    }
    offer(c, value, about.at ? about.at : "");
    tide_str_free(&about);
}

/* What the daemon has of this kind; nothing when there is none. */
static void offer_known(const struct completion *c, const struct kind *k)
{
    struct tide_str target = {0};
    json_t *answer = NULL, *item;
    size_t i;
    char *data = tide_config_data(c->data);
    tide_str_put(&target, k->target);
    if (!strcmp(k->name, "SCENARIO"))
        tide_client_escape(&target, c->project ? c->project : TIDE_DEFAULT_PROJECT);
    if (data && !target.failed &&
        !tide_client_get_within(data, target.at, PATIENCE_MS, &answer, NULL))
        json_array_foreach(json_object_get(answer, k->list), i, item) offer_item(c, k, item);
    json_decref(answer);
    tide_str_free(&target);
    free(data);
}

/* One alternative of a metavariable. */
static void offer_alternative(const struct completion *c, const char *name, size_t n)
{
    char *word = strndup(name, n);
    if (!word) return;
    if (!strcmp(word, "FILE") || !strcmp(word, "PATH"))
        puts(":file");
    else if (!strcmp(word, "DIR"))
        puts(":dir");
    else if (islower((unsigned char)*word))
        offer(c, word, "");
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (!strcmp(kinds[i].name, word)) offer_known(c, &kinds[i]);
    free(word);
}

/* "[BATCH|RUN]", "PYTHON,...", "a|b": what a value may be. */
static void offer_value(struct completion *c, const char *type)
{
    const char *comma = strrchr(c->word + c->kept, ',');
    if (comma && strchr(type, ',')) c->kept = (size_t)(comma + 1 - c->word);
    while (*type) {
        size_t n = strcspn(type, "|,.[] ");
        if (n) offer_alternative(c, type, n);
        type += n;
        type += strspn(type, "|,.[] ");
    }
}

static void offer_options(const struct completion *c, const struct argp_option *all)
{
    char name[64];
    for (const struct argp_option *o = all; tide_option_kind(o) != TIDE_OPTION_END; o++)
        if (tide_option_kind(o) == TIDE_OPTION && o->name) {
            snprintf(name, sizeof name, "--%s", o->name);
            offer(c, name, o->doc ? o->doc : "");
        }
}

/* The option that the word is, with *value where it carries one after '='; NULL: none. */
static const struct argp_option *find_option(const struct argp_option *all, const char *word,
                                             const char **value)
{
    size_t n = strncmp(word, "--", 2) ? 0 : strcspn(word, "=");
    *value = n && word[n] ? word + n + 1 : NULL;
    for (const struct argp_option *o = all; tide_option_kind(o) != TIDE_OPTION_END; o++) {
        if (tide_option_kind(o) == TIDE_OPTION_HEADING) continue;
        if (n && o->name && strlen(o->name) == n - 2 && !strncmp(word + 2, o->name, n - 2))
            return o;
        if (!n && word[0] == '-' && word[1] && !word[2] && tide_option_letter(o) == word[1])
            return o;
    }
    return NULL;
}

static void note_value(struct completion *c, const struct argp_option *o, const char *value)
{
    if (o->name && !strcmp(o->name, "data")) c->data = value;
    if (o->name && !strcmp(o->name, "project")) c->project = value;
}

/* The metavariable of argument number `n`, the last one for all that follow; "" for none. */
static const char *argument_type(const char *arguments, int n, char type[64])
{
    if (!arguments) arguments = "";
    size_t length = strcspn(arguments, " ");
    while (n-- && arguments[length]) {
        arguments += length + strspn(arguments + length, " ");
        length = strcspn(arguments, " ");
    }
    bool repeats = length > 3 && memmem(arguments, length, "...", 3);
    if (n >= 0 && !repeats) length = 0;
    snprintf(type, 64, "%.*s", (int)length, length ? arguments : "");
    return type;
}

/* Complete the last of the n words after the command's own. */
static void complete_in(struct completion *c, const struct tide_cli *of, int n, char **words)
{
    struct argp_option *all = tide_cli_options(of);
    const struct argp_option *open = NULL; /* the option whose value comes next */
    const char *value;
    char type[64];
    int arguments = 0;
    for (int i = 0; i + 1 < n; i++) {
        const struct argp_option *o = open ? NULL : find_option(all, words[i], &value);
        if (open) note_value(c, open, words[i]);
        if (o && value) note_value(c, o, value);
        arguments += !open && !o;
        open = o && o->arg && !value ? o : NULL;
    }
    const struct argp_option *own = open ? NULL : find_option(all, c->word, &value);
    if (own && value) {
        c->kept = (size_t)(value - c->word);
        offer_value(c, own->arg ? own->arg : "");
    } else if (open) {
        offer_value(c, open->arg);
    } else if (*c->word == '-') {
        offer_options(c, all);
    } else {
        for (const struct tide_cli *const *v = arguments ? NULL : of->verbs; v && *v; v++)
            if (!(*v)->hidden) offer(c, tide_cli_word(*v), (*v)->summary);
        offer_value(c, argument_type(of->arguments, arguments, type));
    }
    free(all);
}

/* ---- tidemark complete ---- */

struct words {
    char **at;
    int n;
};

static error_t parse(int key, char *value, struct argp_state *state)
{
    struct words *w = state->input;
    (void)value;
    if (key != ARGP_KEY_ARGS) return ARGP_ERR_UNKNOWN;
    w->at = state->argv + state->next;
    w->n = state->argc - state->next;
    return 0;
}

static int run_complete(const struct tide_cli *c, int argc, char **argv)
{
    struct words w = {0};
    const struct tide_cli *of = &tide_program, *verb;
    tide_cli_parse(c, argc, argv, NULL, &w);
    if (!w.n) return TIDE_EXIT_USAGE;
    struct completion completion = {.word = w.at[w.n - 1]};
    while (w.n > 1 && (verb = tide_cli_verb(of, w.at[0]))) {
        of = verb;
        w.at++;
        w.n--;
    }
    complete_in(&completion, of, w.n, w.at);
    return TIDE_EXIT_FINE;
}

const struct tide_cli tide_command_complete = {
    .title = "tidemark complete",
    .summary = "list candidates for the last word, for the scripts of `tidemark completion`",
    .arguments = "-- WORD...",
    .hidden = true,
    .parse = parse,
    .examples = (const struct tide_example[]){{"tidemark complete -- run --sc", NULL},
                                              {"tidemark complete -- projects ''", NULL},
                                              {0}},
    .run = run_complete,
};

/* ---- tidemark completion ---- */

static const char bash_script[] =
    "# bash completion for tidemark, from `tidemark completion bash`\n"
    "_tidemark() {\n"
    "    local line=${COMP_LINE:0:COMP_POINT} piece=${COMP_WORDS[COMP_CWORD]} candidate skip "
    "IFS=$' "
    "\\t\\n'\n"
    "    local -a words\n"
    "    read -ra words <<<\"$line\"\n"
    "    [[ $line == *[[:space:]] ]] && words+=('')\n"
    "    # readline splits words at = : @ too and replaces the last piece only\n"
    "    [[ $piece == *[!=:@]* ]] || piece=\n"
    "    skip=$((${#words[${#words[@]}-1]} - ${#piece}))\n"
    "    COMPREPLY=()\n"
    "    while IFS=$'\\t' read -r candidate _; do\n"
    "        case $candidate in\n"
    "        :file | :dir)\n"
    "            compopt -o filenames\n"
    "            while IFS= read -r candidate; do COMPREPLY+=(\"$candidate\"); done < <(\n"
    "                [[ $candidate == :dir ]] && compgen -d -- \"$piece\" || compgen -f -- "
    "\"$piece\")\n"
    "            ;;\n"
    "        *) COMPREPLY+=(\"${candidate:skip}\") ;;\n"
    "        esac\n"
    "    done < <(\"${words[0]/#\\~/$HOME}\" complete -- \"${words[@]:1}\" 2>/dev/null)\n"
    "}\n"
    "complete -F _tidemark tidemark\n";

static const char zsh_script[] = "#compdef tidemark\n"
                                 "# zsh completion for tidemark, from `tidemark completion zsh`\n"
                                 "_tidemark() {\n"
                                 "    local line value\n"
                                 "    local -a found\n"
                                 "    for line in \"${(@f)$(${~words[1]} complete -- "
                                 "\"${(@)words[2,CURRENT]}\" 2>/dev/null)}\"; "
                                 "do\n"
                                 "        value=${line%%$'\\t'*}\n"
                                 "        case $value in\n"
                                 "        '') ;;\n"
                                 "        :file) _files ;;\n"
                                 "        :dir) _files -/ ;;\n"
                                 "        *) found+=(\"${value//:/\\\\:}:${line#*$'\\t'}\") ;;\n"
                                 "        esac\n"
                                 "    done\n"
                                 "    (( $#found )) && _describe tidemark found\n"
                                 "}\n"
                                 "if [[ $funcstack[1] == _tidemark ]]; then _tidemark \"$@\"; else "
                                 "compdef _tidemark tidemark; fi\n";

static const char fish_script[] =
    "# fish completion for tidemark, from `tidemark completion fish`\n"
    "function __tidemark_complete\n"
    "    set -l words (commandline -opc) (commandline -ct)\n"
    "    for line in ($words[1] complete -- $words[2..-1] 2>/dev/null)\n"
    "        switch $line\n"
    "            case :file\n"
    "                __fish_complete_path (commandline -ct)\n"
    "            case :dir\n"
    "                __fish_complete_directories (commandline -ct)\n"
    "            case '*'\n"
    "                echo $line\n"
    "        end\n"
    "    end\n"
    "end\n"
    "complete -c tidemark -f -a '(__tidemark_complete)'\n";

static error_t parse_shell(int key, char *value, struct argp_state *state)
{
    const char **shell = state->input;
    if (key == ARGP_KEY_ARG && !*shell)
        *shell = value;
    else if (key == ARGP_KEY_END && !*shell)
        argp_error(state, "which shell? bash, zsh or fish");
    else
        return ARGP_ERR_UNKNOWN;
    return 0;
}

static int run_completion(const struct tide_cli *c, int argc, char **argv)
{
    const char *shell = NULL;
    struct tide_error e;
    tide_cli_parse(c, argc, argv, NULL, &shell);
    if (!strcmp(shell, "bash"))
        fputs(bash_script, stdout);
    else if (!strcmp(shell, "zsh"))
        fputs(zsh_script, stdout);
    else if (!strcmp(shell, "fish"))
        fputs(fish_script, stdout);
    else
        return tide_cli_end(
            c, tide_fail(&e, TIDE_INVALID, "no shell \"%s\": bash, zsh or fish", shell), &e);
    return TIDE_EXIT_FINE;
}

const struct tide_cli tide_command_completion = {
    .title = "tidemark completion",
    .group = "More:",
    .summary = "print the script that completes words in bash, zsh or fish",
    .arguments = "bash|zsh|fish",
    .about =
        "Print the script that completes commands, options and values when TAB is pressed. Names "
        "of projects, scenarios, Pythons, runs and batches are asked of the daemon, where one "
        "answers at once.\n\n"
        "`cmake --install` puts the scripts where the shells look for them.",
    .parse = parse_shell,
    .examples =
        (const struct tide_example[]){
            {"source <(tidemark completion bash)", "In this shell; in ~/.bashrc for every one"},
            {"tidemark completion zsh > ~/.zfunc/_tidemark",
             "Where ~/.zfunc stands in fpath before compinit is called"},
            {"tidemark completion fish > ~/.config/fish/completions/tidemark.fish", NULL},
            {0}},
    .run = run_completion,
};
