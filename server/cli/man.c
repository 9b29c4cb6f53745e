/* man.c - man pages, made from the commands' tables: tidemark.1 and one for each command, the verbs
 * of a command in its page. The macros are those of man(7). */
#include "base/file.h"
#include "base/str.h"
#include "cli/commands.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* Text of a page: what roff would take for its own is escaped. An empty line is a new paragraph. */
static void put_text(struct tide_str *out, const char *text)
{
    bool begins = true;
    for (; *text; text++) {
        if (begins && (*text == '.' || *text == '\'')) tide_str_put(out, "\\&");
        begins = *text == '\n';
        if (begins && text[1] == '\n') {
            tide_str_put(out, "\n.PP\n");
            text++;
        } else if (*text == '\\') {
            tide_str_put(out, "\\e");
        } else if (*text == '-') {
            tide_str_put(out, "\\-");
        } else if (*text == '~') {
            tide_str_put(out, "\\(ti");
        } else if (*text == '^') {
            tide_str_put(out, "\\(ha");
        } else if (*text == '`') {
            tide_str_put(out, "\\(ga");
        } else if (*text == '\'') {
            tide_str_put(out, "\\(aq");
        } else {
            tide_str_add(out, text, 1);
        }
    }
}

static void put_macro(struct tide_str *out, const char *macro, const char *text)
{
    tide_str_put(out, macro);
    put_text(out, text);
    tide_str_put(out, "\n");
}

/* "tidemark projects add" as "tidemark-projects-add". */
static void put_dashed(struct tide_str *out, const char *title)
{
    for (; *title; title++)
        tide_str_put(out, *title == ' ' ? "\\-" : (const char[]){*title, '\0'});
}

static void put_synopsis(struct tide_str *out, const struct tide_cli *c)
{
    tide_str_put(out, ".PP\n.B ");
    put_text(out, c->title);
    put_text(out, c == &tide_program ? "\nCOMMAND [OPTION...]" : "\n[OPTION...]");
    if (c->arguments) tide_str_put(out, "\n");
    if (c->arguments) put_text(out, c->arguments);
    tide_str_put(out, "\n");
}

static void put_about(struct tide_str *out, const struct tide_cli *c)
{
    tide_str_put(out, ".PP\n");
    if (c->about) {
        put_text(out, c->about);
    } else {
        const char first[] = {(char)toupper((unsigned char)*c->summary), '\0'};
        put_text(out, first);
        put_text(out, c->summary + 1);
        tide_str_put(out, ".");
    }
    tide_str_put(out, "\n");
}

static void put_option(struct tide_str *out, const struct argp_option *o)
{
    char letter = tide_option_letter(o);
    tide_str_put(out, ".TP\n");
    if (letter) tide_str_printf(out, "\\fB\\-%c\\fR", letter);
    if (letter && o->name) tide_str_put(out, ", ");
    if (o->name) {
        tide_str_put(out, "\\fB\\-\\-");
        put_text(out, o->name);
        tide_str_put(out, "\\fR");
    }
    if (o->arg) {
        tide_str_put(out, " \\fI");
        put_text(out, o->arg);
        tide_str_put(out, "\\fR");
    }
    tide_str_put(out, "\n");
    put_text(out, o->doc && *o->doc ? o->doc : "-");
    tide_str_put(out, "\n");
}

static void put_options(struct tide_str *out, const struct tide_cli *c)
{
    struct argp_option *all = tide_cli_options(c);
    for (const struct argp_option *o = all; tide_option_kind(o) != TIDE_OPTION_END; o++) {
        if (tide_option_kind(o) == TIDE_OPTION_HEADING) put_macro(out, ".PP\n", o->doc);
        if (tide_option_kind(o) == TIDE_OPTION) put_option(out, o);
    }
    free(all);
}

static void put_examples(struct tide_str *out, const struct tide_cli *c)
{
    for (const struct tide_example *x = c->examples; x && x->line; x++) {
        tide_str_put(out, ".PP\n");
        if (x->why) put_text(out, x->why);
        tide_str_put(out, x->why ? ":\n.PP\n.RS 4\n.nf\n" : ".RS 4\n.nf\n");
        put_text(out, x->line);
        tide_str_put(out, "\n.fi\n.RE\n");
    }
}

