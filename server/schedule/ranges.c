/* ranges.c - see ranges.h.
 *
 * An entry of `commits` is a revision, a range A..B, one of the words `tags`, `new` and `missing`,
 * or an object {"range", "since", "until", "every"}. A range is the first-parent line of B without
 * what A reaches. Dates bound it first, then every Nth commit is taken, counted from the newest, so
 * that the newest is always in. The fields `since`, `until` and `every` of the request hold for
 * every range that does not say otherwise; without a range they make one: the line of HEAD. */
#include "schedule/ranges.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ENTRIES_MAX 1000
#define LINE_MAX    1000000 /* commits of a line that are looked at */
#define EVERY_MAX   1000000

const char *const tide_range_fields[] = {"commits", "since", "until", "every", NULL};

struct bounds {
    int64_t since_ns, until_ns; /* INT64_MIN and INT64_MAX: none */
    int64_t every;
    bool given;
};

void tide_selection_clear(struct tide_selection *s)
{
    for (size_t i = 0; i < s->n; i++)
        tide_commit_clear(&s->commits[i]);
    free(s->commits);
    free(s->named);
    *s = (struct tide_selection){0};
}

/* ---- dates and steps ---- */

/* n digits at *at, which is moved behind them and behind `after`; -1 when they are not there. */
static int take_digits(const char **at, int n, const char *after)
{
    int value = 0;
    for (; n; n--, ++*at) {
        if (**at < '0' || **at > '9') return -1;
        value = value * 10 + (**at - '0');
    }
    if (strncmp(*at, after, strlen(after)) != 0) return -1;
    *at += strlen(after);
    return value;
}

/* YYYY-MM-DD, or YYYY-MM-DDThh:mm:ssZ; a day alone is its first second, with `end` its last. */
static bool read_date(const char *text, bool end, int64_t *ns)
{
    struct tm t = {.tm_year = take_digits(&text, 4, "-") - 1900};
    t.tm_mon = take_digits(&text, 2, "-") - 1;
    t.tm_mday = take_digits(&text, 2, "");
    if (*text) {
        if (*text++ != 'T') return false;
        t.tm_hour = take_digits(&text, 2, ":");
        t.tm_min = take_digits(&text, 2, ":");
        t.tm_sec = take_digits(&text, 2, "Z");
    } else if (end) {
        t.tm_hour = 23;
        t.tm_min = t.tm_sec = 59;
    }
    if (*text || t.tm_year < 70 || t.tm_year > 300) return false;
    struct tm same = t;
    time_t seconds =
        timegm(&same); /* brings what is no date, such as the 31st of June, into shape */
    *ns = (int64_t)seconds * 1000000000;
    return same.tm_mon == t.tm_mon && same.tm_mday == t.tm_mday && same.tm_hour == t.tm_hour &&
           same.tm_min == t.tm_min && same.tm_sec == t.tm_sec;
}

static enum tide_rc take_date(const json_t *object, const char *name, const char *field, bool end,
                              struct bounds *b, struct tide_error *e)
{
    const json_t *value = json_object_get(object, name);
    if (!value) return TIDE_OK;
    b->given = true;
    if (json_is_string(value) &&
        read_date(json_string_value(value), end, end ? &b->until_ns : &b->since_ns))
        return TIDE_OK;
    return tide_fail_field(e, field,
                           "must be a date in UTC like \"2024-01-31\" or \"2024-01-31T12:00:00Z\"");
}

static enum tide_rc take_every(const json_t *object, const char *field, struct bounds *b,
                               struct tide_error *e)
{
    const json_t *value = json_object_get(object, "every");
    double number = json_number_value(value);
    if (!value) return TIDE_OK;
    b->given = true;
    if (!json_is_number(value) || number < 1 || number > EVERY_MAX || number != (int64_t)number)
        return tide_fail_field(e, field, "must be an integer from 1 to %d", EVERY_MAX);
    b->every = (int64_t)number;
    return TIDE_OK;
}

/* The bounds in `object` over those in *b; `prefix` stands before the names of its fields. */
static enum tide_rc read_bounds(const json_t *object, const char *prefix, struct bounds *b,
                                struct tide_error *e)
{
    char since[64], until[64], every[64];
    snprintf(since, sizeof since, "%ssince", prefix);
    snprintf(until, sizeof until, "%suntil", prefix);
    snprintf(every, sizeof every, "%severy", prefix);
    enum tide_rc rc = take_date(object, "since", since, false, b, e);
    if (!rc) rc = take_date(object, "until", until, true, b, e);
    if (!rc) rc = take_every(object, every, b, e);
    if (!rc && b->since_ns > b->until_ns)
        rc = tide_fail_field(e, json_object_get(object, "since") ? since : until,
                             "since is later than until: nothing lies between");
    return rc;
}

