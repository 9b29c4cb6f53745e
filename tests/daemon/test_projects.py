"""Projects of other people: added, changed and removed; their scenarios; what is refused."""

from __future__ import annotations

import json
import shutil
import socket
import threading
import unittest
from typing import Any, List

from daemon import git
from tiny_project import BENCHMARKS, ProjectCase, commit, repository


class Projects(ProjectCase):
    """The life of a project."""

    def test_scenarios_follow_the_branch_and_keep_their_history(self) -> None:
        daemon = self.started()
        source = self.tiny()
        self.add(daemon, name="tiny", repo=str(source), scenarios="benchmarks")
        request = {"project": "tiny", "scenarios": ["Copies.copy"], "pythons": daemon.usable_pythons()[:1]}
        first, = self.measure(daemon, **request)
        commit(source, {"benchmarks/copies.py": BENCHMARKS.replace("[1000, 2000]", "[3000]"),
                        "benchmarks/broken.py": "raise ValueError('not today')\n"}, "other sizes")
        listed = daemon.get("/api/v1/scenarios?project=tiny").json()["scenarios"]
        self.assertEqual([p["default"] for s in listed for p in s["params"]], [3000])
        second, = self.measure(daemon, **request)
        self.assert_done([first, second])
        self.assertNotEqual(first["cell"], second["cell"])
        self.assertEqual(daemon.get("/api/v1/runs/%d" % first["id"]).json()["params"], {"size": 1000})
        self.assertEqual(daemon.get("/api/v1/scenarios?project=nothing").status, 404)
        self.stop(daemon)
        shutil.rmtree(str(daemon.data / "repos"))
        shutil.rmtree(str(source))
        repository(source, {"benchmarks/copies.py": BENCHMARKS, "README": "begun anew\n"})
        daemon.start()
        matrix = daemon.get("/api/v1/matrix?project=tiny&commit=" + first["commit"]["sha"])
        self.assertEqual(matrix.status, 200, matrix.body)
        self.assertEqual((matrix.json()["commit"]["sha"], len(matrix.json()["rows"])), (first["commit"]["sha"], 1),
                         "what was measured outlives its repository")
        self.stop(daemon)

    # -- life of a project --

    def test_what_is_refused(self) -> None:
        daemon = self.started()
        source, bare = self.tiny(), repository(self.folder / "bare", {"README": "x\n"})
        good = {"name": "tiny", "repo": str(source)}
        cases = [
            ({}, "name", "missing"),
            ({"name": "tiny"}, "repo", "missing"),
            (dict(good, name="no/slash"), "name", "letters"),
            (dict(good, name="converters"), "name", "already"),
            (dict(good, repo="relative/path"), "repo", "absolute"),
            (dict(good, repo="/nowhere/at/all"), "repo", "no repository"),
            (dict(good, repo=str(self.folder / "own" / "README")), "repo", "git"),
            (dict(good, branch="nothing"), "branch", "no branch nothing"),
            (dict(good, branch="a..b"), "branch", "cannot be the name"),
            (dict(good, scenarios="../up"), "scenarios", ".."),
            (dict(good, scenarios="nowhere"), "scenarios", "no folder"),
            (dict(good, recipe="make"), "recipe", "cmake, setup.py"),
            (dict(good, recipe={"kind": "command"}), "recipe.commands", "at least one"),
            (dict(good, recipe={"folder": "none"}), "recipe.folder", "no folder"),
            (dict(good, recipe={"kind": "cmake", "isolation": True}), "recipe.isolation", "pip"),
            (dict(good, recipe={"deadline_s": 0}), "recipe.deadline_s", "from 1"),
            (dict(good, recipe={"environment": {"A=B": "x"}}), "recipe.environment.A=B", "name"),
            (dict(good, recipe={"flags": [1]}), "recipe.flags[0]", "string"),
            (dict(good, pythons=[]), "pythons", "list"),
            (dict(good, colour="red"), "colour", "allowed are"),
            ({"name": "bare", "repo": str(bare)}, "recipe", "CMakeLists.txt"),
        ]
        before = daemon.row_counts()
        for wish, field, word in cases:
            answer = self.add(daemon, 422, **wish)
            self.assertEqual(answer.get("field"), field, answer)
            self.assertIn(word, answer["detail"])
        self.assertEqual(daemon.row_counts(), before)
        self.assertEqual(sorted(p.name for p in (daemon.data / "repos").iterdir()), ["1.git"])
        self.assertEqual(daemon.get("/api/v1/projects/tiny").status, 404)
        self.assertEqual(daemon.request("POST", "/api/v1/projects", "{}").status, 401)
        self.assertEqual(daemon.request("DELETE", "/api/v1/projects/converters").status, 401)
        self.assertEqual(daemon.request("PATCH", "/api/v1/projects/converters", "{}").status, 401)
        unknown = daemon.post("/api/v1/runs", {"project": "other", "scenarios": ["list_bytes"]})
        self.assertEqual((unknown.status, unknown.json()["field"]), (422, "project"))
        self.assertIn("there is converters", unknown.json()["detail"])
        put = daemon.request("PUT", "/api/v1/projects/converters")
        self.assertEqual((put.status, put.headers["allow"]), (405, "GET, HEAD, PATCH, DELETE"))
        self.stop(daemon)

    def test_a_source_that_does_not_answer_holds_one_request(self) -> None:
        """Others are told to come again, and everything else is answered."""
        daemon = self.started()
        source = self.tiny()
        listener = socket.create_server(("127.0.0.1", 0))
        listener.settimeout(60)
        answers: List[Any] = []
        stuck = threading.Thread(target=lambda: answers.append(daemon.post("/api/v1/projects", {
            "name": "stuck", "repo": "git://127.0.0.1:%d/stuck" % listener.getsockname()[1]})))
        stuck.start()
        connection, _ = listener.accept()
        for _ in range(8):
            answer = daemon.post("/api/v1/projects", {"name": "tiny", "repo": str(source)})
            self.assertEqual((answer.status, answer.json()["type"]), (503, "/problems/busy"), answer.body)
            self.assertGreater(int(answer.headers["retry-after"]), 0)
        self.add(daemon, 422, name="converters", repo=str(source))
        self.assertEqual(daemon.get("/api/v1/projects").status, 200)
        connection.close()
        listener.close()
        stuck.join(60)
        self.assertEqual((answers[0].status, answers[0].json()["field"]), (422, "repo"), answers[0].body)
        self.add(daemon, name="tiny", repo=str(source))
        self.stop(daemon)

    def change(self, daemon: Daemon, method: str, target: str, body: Any = None) -> Any:
        """PATCH or DELETE with the token."""
        headers = {"Authorization": "Bearer " + daemon.token}
        if body is not None:
            headers["Content-Type"] = "application/json"
        return daemon.request(method, target, None if body is None else json.dumps(body), headers)

    def test_disable_rename_and_remove(self) -> None:
        daemon = self.started()
        source = self.tiny()
        self.add(daemon, name="tiny", repo=str(source), scenarios="benchmarks")
        request = {"project": "tiny", "scenarios": ["Copies.copy"], "pythons": daemon.usable_pythons()[:1]}
        before = daemon.row_counts()
        runs = self.measure(daemon, **request)
        self.assert_done(runs)

        answer = self.change(daemon, "PATCH", "/api/v1/projects/tiny", {"enabled": False})
        self.assertEqual((answer.status, answer.json()["enabled"]), (200, False))
        refused = daemon.post("/api/v1/runs", request)
        self.assertEqual((refused.status, refused.json()["field"]), (422, "project"))
        self.assertIn("disabled", refused.json()["detail"])
        answer = self.change(daemon, "PATCH", "/api/v1/projects/tiny", {"enabled": True, "name": "small"})
        self.assertEqual((answer.status, answer.json()["name"]), (200, "small"), answer.body)
        self.assertEqual(daemon.get("/api/v1/projects/tiny").status, 404)
        again, = self.measure(daemon, **dict(request, project="small"))
        self.assertEqual(again["build"]["id"], runs[0]["build"]["id"])
        for wish, field in (({"name": "converters"}, "name"), ({"repo": "/x"}, "repo"),
                            ({"branch": "nothing"}, "branch"), ({"recipe": "setup.py", "x": 1}, "x")):
            answer = self.change(daemon, "PATCH", "/api/v1/projects/small", wish)
            self.assertEqual((answer.status, answer.json()["field"]), (422, field), answer.body)

        asked = self.change(daemon, "DELETE", "/api/v1/projects/small")
        self.assertEqual(asked.status, 409)
        self.assertEqual(asked.json()["removes"]["runs"], 2)
        self.assertEqual(asked.json()["removes"]["builds"], 1)
        self.assertGreater(asked.json()["removes"]["cache_bytes"], 0)
        wrong = self.change(daemon, "DELETE", "/api/v1/projects/small?confirm=tiny")
        self.assertEqual(wrong.status, 409)
        gone = self.change(daemon, "DELETE", "/api/v1/projects/small?confirm=small")
        self.assertEqual(gone.status, 204, gone.body)
        after = daemon.row_counts()
        for table in ("runs", "cells", "builds", "batches", "phases", "event_chunks", "curve_chunks", "names"):
            self.assertEqual(after[table], 0, table)
        self.assertEqual(after["projects"], before["projects"] - 1)
        self.assertEqual(list((daemon.data / "cache" / "builds").iterdir()), [])
        self.assertEqual([p.name for p in (daemon.data / "repos").iterdir()], ["1.git"])
        own = self.change(daemon, "DELETE", "/api/v1/projects/converters?confirm=converters")
        self.assertEqual((own.status, own.json()["field"]), (422, "name"))
        self.assertEqual(self.change(daemon, "DELETE", "/api/v1/projects/small").status, 404)
        self.stop(daemon)


if __name__ == "__main__":
    unittest.main()
