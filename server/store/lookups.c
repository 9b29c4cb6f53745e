/* lookups.c - see lookups.h. */
#include "store/lookups.h"

#include "store/internal.h"

#define POINTS                                                                             \
    "WITH wanted AS (SELECT id, substr(baseline, instr(baseline, '@') + 1) AS sha,"        \
    "  instr(baseline, '@') > 0 AS pinned FROM projects WHERE name = ?1),"                 \
    " points AS (SELECT u.series, l.position, u.median, w.pinned AND"                      \
    "   substr(c.sha, 1, length(w.sha)) = w.sha AS is_base"                                \
    "  FROM wanted w JOIN scenarios s ON s.project = w.id AND s.present"                   \
    "  JOIN series r ON r.scenario = s.id JOIN pythons y ON y.id = r.python"               \
    "  JOIN metrics m ON m.name = 'tide_mark' JOIN summaries u ON u.series = r.id"         \
    "   AND u.metric = m.id JOIN line l ON l.commit_id = u.commit_id AND l.project = w.id" \
    "  JOIN commits c ON c.id = u.commit_id"                                               \
    "  WHERE (?2 IS NULL OR s.name = ?2) AND (?3 IS NULL OR y.name = ?3))"

/* A bare column beside the one max() or min() is of the row that has it
 * (sqlite.org/lang_select.html, 3.2). */
enum tide_rc tide_store_standing(struct tide_store *s, const char *project, const char *scenario,
                                 const char *python, struct tide_standing *out,
                                 struct tide_error *e)
{
    sqlite3_stmt *q = NULL;
    sqlite3 *db = tide_store_lend(s);
    enum tide_rc rc = tide_sql_prepare(
        db, &q, e,
        POINTS
        " SELECT newest.median, base.median FROM"
        " (SELECT series, median, max(position) FROM points GROUP BY series) newest JOIN"
        " (SELECT series, median, min(iif(is_base, -1, position)) FROM points GROUP BY series) base"
        " USING (series) WHERE base.median > 0"
        " ORDER BY newest.median * 1.0 / base.median DESC LIMIT 1",
        "ttt", project, scenario, python);
    if (!rc) rc = tide_sql_step(q, e);
    if (!rc)
        *out = (struct tide_standing){sqlite3_column_double(q, 0), sqlite3_column_double(q, 1)};
    if (rc == TIDE_ABSENT) tide_fail(e, rc, "nothing is measured of %.80s", project);
    sqlite3_finalize(q);
    tide_store_give(s, db);
    return rc;
}

/* ?1: the text, ?2: the project or NULL. Functions are looked for in the newest runs alone: their
 * names repeat in every run. `tail` ends the link; what would end it there is escaped. */
static const char search[] =
    "WITH found (kind, title, detail, link, tail) AS ("
    " SELECT * FROM (SELECT 'project', name, repo, '#/overview?project=', name FROM projects"
    "  WHERE instr(lower(name), lower(?1)) AND (?2 IS NULL OR name = ?2) ORDER BY name LIMIT 8)"
    " UNION ALL SELECT * FROM (SELECT 'scenario', s.name, coalesce(s.description ->> 'title', ''),"
    "  '#/history?project=' || p.name || '&scenario=', s.name FROM scenarios s JOIN projects p"
    "  ON p.id = s.project WHERE s.present AND (?2 IS NULL OR p.name = ?2)"
    "  AND (instr(lower(s.name), lower(?1)) OR instr(lower(s.description ->> 'title'), lower(?1)))"
    "  ORDER BY s.name LIMIT 8)"
    " UNION ALL SELECT * FROM (SELECT 'commit', substr(c.sha, 1, 12), c.subject,"
    "  '#/runs?project=' || p.name || '&commit=', c.sha FROM commits c JOIN projects p"
    "  ON p.id = c.project WHERE (?2 IS NULL OR p.name = ?2)"
    "  AND (substr(c.sha, 1, length(?1)) = lower(?1) OR instr(lower(c.subject), lower(?1)))"
    "  ORDER BY c.committed_ns DESC LIMIT 8)"
    " UNION ALL SELECT * FROM (SELECT 'python', name, program, '#/pythons', '' FROM pythons"
    "  WHERE present AND (instr(lower(name), lower(?1)) OR instr(program, ?1))"
    "  ORDER BY position LIMIT 8)"
    " UNION ALL SELECT * FROM (SELECT 'function', n.text, n.file, '#/run/' || max(n.run) || '?fn=',"
    "  n.text"
    "  FROM (SELECT r.id FROM runs r JOIN cells l ON l.id = r.cell JOIN scenarios s"
    "   ON s.id = l.scenario JOIN projects p ON p.id = s.project WHERE ?2 IS NULL OR p.name = ?2"
    "   ORDER BY r.id DESC LIMIT 100) newest JOIN names n ON n.run = newest.id"
    "  WHERE n.kind IN (1, 2) AND instr(lower(n.text), lower(?1)) GROUP BY n.text, n.file"
    "  ORDER BY length(n.text), n.text LIMIT 8)"
    " UNION ALL SELECT * FROM (SELECT 'run', 'Run ' || r.id, s.name || ', ' || r.status,"
    "  '#/run/' || r.id, '' FROM runs r JOIN cells l ON l.id = r.cell JOIN scenarios s"
    "  ON s.id = l.scenario JOIN projects p ON p.id = s.project WHERE r.id = CAST(?1 AS INTEGER)"
    "  AND ?1 = CAST(r.id AS TEXT) AND (?2 IS NULL OR p.name = ?2)))"
    " SELECT json_object('results', json_group_array(json_object('kind', kind, 'title', title,"
    " 'detail', detail, 'link', link || replace(replace(replace(replace(tail, '%', '%25'),"
    " '&', '%26'), '#', '%23'), '+', '%2B')))) FROM found";

enum tide_rc tide_store_search_json(struct tide_store *s, const char *text, const char *project,
                                    struct tide_str *out, struct tide_error *e)
{
    sqlite3_stmt *q = NULL;
    sqlite3 *db = tide_store_lend(s);
    enum tide_rc rc = tide_sql_prepare(db, &q, e, search, "tt", text, project);
    if (!rc) rc = tide_sql_step(q, e);
    if (!rc) tide_str_put(out, (const char *)sqlite3_column_text(q, 0));
    sqlite3_finalize(q);
    tide_store_give(s, db);
    return rc;
}