/* ---- what is selected ---- */

static bool is_selected(const struct tide_selection *s, const char *sha, bool named)
{
    for (size_t i = 0; i < s->n; i++)
        if (!strcmp(s->commits[i].sha, sha)) {
            s->named[i] = s->named[i] || named;
            return true;
        }
    return false;
}

/* Take the commit over, unless it is selected already; *c is empty afterwards. */
static enum tide_rc add_take(struct tide_selection *s, struct tide_commit *c, bool named,
                             struct tide_error *e)
{
    if (is_selected(s, c->sha, named)) {
        tide_commit_clear(c);
        return TIDE_OK;
    }
    if (s->n == TIDE_COMMITS_MAX)
        return tide_fail_field(e, "commits",
                               "more than the %d commits that a request may name: bound them with "
                               "since, until or every",
                               TIDE_COMMITS_MAX);
    s->commits[s->n] = *c;
    s->named[s->n++] = named;
    *c = (struct tide_commit){0};
    return TIDE_OK;
}

/* Leave of the n commits, newest first, those within the bounds; the new n. */
static size_t apply_bounds(struct tide_commit *commits, size_t n, const struct bounds *b)
{
    size_t kept = 0;
    int64_t seen = 0;
    for (size_t i = 0; i < n; i++) {
        int64_t t = commits[i].committed_ns;
        bool within = t >= b->since_ns && t <= b->until_ns;
        if (within && seen++ % b->every == 0)
            commits[kept++] = commits[i];
        else
            tide_commit_clear(&commits[i]);
    }
    return kept;
}

/* Take the bounded commits over, oldest first; frees them and the list. `what` names them. */
static enum tide_rc add_line_take(struct tide_selection *s, struct tide_commit *line, size_t n,
                                  const struct bounds *b, const char *what, struct tide_error *e)
{
    enum tide_rc rc = TIDE_OK;
    size_t all = n;
    n = apply_bounds(line, n, b);
    if (!n)
        rc = tide_fail_field(e, "commits", "%.200s names no commit%s", what,
                             all ? " between since and until" : "");
    else if (n > TIDE_COMMITS_MAX)
        rc = tide_fail_field(e, "commits",
                             "%.200s names %zu commits, more than the %d that a request may name: "
                             "bound it with since, until or every",
                             what, n, TIDE_COMMITS_MAX);
    for (size_t i = n; i-- > 0 && !rc;)
        rc = add_take(s, &line[i], false, e);
    for (size_t i = 0; i < n; i++)
        tide_commit_clear(&line[i]);
    free(line);
    return rc;
}

static enum tide_rc add_head(struct tide_selection *s, struct tide_repo *repo,
                             const struct bounds *b, struct tide_error *e)
{
    struct tide_commit *line = NULL;
    size_t n = 0;
    enum tide_rc rc = tide_repo_list(repo, "HEAD", NULL, LINE_MAX, &line, &n, e);
    return rc ? rc : add_line_take(s, line, n, b, "the history of HEAD", e);
}

static enum tide_rc add_tags(struct tide_selection *s, struct tide_repo *repo,
                             const struct bounds *b, struct tide_error *e)
{
    struct tide_commit *line = NULL;
    size_t n = 0;
    enum tide_rc rc = tide_repo_tagged(repo, LINE_MAX, &line, &n, e);
    return rc ? rc : add_line_take(s, line, n, b, "tags: the repository's tags", e);
}

/* A..B, where a side that is left out is HEAD. `dots` points into `range`. */
static enum tide_rc add_range(struct tide_selection *s, struct tide_repo *repo, const char *range,
                              const char *dots, const struct bounds *b, struct tide_error *e)
{
    struct tide_commit *line = NULL;
    size_t n = 0;
    if (dots[2] == '.')
        return tide_fail_field(e, "commits",
                               "%.200s has three dots: a range is A..B, the commits that lead to B "
                               "without those that lead to A",
                               range);
    char *from = dots > range ? strndup(range, (size_t)(dots - range)) : strdup("HEAD");
    if (!from) return tide_fail(e, TIDE_NOMEM, "select commits");
    enum tide_rc rc =
        tide_repo_range(repo, from, dots[2] ? dots + 2 : "HEAD", LINE_MAX, &line, &n, e);
    free(from);
    return rc ? rc : add_line_take(s, line, n, b, range, e);
}

