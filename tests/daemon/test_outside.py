"""What other pages and programs show of a project: the badge, the Atom feed, the search."""

import sqlite3
import unittest
import xml.etree.ElementTree as ElementTree

from daemon import DaemonCase

ATOM = "{http://www.w3.org/2005/Atom}"
LOG = b"CMDLINE python example.py\nMEM 10.0 1700000000.0000\nMEM 12.0 1700000001.0000\n"


def add_history(path: str, peaks: list) -> None:
    """A project `made` with a commit for each peak, measured of one scenario; and a regression at the newest."""
    database = sqlite3.connect(path, timeout=30)
    run = database.execute
    python = run("SELECT id FROM pythons LIMIT 1").fetchone()[0]
    with database:
        project = run("INSERT INTO projects (name, repo) VALUES ('made', '/repo')").lastrowid
        scenario = run("INSERT INTO scenarios (project, name, version, file, description, present) VALUES"
                       " (?, 'grow', 'v', 'f', '{\"title\": \"Grow & <shrink>\"}', 1)", (project,)).lastrowid
        for i, peak in enumerate(peaks):
            commit = run("INSERT INTO commits (project, sha, subject, author, committed_ns) VALUES (?, ?, ?, 'A', ?)",
                         (project, "%040x" % (i + 0xabc), "Change <%d> & \"more\"" % i, i)).lastrowid
            run("INSERT INTO line (project, position, commit_id) VALUES (?, ?, ?)", (project, i, commit))
            cell = run("INSERT INTO cells (scenario, params, commit_id, python, allocator, measure) VALUES"
                       " (?, '{}', ?, ?, 'malloc', '{}')", (scenario, commit, python)).lastrowid
            series = run("SELECT series FROM cells WHERE id = ?", (cell,)).fetchone()[0]
            run("INSERT INTO summaries (series, metric, commit_id, cell, n, minimum, maximum, median) VALUES"
                " (?, 2, ?, ?, 1, ?, ?, ?)", (series, commit, cell, peak, peak, peak))
    database.close()


