/* history_database.c - a made-up database of a long history, for figures of what reads histories.
 *
 *   bench-history-database FILE [--commits 5000] [--pythons 10] [--scenarios 12] [--samples 5]
 *
 * FILE is made anew, as DATA/tidemark.db of a data folder: `tidemark serve --data DATA` shows it.
 * All rows are made up, from one seed: the same arguments give the same database, but for the
 * instant it was made at. What stands in it:
 *
 * - the project `made-up`, disabled, whose line is in the database and whose repository is made by
 *   bench/history_repository.py;
 *
 * - its commits, one an hour, the last on 2025-01-01;
 *
 * - Pythons 3.5.0, 3.6.0 and so on: not of this machine;
 *
 * - scenarios made_up_0 and so on, of one parameter; those with an even number show no noise, the
 *   others a few pages of it;
 *
 * - a cell for each commit, python and scenario, but for gaps: one commit in 23 was never measured,
 *   one in 41 does not build, and its runs have failed;
 *
 * - `samples` runs of each, done, without events or curves, and one batch of those of a commit;
 *
 * - steps in every series at a quarter, at half and at three quarters of the line (STEPS below), a
 *   creep over 40 commits at seven eighths; scenario made_up_0 has one more at its newest commit.
 *
 * Summaries are written by the store, as for real runs. Change points are not: whoever reads them
 * first finds them. With the full size it takes some minutes, 1.5 GB of memory and more than 1 GB
 * of disk. */
#include "store/internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAGE    4096
#define MIB     1048576
#define HOUR_NS 3600000000000
#define LAST_NS 1735689600000000000
#define GAP     23
#define BROKEN  41
#define CREEP   40
#define MEASURE                                                                                   \
    "{\"bound\":262144,\"interval_us\":1000,\"precision\":\"bounded\",\"recording\":\"changes\"," \
    "\"threshold\":4096}"

static const struct {
    int eighth, pages;
} STEPS[] = {{2, 192}, {4, -128}, {6, 256}};

struct size {
    int64_t commits, pythons, scenarios, samples;
};

struct maker {
    sqlite3 *db;
    struct size size;
    struct tide_error error;
    sqlite3_stmt *cell, *run;
    int64_t project, batch, *commits, *pythons, *scenarios, *builds, *series;
};

