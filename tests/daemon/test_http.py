"""What every answer has in common: tags and 304, what may be kept for ever, compression, limits, problems that
explain themselves, sparse and sorted lists; and what is for machines that watch: health, OpenMetrics."""

import gzip
import re
import unittest
from typing import Any, Dict, List

from daemon import DaemonCase

LOG = b"CMDLINE python example.py\n" + b"".join(b"MEM %f 1700000000.%04d\n" % (10 + i % 97, i) for i in range(3000))
"""A log of memory_profiler's: a run that is done as soon as it is imported."""


def imported(daemon: Any, name: str) -> int:
    """A run made from it; its id."""
    answer = daemon.post("/api/v1/imports?name=" + name, LOG, {"Content-Type": "application/octet-stream"})
    assert answer.status == 201, answer.body
    return int(answer.json()["id"])


class Answers(DaemonCase):
    """One daemon with a few imported runs."""

    run_id: int

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.run_id = imported(cls.daemon, "one.dat")
        for name in ("two.dat", "three.dat"):
            imported(cls.daemon, name)

    def test_what_is_finished_may_be_kept_for_ever(self) -> None:
        """Curve, events, functions and log of a done run; asked again with their tag they are a 304 without body."""
        for part in ("curve", "curve?points=50", "events?limit=10", "functions", "log"):
            for again in range(2):  # the second time it may come from memory
                with self.subTest(part=part, again=again):
                    target = "/api/v1/runs/%d/%s" % (self.run_id, part)
                    answer = self.daemon.get(target)
                    self.assertEqual(answer.status, 200, answer.body)
                    self.assertEqual(answer.headers["cache-control"], "private, max-age=31536000, immutable")
                    known = self.daemon.get(target, {"If-None-Match": '"other", ' + answer.headers["etag"]})
                    self.assertEqual((known.status, known.body), (304, b""))
                    self.assertEqual(known.headers["etag"], answer.headers["etag"])
                    self.assertEqual(self.daemon.get(target, {"If-None-Match": '"other"'}).body, answer.body)

    def test_what_can_change_is_asked_for_again(self) -> None:
        """It has a tag that changes with it; errors and answers to POST have none."""
        before = self.daemon.get("/api/v1/runs")
        self.assertEqual(before.headers["cache-control"], "private, no-cache")
        self.assertEqual(self.daemon.get("/api/v1/runs", {"If-None-Match": before.headers["etag"]}).status, 304)
        imported(self.daemon, "more.dat")
        after = self.daemon.get("/api/v1/runs", {"If-None-Match": before.headers["etag"]})
        self.assertEqual(after.status, 200)
        self.assertNotEqual(after.headers["etag"], before.headers["etag"])
        for wrong in ("/api/v1/runs/999999", "/api/v1/runs?limit=0", "/api/v1/runs/999999/curve"):
            refused = self.daemon.get(wrong)
            self.assertEqual(refused.headers["cache-control"], "no-store")
            self.assertNotIn("etag", refused.headers)

    def test_a_run_that_is_removed_is_gone_from_memory_too(self) -> None:
        """Its kept answers are not served once the run is gone."""
        run = imported(self.daemon, "gone.dat")
        target = "/api/v1/runs/%d/curve" % run
        for _ in range(3):
            self.assertEqual(self.daemon.get(target).status, 200)
        gone = self.daemon.request("DELETE", "/api/v1/projects/imported?confirm=imported",
                                   headers={"Authorization": "Bearer " + self.daemon.token})
        self.assertEqual(gone.status, 204, gone.body)
        self.assertEqual(self.daemon.get(target).status, 404)
        type(self).run_id = imported(self.daemon, "one.dat")

    def test_compression(self) -> None:
        """By Accept-Encoding, above 1 KiB, and never the event stream; the content is the same."""
        target = "/api/v1/runs/%d/curve" % self.run_id
        plain = self.daemon.get(target)
        self.assertNotIn("content-encoding", plain.headers)
        for accepted, packed in (("gzip", True), ("br, gzip;q=0.5", True), ("gzip;q=0", False), ("br", False),
                                 ("gzip;q=0.0, br", False)):
            for _ in range(2):
                with self.subTest(accepted=accepted):
                    answer = self.daemon.get(target, {"Accept-Encoding": accepted})
                    self.assertEqual(answer.headers.get("content-encoding"), "gzip" if packed else None)
                    self.assertEqual(gzip.decompress(answer.body) if packed else answer.body, plain.body)
                    self.assertEqual(answer.headers["etag"], plain.headers["etag"])
                    self.assertIn("Accept-Encoding", answer.headers["vary"])
                    if packed:
                        self.assertLess(len(answer.body), len(plain.body) / 2)
        small = self.daemon.get("/api/v1/status", {"Accept-Encoding": "gzip"})
        self.assertNotIn("content-encoding", small.headers)
        with self.daemon.stream() as stream:
            self.assertIsNone(stream.response.getheader("Content-Encoding"))

    def test_every_kind_of_problem_explains_itself(self) -> None:
        """The type of each problem that is met here answers a page."""
        auth = {"Authorization": "Bearer " + self.daemon.token}
        met = [self.daemon.get("/api/v1/runs?limit=0"), self.daemon.get("/api/v1/nothing"),
               self.daemon.get("/api/v1/tokens"), self.daemon.get("/", {"Host": "evil.example"}),
               self.daemon.request("DELETE", "/api/v1/runs", headers=auth), self.daemon.post("/api/v1/runs", {"a": 1}),
               self.daemon.post("/api/v1/runs", b"{}", {"Content-Type": "text/plain"}),
               self.daemon.request("DELETE", "/api/v1/projects/converters", headers=auth),
               self.daemon.request("DELETE", "/api/v1/tokens/1", headers=auth),
               self.daemon.request("POST", "/api/v1/runs", headers={**auth, "Content-Type": "application/json",
                                                                   "Content-Length": "2000000"})]
        kinds = {answer.json()["type"] for answer in met}
        self.assertGreaterEqual(len(kinds), 8, kinds)
        for kind in kinds | {"/problems/" + name for name in ("rate-limited", "busy", "internal", "key-reused",
                                                              "key-in-use", "conflict")}:
            page = self.daemon.get(kind)
            self.assertEqual(page.status, 200, kind)
            self.assertIn(kind.rpartition("/")[2].encode(), page.body)
        self.assertEqual(self.daemon.get("/problems/none").status, 404)

    def test_lists_are_sorted_paged_and_thinned_alike(self) -> None:
        """Every list, walked one by one in both directions, is the list; fields leaves out the others."""
        for target, sort in (("/api/v1/runs", "id"), ("/api/v1/runs", "tide_mark"), ("/api/v1/batches", "queued_ns"),
                             ("/api/v1/pythons", "name"), ("/api/v1/scenarios", "name"), ("/api/v1/projects", "name"),
                             ("/api/v1/builds", "started_ns"), ("/api/v1/cells", "scenario")):
            with self.subTest(target=target, sort=sort):
                name = target.rpartition("/")[2]
                whole = self.daemon.get("%s?sort=%s" % (target, sort)).json()
                self.assertIsNone(whole["next"])
                self.assertEqual(self.walk(target, sort, 2), whole[name])
                self.assertEqual(self.walk(target, "-" + sort, 3), whole[name][::-1])
                self.assertEqual(self.daemon.get(target + "?sort=nothing").json()["field"], "sort")
                self.assertEqual(self.daemon.get(target + "?cursor=nothing").json()["field"], "cursor")
                first = whole[name][:1]
                if first:
                    some = sorted(first[0])[:2]
                    thin = self.daemon.get("%s?sort=%s&fields=%s" % (target, sort, ",".join(some))).json()
                    self.assertEqual(thin[name], [{field: row[field] for field in some} for row in whole[name]])
                    wrong = self.daemon.get(target + "?fields=id,nothing")
                    self.assertEqual((wrong.status, wrong.json()["field"]), (400, "fields"))

    def walk(self, target: str, sort: str, limit: int) -> List[Dict[str, Any]]:
        """All rows of a list, page by page."""
        rows: List[Dict[str, Any]] = []
        page: Dict[str, Any] = {"next": ""}
        while page["next"] is not None:
            more = "&cursor=" + page["next"] if page["next"] else ""
            page = self.daemon.get("%s?sort=%s&limit=%d%s" % (target, sort, limit, more)).json()
            rows += page[target.rpartition("/")[2]]
        return rows

    def test_commits_page_by_page(self) -> None:
        """A page begins behind the commit that its cursor names."""
        target = "/api/v1/projects/converters/commits"
        whole = self.daemon.get(target + "?limit=7").json()
        self.assertEqual(whole["next"], whole["commits"][-1]["sha"])
        first = self.daemon.get(target + "?limit=4&fields=sha").json()
        second = self.daemon.get("%s?limit=3&cursor=%s&fields=sha" % (target, first["next"])).json()
        self.assertEqual(first["commits"] + second["commits"], [{"sha": row["sha"]} for row in whole["commits"]])
        for cursor in ("HEAD", "0" * 40, "5"):
            wrong = self.daemon.get(target + "?cursor=" + cursor)
            self.assertEqual((wrong.status, wrong.json()["field"]), (400, "cursor"))

    def test_expensive_questions_are_limited_by_client(self) -> None:
        """429 with Retry-After once too many were asked; a token has a bucket of its own."""
        target = "/api/v1/runs/%d/export?format=nonsense" % self.run_id
        answers = [self.daemon.get(target) for _ in range(400)]
        self.assertEqual(answers[0].status, 422)
        limited = [answer for answer in answers if answer.status == 429]
        if not limited:
            self.skipTest("the machine asks more slowly than the limit")
        self.assertEqual(limited[0].json()["type"], "/problems/rate-limited")
        self.assertGreaterEqual(int(limited[0].headers["retry-after"]), 1)
        self.assertEqual(self.daemon.get("/api/v1/runs").status, 200)  # what is cheap is not
        own = self.daemon.get(target + "&format=tide", {"Authorization": "Bearer " + self.daemon.token})
        self.assertNotEqual(own.status, 429)

    def test_health(self) -> None:
        """One says that the process answers, the other that it can be asked to measure."""
        self.assertEqual(self.daemon.get("/healthz").json(), {"status": "ok"})
        self.assertEqual(self.daemon.get("/readyz").json(), {"status": "ready"})