static void put_exits(struct tide_str *out, const struct tide_cli *c)
{
    for (int i = 0; i < TIDE_EXIT_CODES; i++)
        if (tide_cli_exits(c) & (1u << i))
            tide_str_printf(out, ".TP\n.B %d\n%s\n", i, tide_exit_meanings[i]);
}

/* The commands under the whole program, each with the page that explains it. */
static void put_commands(struct tide_str *out)
{
    for (const struct tide_cli *const *v = tide_program.verbs; v && *v; v++) {
        if ((*v)->hidden) continue;
        if ((*v)->group) put_macro(out, ".SS ", (*v)->group);
        tide_str_put(out, ".TP\n.BR ");
        put_dashed(out, (*v)->title);
        tide_str_put(out, " (1)\n");
        put_text(out, (*v)->summary);
        tide_str_put(out, "\n");
    }
}

/* A verb of a command, as a section of the command's page. */
static void put_verb(struct tide_str *out, const struct tide_cli *v)
{
    put_macro(out, ".SS ", v->title);
    put_synopsis(out, v);
    put_about(out, v);
    put_options(out, v);
    if (v->notes) put_macro(out, ".PP\n", v->notes);
    put_examples(out, v);
}

static void put_head(struct tide_str *out, const struct tide_cli *c)
{
    tide_str_put(out, ".\\\" made by `tidemark help --man` from the command's table\n.TH ");
    for (const char *at = c->title; *at; at++)
        tide_str_printf(out, "%c", *at == ' ' ? '-' : toupper((unsigned char)*at));
    tide_str_put(out, " 1 \"\" \"Tidemark " TIDEMARK_VERSION "\" \"Tidemark manual\"\n.SH NAME\n");
    put_dashed(out, c->title);
    put_macro(out, " \\- ", c->summary);
}

static void put_page(struct tide_str *out, const struct tide_cli *c)
{
    put_head(out, c);
    tide_str_put(out, ".SH SYNOPSIS\n");
    put_synopsis(out, c);
    for (const struct tide_cli *const *v = c == &tide_program ? NULL : c->verbs; v && *v; v++)
        put_synopsis(out, *v);
    tide_str_put(out, ".SH DESCRIPTION\n");
    put_about(out, c);
    if (c->notes) put_macro(out, ".PP\n", c->notes);
    tide_str_put(out, ".SH OPTIONS\n");
    put_options(out, c);
    if (c->verbs) tide_str_put(out, ".SH COMMANDS\n");
    if (c == &tide_program) put_commands(out);
    for (const struct tide_cli *const *v = c == &tide_program ? NULL : c->verbs; v && *v; v++)
        put_verb(out, *v);
    if (c->examples) tide_str_put(out, ".SH EXAMPLES\n");
    put_examples(out, c);
    tide_str_put(out, ".SH EXIT STATUS\n");
    put_exits(out, c);
    if (c != &tide_program) tide_str_put(out, ".SH SEE ALSO\n.BR tidemark (1)\n");
}

static enum tide_rc write_page(const char *folder, const struct tide_cli *c, struct tide_error *e)
{
    struct tide_str page = {0};
    char *path = tide_format("%s/%s.1", folder, c->title);
    for (char *at = path ? path + strlen(folder) : NULL; at && *at; at++)
        if (*at == ' ') *at = '-';
    put_page(&page, c);
    enum tide_rc rc = !path || page.failed ? tide_fail(e, TIDE_NOMEM, "write a man page")
                                           : tide_file_replace(path, page.at, page.length, 0644, e);
    tide_str_free(&page);
    free(path);
    return rc;
}

enum tide_rc tide_man_write(const char *folder, struct tide_error *e)
{
    enum tide_rc rc = tide_file_make_folder(folder, 0755, e);
    if (!rc) rc = write_page(folder, &tide_program, e);
    for (const struct tide_cli *const *v = tide_program.verbs; !rc && *v; v++)
        if (!(*v)->hidden) rc = write_page(folder, *v, e);
    return rc;
}
