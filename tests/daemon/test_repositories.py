"""Repositories as their owners leave them: rewritten, with submodules, shallow."""

from __future__ import annotations

import functools
import threading
import time
import unittest
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, List

from daemon import Answer, Daemon, eventually, git
from tiny_project import BENCHMARKS, CMAKE, MODULE, ProjectCase, commit, repository


class Remote(ThreadingHTTPServer):
    """A repository served as files, which git can fetch; while `answering` is clear, requests hang."""

    daemon_threads = True

    class Handler(SimpleHTTPRequestHandler):
        """Waits, then serves."""

        def do_GET(self) -> None:  # the name is http.server's
            server = self.server
            assert isinstance(server, Remote)
            server.answering.wait()
            super().do_GET()

        def log_message(self, format: str, *arguments: Any) -> None:  # the name is http.server's
            pass

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), functools.partial(self.Handler, directory=str(folder)))
        self.answering = threading.Event()
        self.answering.set()
        self.url = "http://127.0.0.1:%d/" % self.server_address[1]
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Repositories(ProjectCase):
    """What git can do to a project."""

    def test_a_branch_that_was_rewritten(self) -> None:
        """What was measured before a force-push can be measured again; HEAD is the new line."""
        daemon = self.started()
        source = self.tiny()
        git(source, "checkout", "-q", "-b", "work")
        gone = commit(source, {"tiny.c": MODULE + "/* one */\n"}, "one")
        git(source, "checkout", "-q", "main")
        self.add(daemon, name="tiny", repo=str(source), branch="work", scenarios="benchmarks")
        first = daemon.get("/api/v1/projects/tiny/commits").json()["commits"]
        self.assertEqual(first[0]["sha"], gone)
        git(source, "checkout", "-q", "work")
        git(source, "reset", "-q", "--hard", "HEAD~1")
        new = commit(source, {"tiny.c": MODULE + "/* two */\n"}, "two")
        git(source, "checkout", "-q", "main")
        git(source, "reflog", "expire", "--expire=now", "--all")
        git(source, "gc", "-q", "--prune=now")
        listed = daemon.get("/api/v1/projects/tiny/commits").json()["commits"]
        self.assertEqual([c["sha"] for c in listed][0], new)
        self.assertNotIn(gone, [c["sha"] for c in listed])
        self.assert_done(self.measure(daemon, project="tiny", scenarios=["Copies.copy"],
                                      commits=[gone, "HEAD"], pythons=daemon.usable_pythons()[:1]))
        self.assertEqual(git(source, "worktree", "list").count("\n"), 0)
        self.stop(daemon)

    def test_a_submodule(self) -> None:
        daemon = self.started()
        inner = repository(self.folder / "inner", {"tiny.c": MODULE})
        source = repository(self.folder / "tiny", {"CMakeLists.txt": CMAKE.replace("tiny.c", "sub/tiny.c"),
                                                   "benchmarks/copies.py": BENCHMARKS})
        git(source, "-c", "protocol.file.allow=always", "submodule", "add", "-q", "../inner", "sub")
        commit(source, {}, "submodule")
        self.add(daemon, name="tiny", repo=str(source), scenarios="benchmarks")
        request = {"project": "tiny", "scenarios": ["Copies.copy"], "pythons": daemon.usable_pythons()[:1]}
        self.assert_done(self.measure(daemon, **request))
        commit(source, {"README": "another tree\n"}, "another")
        inner.rename(self.folder / "elsewhere")
        run, = self.measure(daemon, **request)
        self.assertIn("submodule", run["error"])
        (self.folder / "elsewhere").rename(inner)
        self.assert_done(self.measure(daemon, **request))
        self.stop(daemon)

    def test_a_shallow_clone(self) -> None:
        daemon = self.started()
        full = self.tiny("full")
        old = git(full, "rev-parse", "HEAD")
        commit(full, {"README": "words\n"}, "words")
        git(self.folder, "clone", "-q", "--depth=1", "file://%s" % full, "shallow")
        self.add(daemon, name="tiny", repo=str(self.folder / "shallow"), scenarios="benchmarks")
        self.assertEqual(len(daemon.get("/api/v1/projects/tiny/commits").json()["commits"]), 1)
        answer = daemon.post("/api/v1/runs", {"project": "tiny", "scenarios": ["Copies.copy"],
                                              "commits": [old]})
        self.assertEqual(answer.status, 422)
        self.assertEqual(answer.json()["field"], "commits[0]")
        self.assertIn("shallow", answer.json()["detail"])
        git(self.folder / "shallow", "fetch", "-q", "--unshallow")
        self.assert_done(self.measure(daemon, project="tiny", scenarios=["Copies.copy"], commits=[old],
                                      pythons=daemon.usable_pythons()[:1]))
        self.stop(daemon)

    def test_a_remote_that_does_not_answer(self) -> None:
        """Whoever must fetch is told so; what needs no fetch is answered; then it goes on."""
        daemon = self.started()
        source = self.tiny()
        git(source, "update-server-info")
        remote = Remote(source / ".git")
        self.addCleanup(remote.server_close)
        self.addCleanup(remote.shutdown)
        self.addCleanup(remote.answering.set)
        self.add(daemon, name="far", repo=remote.url, scenarios="benchmarks")
        listed = daemon.get("/api/v1/projects/far/commits").json()["commits"]
        remote.answering.clear()
        answer = self.crowd(daemon, "/api/v1/projects/far/commits")
        self.assertEqual((answer.status, answer.json()["type"]), (503, "/problems/busy"))
        self.assertGreater(int(answer.headers["retry-after"]), 2)
        answer = daemon.post("/api/v1/runs", {"project": "far", "scenarios": ["Copies.copy"]})
        self.assertEqual((answer.status, answer.json()["type"]), (503, "/problems/busy"))
        self.assertGreater(int(answer.headers["retry-after"]), 2)
        self.assertTrue(daemon.get("/api/v1/scenarios?project=far").json()["scenarios"])
        self.assertEqual(daemon.get("/api/v1/projects/far").status, 200)
        remote.answering.set()
        end = time.monotonic() + 300
        while answer.status == 503 and time.monotonic() < end:
            time.sleep(1)
            answer = daemon.get("/api/v1/projects/far/commits")
        self.assertEqual(answer.json()["commits"], listed)
        self.stop(daemon)

    def crowd(self, daemon: Daemon, target: str) -> Answer:
        """Ask what waits more often than there are threads for it; meanwhile quick questions are answered.
        The answer of the one that fetched for all."""
        answers: List[Answer] = []
        waiting = [threading.Thread(target=lambda: answers.append(daemon.get(target))) for _ in range(12)]
        for thread in waiting:
            thread.start()
        self.assertTrue(eventually(daemon.children, 60), "nobody fetches")
        for quick in ("/healthz", "/api/v1/status", "/api/v1/runs", "/api/v1/projects/far"):
            self.assertEqual(daemon.get(quick).status, 200)
        self.assertEqual(answers, [], "quick questions waited for slow ones")
        for thread in waiting:
            thread.join()
        self.assertEqual({answer.status for answer in answers}, {503})
        return next(answer for answer in answers if "did not answer within" in answer.json()["detail"])


if __name__ == "__main__":
    unittest.main()