class Metrics(DaemonCase):
    """GET /metrics, read by the rules of the OpenMetrics 1.0 text format."""

    SAMPLE = re.compile(r'^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{([^{}]*)\})? (-?[0-9.e+]+|\+Inf|NaN)$')
    LABEL = re.compile(r'^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"$')
    SUFFIXES = {"gauge": ("",), "info": ("_info",), "histogram": ("_bucket", "_count", "_sum"), "counter": ("_total",)}

    def parse(self, text: str) -> Dict[str, Dict[str, Any]]:
        """The families by name; anything that the format does not allow fails the test."""
        self.assertTrue(text.endswith("\n# EOF\n"), text[-80:])
        families: Dict[str, Dict[str, Any]] = {}
        name = ""
        for line in text[:-len("# EOF\n")].splitlines():
            if line.startswith("# "):
                word, about, rest = line[2:].split(" ", 2)
                self.assertIn(word, ("TYPE", "UNIT", "HELP"), line)
                if word == "TYPE":
                    self.assertNotIn(about, families, "the samples of a family stand together")
                    name = about
                    families[name] = {"type": rest, "samples": []}
                self.assertEqual(about, name, line)
                self.assertFalse(families[name]["samples"], "what describes a family stands before its samples")
                families[name].setdefault(word.lower(), rest)
                if word == "UNIT":
                    self.assertTrue(name.endswith("_" + rest), line)
                continue
            matched = self.SAMPLE.match(line)
            assert matched, line
            labels = {}
            for label in filter(None, re.split(r',(?=[a-zA-Z_]+=")', matched.group(2) or "")):
                pair = self.LABEL.match(label)
                assert pair, label
                self.assertNotIn(pair.group(1), labels)
                labels[pair.group(1)] = pair.group(2)
            suffix = matched.group(1)[len(name):]
            self.assertTrue(matched.group(1).startswith(name), line)
            self.assertIn(suffix, self.SUFFIXES[families[name]["type"]], line)
            families[name]["samples"].append((suffix, labels, float(matched.group(3))))
        for family in families.values():
            keys = [(suffix, sorted(labels.items())) for suffix, labels, _ in family["samples"]]
            self.assertEqual(len(keys), len({str(key) for key in keys}), "no sample stands twice")
            if family["type"] == "histogram":
                self.check_histogram(family["samples"])
        return families

    def check_histogram(self, samples: List[Any]) -> None:
        """Buckets of each label set rise to +Inf, which is the count."""
        sets: Dict[str, List[Any]] = {}
        counts: Dict[str, float] = {}
        for suffix, labels, value in samples:
            key = str(sorted((name, text) for name, text in labels.items() if name != "le"))
            if suffix == "_bucket":
                sets.setdefault(key, []).append((float(labels["le"]), value))
            elif suffix == "_count":
                counts[key] = value
        self.assertEqual(set(sets), set(counts))
        for key, buckets in sets.items():
            self.assertEqual(buckets, sorted(buckets))
            self.assertEqual([value for _, value in buckets], sorted(value for _, value in buckets))
            self.assertEqual(buckets[-1], (float("inf"), counts[key]))

    def test_the_text_is_openmetrics_and_counts_what_happened(self) -> None:
        """Runs by state, builds, latencies by route."""
        imported(self.daemon, "a.dat")
        for _ in range(3):
            self.daemon.get("/api/v1/status")
        with self.daemon.stream():
            answer = self.daemon.get("/metrics")
        self.assertEqual(answer.headers["content-type"], "application/openmetrics-text; version=1.0.0; charset=utf-8")
        families = self.parse(answer.body.decode("utf-8"))
        runs = {labels["status"]: value for _, labels, value in families["tidemark_runs"]["samples"]}
        self.assertEqual(runs, {"queued": 0, "building": 0, "running": 0, "done": 1, "failed": 0, "cancelled": 0})
        self.assertEqual(families["tidemark_queue_depth"]["samples"], [("", {}, 0.0)])
        self.assertEqual(families["tidemark_streams"]["samples"], [("", {}, 1.0)])
        self.assertGreater(families["tidemark_store_bytes"]["samples"][0][2], 4096)
        self.assertIn(("_count", {}, 0.0), families["tidemark_build_seconds"]["samples"])
        asked = {(labels["method"], labels["route"]): value for suffix, labels, value in
                 families["tidemark_http_request_seconds"]["samples"] if suffix == "_count"}
        self.assertGreaterEqual(asked["GET", "/api/v1/status"], 3)
        self.assertEqual(asked["POST", "/api/v1/imports"], 1)
        self.assertNotIn(("GET", "/api/v1/stream"), asked)


if __name__ == "__main__":
    unittest.main(verbosity=2)