/* ":/words" seeks a commit by its message, and words may hold dots. */
static const char *find_dots(const char *text)
{
    return *text == ':' ? NULL : strstr(text, "..");
}

/* ---- the entries ---- */

static bool is_filter(const json_t *entry)
{
    const char *text = json_string_value(entry);
    return text && (!strcmp(text, "new") || !strcmp(text, "missing"));
}

/* Whether the entry selects more than the one commit that it names. */
static bool is_line(const json_t *entry)
{
    const char *text = json_string_value(entry);
    return json_is_object(entry) || (text && (!strcmp(text, "tags") || find_dots(text)));
}

static enum tide_rc add_object(struct tide_selection *s, struct tide_repo *repo,
                               const json_t *entry, size_t i, struct bounds b, struct tide_error *e)
{
    static const char *const known[] = {"range", "since", "until", "every"};
    const json_t *range = json_object_get(entry, "range");
    const char *text = json_string_value(range), *key;
    json_t *value;
    char prefix[40], field[64];
    json_object_foreach((json_t *)entry, key, value)
    {
        bool found = false;
        for (size_t k = 0; k < sizeof known / sizeof *known; k++)
            found = found || !strcmp(known[k], key);
        snprintf(field, sizeof field, "commits[%zu].%.30s", i, key);
        if (!found)
            return tide_fail_field(e, field,
                                   "no such field; allowed are range, since, until, every");
    }
    snprintf(prefix, sizeof prefix, "commits[%zu].", i);
    snprintf(field, sizeof field, "%srange", prefix);
    enum tide_rc rc = read_bounds(entry, prefix, &b, e);
    if (rc) return rc;
    if (!range) return add_head(s, repo, &b, e);
    if (text && !strcmp(text, "tags")) return add_tags(s, repo, &b, e);
    const char *dots = text ? find_dots(text) : NULL;
    if (!dots) return tide_fail_field(e, field, "must be a range like \"v1.0..HEAD\", or \"tags\"");
    return add_range(s, repo, text, dots, &b, e);
}

/* Add what the entry names: `revision` where it is one. */
static enum tide_rc add_entry(struct tide_selection *s, struct tide_repo *repo, const json_t *entry,
                              size_t i, const struct bounds *b, struct tide_commit *revision,
                              struct tide_error *e)
{
    const char *text = json_string_value(entry);
    if (json_is_object(entry)) return add_object(s, repo, entry, i, *b, e);
    if (!text || !*text)
        return tide_fail_field(e, "commits",
                               "must be a string that is not empty, or an object with since, "
                               "until, every or range");
    if (is_filter(entry)) return TIDE_OK;
    if (!strcmp(text, "tags")) return add_tags(s, repo, b, e);
    const char *dots = find_dots(text);
    return dots ? add_range(s, repo, text, dots, b, e) : add_take(s, revision, true, e);
}

static void note_filters(const json_t *list, struct tide_selection *s)
{
    size_t i;
    json_t *entry;
    json_array_foreach((json_t *)list, i, entry)
    {
        const char *text = json_string_value(entry);
        bool missing = text && !strcmp(text, "missing");
        if (is_filter(entry) && missing) s->missing_at = i;
        if (is_filter(entry) && !missing) s->new_at = i;
        s->only_missing = s->only_missing || (is_filter(entry) && missing);
        s->only_new = s->only_new || (is_filter(entry) && !missing);
    }
}

/* Whether the line of HEAD is meant beside what the list names: a filter, or a bound, wants
 * something to hold for. */
static bool wants_head(const json_t *list, const struct tide_selection *s, const struct bounds *b)
{
    size_t i;
    json_t *entry;
    json_array_foreach((json_t *)list, i, entry)
    {
        if (is_line(entry)) return false;
    }
    return s->only_new || s->only_missing || (b->given && !list);
}