/* splitmix64 of a place, so that a value does not depend on the order in which rows are made. */
static uint64_t hash_of(uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    uint64_t x = a * 0x9E3779B97F4A7C15u + b * 0xC2B2AE3D27D4EB4Fu + c * 0x165667B19E3779F9u + d;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

static bool is_gap(int64_t commit)
{
    return commit % GAP == 11;
}

static bool is_broken(int64_t commit)
{
    return commit % BROKEN == 17;
}

/* Pages that the tide mark lies above the original at the commit. */
static int64_t level(const struct maker *m, int64_t commit, int64_t python, int64_t scenario)
{
    int64_t pages = 512 + 64 * scenario + 16 * python, n = m->size.commits, creep = n * 7 / 8;
    for (size_t i = 0; i < sizeof STEPS / sizeof *STEPS; i++)
        if (commit >= n * STEPS[i].eighth / 8) pages += STEPS[i].pages;
    if (commit > creep) pages += (commit - creep < CREEP ? commit - creep : CREEP) * 8;
    if (scenario == 0 && commit == n - 1) pages += 400;
    return pages;
}

/* ---- what is measured ---- */

static enum tide_rc put_commits(struct maker *m)
{
    enum tide_rc rc = TIDE_OK;
    for (int64_t i = 0; i < m->size.commits && !rc; i++) {
        char sha[64], subject[64];
        snprintf(sha, sizeof sha, "%016llx%016llx%08llx",
                 (unsigned long long)hash_of(1, (uint64_t)i, 0, 0),
                 (unsigned long long)hash_of(2, (uint64_t)i, 0, 0), (unsigned long long)i);
        snprintf(subject, sizeof subject, "Made-up commit %lld", (long long)i);
        rc = tide_sql_integer(m->db, &m->commits[i], &m->error,
                              "INSERT INTO commits (project, sha, subject, author, committed_ns)"
                              " VALUES (?, ?, ?, 'Nobody', ?) RETURNING id",
                              "itti", m->project, sha, subject,
                              LAST_NS - (m->size.commits - 1 - i) * HOUR_NS);
        if (!rc)
            rc = tide_sql_do(m->db, &m->error,
                             "INSERT INTO line (project, position, commit_id) VALUES (?, ?, ?)",
                             "iii", m->project, i, m->commits[i]);
    }
    return rc;
}

static enum tide_rc put_names(struct maker *m)
{
    char name[32];
    enum tide_rc rc = TIDE_OK;
    for (int64_t i = 0; i < m->size.pythons && !rc; i++) {
        snprintf(name, sizeof name, "3.%lld.0", 5 + (long long)i);
        rc = tide_sql_integer(
            m->db, &m->pythons[i], &m->error,
            "INSERT INTO pythons (name, version, abi, prefix, program, libpython, include,"
            " source, identity, reason, present, position) VALUES (?1, ?1, 'made-up', '',"
            " '', '', '', 'path', 'made-up ' || ?1, 'made up', 0, ?2) RETURNING id",
            "ti", name, i);
    }
    for (int64_t i = 0; i < m->size.scenarios && !rc; i++) {
        snprintf(name, sizeof name, "made_up_%lld", (long long)i);
        rc = tide_sql_integer(
            m->db, &m->scenarios[i], &m->error,
            "INSERT INTO scenarios (name, version, project, file, description, present)"
            " VALUES (?1, 'v' || ?2, ?3, ?1 || '.py', json_object('name', ?1, 'title',"
            " 'Made-up scenario ' || ?2, 'module', 'made_up', 'params', json_array("
            " json_object('name', 'count', 'type', 'integer', 'default', 1000))), 1)"
            " RETURNING id",
            "tii", name, i, m->project);
    }
    return rc;
}

static enum tide_rc put_builds(struct maker *m)
{
    enum tide_rc rc = TIDE_OK;
    for (int64_t i = 0; i < m->size.commits && !rc; i++)
        for (int64_t p = 0; p < m->size.pythons && !rc && !is_gap(i); p++) {
            char key[64];
            snprintf(key, sizeof key, "made-up-%lld-%lld", (long long)i, (long long)p);
            rc = tide_sql_integer(
                m->db, &m->builds[i * m->size.pythons + p], &m->error,
                "INSERT INTO builds (key, commit_id, python, flags, compiler, status, error,"
                " started_ns, finished_ns) VALUES (?1, ?2, ?3, '', 'made up', ?4, ?5, ?6, ?6 + "
                "1000000000)"
                " RETURNING id",
                "tiitti", key, m->commits[i], m->pythons[p], is_broken(i) ? "failed" : "done",
                is_broken(i) ? "made up: it does not build" : NULL, LAST_NS);
        }
    return rc;
}

static enum tide_rc put_series(struct maker *m)
{
    enum tide_rc rc = TIDE_OK;
    for (int64_t s = 0; s < m->size.scenarios && !rc; s++)
        for (int64_t p = 0; p < m->size.pythons && !rc; p++)
            rc =
                tide_sql_integer(m->db, &m->series[s * m->size.pythons + p], &m->error,
                                 "INSERT INTO series (scenario, params, python, allocator, measure)"
                                 " VALUES (?, '{\"count\":1000}', ?, 'pymalloc', ?) RETURNING id",
                                 "iit", m->scenarios[s], m->pythons[p], MEASURE);
    return rc;
}

/* ---- cells and runs ---- */

static enum tide_rc step(sqlite3_stmt *q, struct tide_error *e)
{
    enum tide_rc rc = tide_sql_step(q, e);
    sqlite3_reset(q);
    return rc == TIDE_ABSENT ? TIDE_OK : rc;
}

static enum tide_rc put_run(struct maker *m, int64_t cell, int64_t c, int64_t p, int64_t s,
                            int64_t sample)
{
    uint64_t random = hash_of((uint64_t)c, (uint64_t)p, (uint64_t)s, (uint64_t)sample);
    int64_t noise = s % 2 ? (int64_t)(random % 5) - 2 : 0;
    int64_t base = (8 + p) * MIB, original = base + (4 + s) * MIB;
    int64_t tide = original + (level(m, c, p, s) + noise) * PAGE;
    int64_t wall = 50000000 + (int64_t)(random % 2000000);
    bool broken = is_broken(c);
    const int64_t values[] = {cell,
                              sample,
                              m->builds[c * m->size.pythons + p],
                              LAST_NS,
                              base,
                              original,
                              tide,
                              base + noise * PAGE,
                              (4 + s) * MIB,
                              wall,
                              wall * 9 / 10,
                              2000 + (int64_t)(random % 100),
                              5000,
                              60};
    sqlite3_bind_int64(m->run, 1, m->batch);
    for (int i = 0; i < (int)(sizeof values / sizeof *values); i++)
        if (broken && i > 3)
            sqlite3_bind_null(m->run, 2 + i);
        else
            sqlite3_bind_int64(m->run, 2 + i, values[i]);
    sqlite3_bind_text(m->run, 16, broken ? "failed" : "done", -1, SQLITE_STATIC);
    sqlite3_bind_text(m->run, 17, broken ? "made up: it does not build" : NULL, -1, SQLITE_STATIC);
    return step(m->run, &m->error);
}

/* Of one commit: a batch of it, and its cells lie together, as they do when commits are measured
 * one after the other. */
static enum tide_rc put_cells(struct maker *m, int64_t c)
{
    enum tide_rc rc = tide_sql_integer(
        m->db, &m->batch, &m->error,
        "INSERT INTO batches (queued_ns, finished_ns) VALUES (?1, ?1) RETURNING id", "i",
        LAST_NS - (m->size.commits - 1 - c) * HOUR_NS);
    for (int64_t s = 0; s < m->size.scenarios && !rc; s++)
        for (int64_t p = 0; p < m->size.pythons && !rc; p++) {
            sqlite3_bind_int64(m->cell, 1, m->commits[c]);
            sqlite3_bind_int64(m->cell, 2, m->series[s * m->size.pythons + p]);
            rc = step(m->cell, &m->error);
            int64_t cell = sqlite3_last_insert_rowid(m->db);
            for (int64_t k = 1; k <= m->size.samples && !rc; k++)
                rc = put_run(m, cell, c, p, s, k);
        }
    return rc;
}

static enum tide_rc put_all_cells(struct maker *m)
{
    enum tide_rc rc = tide_sql_prepare(
        m->db, &m->cell, &m->error,
        "INSERT INTO cells (scenario, params, commit_id, python, allocator, measure, series)"
        " SELECT scenario, params, ?1, python, allocator, measure, id FROM series WHERE id = ?2",
        "");
    if (!rc)
        rc = tide_sql_prepare(
            m->db, &m->run, &m->error,
            "INSERT INTO runs (batch, cell, sample, build, queued_ns, started_ns, finished_ns, "
            "base,"
            " original, tide_mark, end, floor, wall_ns, cpu_ns, page_faults, events, samples,"
            " percent, status, error) VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?5 + 1000000000, ?6, ?7, ?8,"
            " ?9, ?10, ?11, ?12, ?13, ?14, ?15, 100, ?16, ?17)",
            "");
    for (int64_t c = 0; c < m->size.commits && !rc; c++)
        if (!is_gap(c)) rc = put_cells(m, c);
    sqlite3_finalize(m->cell);
    sqlite3_finalize(m->run);
    return rc;
}

/* ---- the whole ---- */

static enum tide_rc fill(struct maker *m)
{
    enum tide_rc rc = tide_sql_integer(
        m->db, &m->project, &m->error,
        "INSERT INTO projects (name, repo, enabled, recipe) VALUES ('made-up', '/nonexistent', 0,"
        " '{\"kind\":\"cmake\",\"folder\":\"\"}') RETURNING id",
        "");
    if (!rc) rc = put_commits(m);
    if (!rc) rc = put_names(m);
    if (!rc) rc = put_builds(m);
    if (!rc) rc = put_series(m);
    if (!rc) rc = put_all_cells(m);
    return rc ? rc : tide_store_fill_summaries(m->db, &m->error);
}

/* In one transaction, without what makes a write survive: the file is made anew anyway. Cells know
 * their series; the trigger would look each up again. */
static enum tide_rc make(struct maker *m, const char *path)
{
    char *trigger = NULL;
    sqlite3_stmt *q = NULL;
    enum tide_rc rc = sqlite3_open(path, &m->db) ? tide_sql_fail(m->db, path, &m->error) : TIDE_OK;
    if (!rc) rc = tide_sql_do(m->db, &m->error, "PRAGMA synchronous = OFF", "");
    if (!rc) rc = tide_sql_do(m->db, &m->error, "PRAGMA journal_mode = OFF", "");
    if (!rc) rc = tide_sql_do(m->db, &m->error, "PRAGMA cache_size = -1500000", "");
    if (!rc) rc = tide_sql_do(m->db, &m->error, "BEGIN", "");
    if (!rc)
        rc = tide_sql_prepare(m->db, &q, &m->error,
                              "SELECT sql FROM sqlite_master WHERE name = 'cells_join_series'", "");
    if (!rc) rc = tide_sql_step(q, &m->error);
    if (!rc) trigger = tide_sql_text(q, 0);
    sqlite3_finalize(q);
    if (!rc) rc = tide_sql_do(m->db, &m->error, "DROP TRIGGER cells_join_series", "");
    if (!rc) rc = fill(m);
    if (!rc) rc = tide_sql_do(m->db, &m->error, trigger, "");
    if (!rc) rc = tide_sql_do(m->db, &m->error, "COMMIT", "");
    if (!rc) rc = tide_sql_do(m->db, &m->error, "PRAGMA journal_mode = WAL", "");
    free(trigger);
    sqlite3_close(m->db);
    return rc;
}

static bool read_size(int argc, char **argv, struct size *size)
{
    struct {
        const char *name;
        int64_t *value;
    } options[] = {{"--commits", &size->commits},
                   {"--pythons", &size->pythons},
                   {"--scenarios", &size->scenarios},
                   {"--samples", &size->samples}};
    for (int i = 2; i < argc; i += 2) {
        size_t at = 0;
        while (at < 4 && strcmp(options[at].name, argv[i]) != 0)
            at++;
        if (at == 4 || i + 1 == argc) return false;
        *options[at].value = strtoll(argv[i + 1], NULL, 10);
        if (*options[at].value < 1 || *options[at].value > 100000) return false;
    }
    return argc > 1 && *argv[1] != '-';
}

/* Make the tables the way the daemon does. */
static enum tide_rc create(const char *path, struct tide_error *e)
{
    struct tide_store *store = NULL;
    if (!access(path, F_OK) && unlink(path)) return tide_fail_errno(e, "remove %s", path);
    enum tide_rc rc = tide_store_open(path, &store, e);
    tide_store_close(store);
    return rc;
}

int main(int argc, char **argv)
{
    struct maker m = {.size = {5000, 10, 12, 5}};
    if (!read_size(argc, argv, &m.size)) {
        fprintf(stderr,
                "usage: %s FILE [--commits N] [--pythons N] [--scenarios N] [--samples N]\n",
                argv[0]);
        return 2;
    }
    m.commits = calloc((size_t)m.size.commits, sizeof *m.commits);
    m.pythons = calloc((size_t)m.size.pythons, sizeof *m.pythons);
    m.scenarios = calloc((size_t)m.size.scenarios, sizeof *m.scenarios);
    m.builds = calloc((size_t)(m.size.commits * m.size.pythons), sizeof *m.builds);
    m.series = calloc((size_t)(m.size.scenarios * m.size.pythons), sizeof *m.series);
    enum tide_rc rc = create(argv[1], &m.error);
    if (!rc) rc = make(&m, argv[1]);
    if (rc) fprintf(stderr, "%s: %s\n", argv[1], m.error.text);
    free(m.commits);
    free(m.pythons);
    free(m.scenarios);
    free(m.builds);
    free(m.series);
    return rc ? 1 : 0;
}