class Outside(DaemonCase):
    """One daemon."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        add_history(str(cls.daemon.data / "tidemark.db"), [100 << 20, 101 << 20, 120 << 20])

    def badge(self, target: str) -> str:
        """The title of a badge, which must be well-formed SVG."""
        answer = self.daemon.get(target)
        self.assertEqual(answer.status, 200, answer.body)
        self.assertEqual(answer.headers["content-type"], "image/svg+xml")
        root = ElementTree.fromstring(answer.body)
        self.assertEqual(root.tag, "{http://www.w3.org/2000/svg}svg")
        title = root.find("{http://www.w3.org/2000/svg}title")
        assert title is not None and title.text
        return title.text

    def test_the_badge_tells_the_peak_against_the_baseline(self) -> None:
        """The newest commit's against the first's; \"no data\" where there is none; 404 for no project."""
        self.assertEqual(self.badge("/badge/made.svg"), "peak: 120.0 MiB (+20.0 %)")
        self.assertEqual(self.badge("/badge/made.svg?scenario=grow"), "peak: 120.0 MiB (+20.0 %)")
        self.assertEqual(self.badge("/badge/made.svg?scenario=other"), "peak: no data")
        self.assertEqual(self.badge("/badge/made.svg?python=0.9"), "peak: no data")
        self.assertEqual(self.badge("/badge/converters.svg"), "peak: no data")
        self.assertEqual(self.daemon.get("/badge/none.svg").status, 404)
        self.assertEqual(self.daemon.get("/badge/made").status, 404)
        self.assertEqual(self.daemon.get("/badge/made.svg?colour=red").status, 400)
        database = sqlite3.connect(str(self.daemon.data / "tidemark.db"), timeout=30)
        with database:
            database.execute("UPDATE projects SET baseline = ? WHERE name = 'made'", ("@%040x" % (1 + 0xabc),))
        database.close()
        self.assertEqual(self.badge("/badge/made.svg"), "peak: 120.0 MiB (+18.8 %)")

    def test_the_feed_is_atom(self) -> None:
        """What RFC 4287 requires of a feed is there; a project without regressions has no entry."""
        answer = self.daemon.get("/feed/converters.atom")
        self.assertEqual(answer.status, 200, answer.body)
        self.assertEqual(answer.headers["content-type"], "application/atom+xml")
        root = ElementTree.fromstring(answer.body)
        self.assertEqual(root.tag, ATOM + "feed")
        for name in ("id", "title", "updated", "author"):
            self.assertEqual(len(root.findall(ATOM + name)), 1, name)
        self.assertEqual([link.get("rel") for link in root.findall(ATOM + "link")], ["self", None])
        self.assertRegex(root.findtext(ATOM + "updated") or "", r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        self.assertEqual(root.findall(ATOM + "entry"), [])
        self.assertEqual(self.daemon.get("/feed/none.atom").status, 404)

    def test_regressions_are_entries_of_the_feed(self) -> None:
        """Each with an id, a title, an instant and a link; texts of users are escaped."""
        database = sqlite3.connect(str(self.daemon.data / "tidemark.db"), timeout=30)
        series, commit = database.execute(
            "SELECT u.series, u.commit_id FROM summaries u JOIN commits c ON c.id = u.commit_id"
            " ORDER BY u.median DESC LIMIT 1").fetchone()
        previous = database.execute("SELECT max(id) FROM commits WHERE id < ?", (commit,)).fetchone()[0]
        with database:
            database.execute("DELETE FROM stale_series")  # nobody looks for changes of this series anew
            database.execute("INSERT INTO changes (series, metric, commit_id, previous, last, kind, status, before, after,"
                             " effect, found_ns) VALUES (?, 2, ?, ?, ?, 'step', 'confirmed', ?, ?, ?, ?)",
                             (series, commit, previous, commit, 101 << 20, 120 << 20, 19 << 20, 1700000000 * 10**9))
        database.close()
        listed = self.daemon.get("/api/v1/regressions?project=made").json()["regressions"]
        self.assertEqual(len(listed), 1)
        root = ElementTree.fromstring(self.daemon.get("/feed/made.atom").body)
        entries = root.findall(ATOM + "entry")
        self.assertEqual(len(entries), 1)
        for name in ("id", "title", "updated", "link", "summary"):
            self.assertIsNotNone(entries[0].find(ATOM + name), name)
        self.assertIn('Change <2> & "more"', entries[0].findtext(ATOM + "summary") or "")
        self.assertRegex(entries[0].findtext(ATOM + "title") or "", r"^grow: \+18\.8 % tide_mark$")

    def test_search(self) -> None:
        """By name, title, subject, hash or number; what a user wrote is text, not a pattern."""
        answer = self.daemon.post("/api/v1/imports?name=findme.dat", LOG, {"Content-Type": "application/octet-stream"})
        run = answer.json()["id"]

        def found(query: str) -> list:
            results = self.daemon.get("/api/v1/search?q=" + query).json()["results"]
            for result in results:
                self.assertEqual(set(result), {"kind", "title", "detail", "link"})
                self.assertTrue(result["link"].startswith("#/"), result)
            return [(result["kind"], result["title"]) for result in results]

        self.assertIn(("project", "made"), found("MADE"))
        self.assertIn(("scenario", "grow"), found("grow"))
        self.assertIn(("scenario", "grow"), found("%3Cshrink%3E"))
        self.assertIn(("commit", ("%040x" % 0xabe)[:12]), found("%040x" % 0xabe))
        self.assertIn(("commit", ("%040x" % 0xabd)[:12]), found("change%20%3C1"))
        self.assertIn(("run", "Run %d" % run), found(str(run)))
        self.assertTrue([kind for kind, _ in found("3.") if kind == "python"])
        odd = LOG + b"FUNC 50%a&b#c+d 10.0 1700000000.1 12.0 1700000000.6 0\n"
        made = self.daemon.post("/api/v1/imports?name=odd.dat", odd, {"Content-Type": "application/octet-stream"}).json()
        [link] = [one["link"] for one in self.daemon.get("/api/v1/search?q=50%25").json()["results"]]
        self.assertEqual(link, "#/run/%d?fn=50%%25a%%26b%%23c%%2Bd" % made["id"])
        self.assertEqual(found("%25_%25"), [])
        self.assertEqual(found("no_such_thing_anywhere"), [])
        only = self.daemon.get("/api/v1/search?q=grow&project=converters").json()["results"]
        self.assertNotIn("scenario", [result["kind"] for result in only])  # `grow` is another project's
        for wrong in ("", "?q=", "?q=" + "x" * 201):
            refused = self.daemon.get("/api/v1/search" + wrong)
            self.assertEqual((refused.status, refused.json()["field"]), (400, "q"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