static enum tide_rc check_entries(const json_t *list, const struct bounds *b, bool head,
                                  struct tide_error *e)
{
    size_t i;
    json_t *entry;
    bool line = head;
    if (list &&
        (!json_is_array(list) || !json_array_size(list) || json_array_size(list) > ENTRIES_MAX))
        return tide_fail_field(e, "commits", "must be a list of 1 to %d revisions and ranges",
                               ENTRIES_MAX);
    json_array_foreach((json_t *)list, i, entry)
    {
        line = line || is_line(entry);
    }
    if (b->given && !line)
        return tide_fail_field(e, "commits",
                               "since, until and every bound a range, and there is none: leave "
                               "commits out for the history of HEAD, or name one like v1.0..HEAD");
    return TIDE_OK;
}

static bool is_revision(const json_t *entry)
{
    const char *text = json_string_value(entry);
    return text && *text && !is_filter(entry) && !is_line(entry);
}

struct revisions { /* the entries of a list that are revisions */
    const char **names;
    size_t *entries; /* where each stands in the list */
    struct tide_commit *commits;
    size_t n;
};

static void clear_revisions(struct revisions *v)
{
    for (size_t i = 0; i < v->n && v->commits; i++)
        tide_commit_clear(&v->commits[i]);
    free(v->names);
    free(v->entries);
    free(v->commits);
}

/* Find them all at once: git is started a few times, however many there are. */
static enum tide_rc find_revisions(struct tide_repo *repo, const json_t *list, struct revisions *v,
                                   struct tide_error *e)
{
    size_t i, size = json_array_size(list) + 1, bad;
    json_t *entry;
    *v = (struct revisions){.names = calloc(size, sizeof *v->names),
                            .entries = calloc(size, sizeof *v->entries),
                            .commits = calloc(size, sizeof *v->commits)};
    if (!v->names || !v->entries || !v->commits) return tide_fail(e, TIDE_NOMEM, "select commits");
    json_array_foreach((json_t *)list, i, entry)
    {
        if (!is_revision(entry)) continue;
        v->entries[v->n] = i;
        v->names[v->n++] = json_string_value(entry);
    }
    enum tide_rc rc = tide_repo_resolve_all(repo, v->names, v->n, v->commits, &bad, e);
    if (rc && bad < v->n && e) snprintf(e->field, sizeof e->field, "commits[%zu]", v->entries[bad]);
    return rc;
}

static enum tide_rc add_entries(struct tide_selection *s, struct tide_repo *repo,
                                const json_t *list, const struct bounds *b, struct tide_error *e)
{
    struct revisions v;
    size_t i, next = 0;
    json_t *entry;
    enum tide_rc rc = find_revisions(repo, list, &v, e);
    json_array_foreach((json_t *)list, i, entry)
    {
        if (rc) break;
        rc = add_entry(s, repo, entry, i, b, &v.commits[next], e);
        next += is_revision(entry);
        if (rc == TIDE_INVALID && e && !strcmp(e->field, "commits"))
            snprintf(e->field, sizeof e->field, "commits[%zu]", i);
    }
    clear_revisions(&v);
    return rc;
}

static enum tide_rc add_tip(struct tide_selection *s, struct tide_repo *repo, struct tide_error *e)
{
    struct tide_commit tip;
    enum tide_rc rc = tide_repo_resolve(repo, "HEAD", &tip, e);
    if (!rc) rc = add_take(s, &tip, true, e);
    tide_commit_clear(&tip);
    return rc;
}

enum tide_rc tide_ranges_select(struct tide_repo *repo, const json_t *request,
                                struct tide_selection *out, struct tide_error *e)
{
    const json_t *list = json_object_get(request, "commits");
    struct bounds b = {.since_ns = INT64_MIN, .until_ns = INT64_MAX, .every = 1};
    *out = (struct tide_selection){0};
    enum tide_rc rc = read_bounds(request, "", &b, e);
    if (rc) return rc;
    note_filters(list, out);
    bool head = wants_head(list, out, &b);
    rc = check_entries(list, &b, head, e);
    if (rc) return rc;
    out->commits = calloc(TIDE_COMMITS_MAX, sizeof *out->commits);
    out->named = calloc(TIDE_COMMITS_MAX, sizeof *out->named);
    if (!out->commits || !out->named) return tide_fail(e, TIDE_NOMEM, "select commits");
    if (head) rc = add_head(out, repo, &b, e);
    if (!list && !head) rc = add_tip(out, repo, e);
    return rc || !list ? rc : add_entries(out, repo, list, &b, e);
}
