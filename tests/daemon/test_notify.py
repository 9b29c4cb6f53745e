"""Webhooks that the daemon sends: signed, tried again by a fake clock, dead letters, sent again by hand."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import sqlite3
import threading
import unittest
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, Dict, List, Tuple

from daemon import Answer, FaultCase, await_batch, commit_module, eventually, small_repository

SECRET = "a secret of the receiver's"
SECOND = 1_000_000_000


class Receiver:
    """An HTTP server that keeps what comes, and answers with the next status of a list (then 204)."""

    def __init__(self, statuses: List[int]) -> None:
        taken: List[Tuple[Dict[str, str], bytes]] = []
        self.taken = taken

        class Handler(BaseHTTPRequestHandler):
            """Takes POST."""

            def do_POST(self) -> None:
                """Keep it."""
                body = self.rfile.read(int(self.headers["Content-Length"]))
                taken.append(({name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(statuses.pop(0) if statuses else 204)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *unused: Any) -> None:
                """Say nothing."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = "http://127.0.0.1:%d/hook?key=hidden" % self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def close(self) -> None:
        """End it; its port is free then."""
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


class Notify(FaultCase):
    """A batch that fails is told of."""

    def setUp(self) -> None:
        super().setUp()
        self.clock = self.folder / "clock"
        self.now = 1_700_000_000 * SECOND
        self.move(0)
        os.environ["TIDEMARK_TEST_CLOCK"] = str(self.clock)
        self.addCleanup(os.environ.pop, "TIDEMARK_TEST_CLOCK", None)
        repo = small_repository(self.folder, 1)
        commit_module(repo, "broken", "this_is_no_declaration here;")
        self.daemon = self.make(repo)
        self.daemon.start().await_discovery()

    def move(self, seconds: int) -> None:
        """Move the fake clock on."""
        self.now += seconds * SECOND
        new = self.folder / "clock.new"
        new.write_text(str(self.now))
        new.replace(self.clock)

    def patch(self, **fields: Any) -> Answer:
        """PATCH the project."""
        return self.daemon.request("PATCH", "/api/v1/projects/converters", json.dumps(fields).encode(),
                                   {"Content-Type": "application/json", **self.token()})

    def token(self) -> Dict[str, str]:
        """The header that lets one in."""
        return {"Authorization": "Bearer " + self.daemon.token}

    def deliveries(self, query: str = "") -> List[Dict[str, Any]]:
        """Newest first."""
        answer = self.daemon.get("/api/v1/deliveries" + query, self.token())
        self.assertEqual(answer.status, 200, answer.body)
        return answer.json()["deliveries"]

    def await_status(self, status: str, attempts: int) -> Dict[str, Any]:
        """Wait until the newest delivery is so."""
        def wanted() -> bool:
            found = self.deliveries()
            return bool(found) and (found[0]["status"], found[0]["attempts"]) == (status, attempts)
        eventually(wanted, 120)
        self.assertTrue(wanted(), self.deliveries())
        return self.deliveries()[0]

    def test_told(self) -> None:
        """Signed, tried again when it is time, delivered; a batch without failures is not told of."""
        receiver = Receiver([500])
        self.addCleanup(receiver.close)
        project = self.patch(notify=[{"url": receiver.url, "secret": SECRET}])
        self.assertEqual(project.status, 200, project.body)
        self.assertNotIn(b"hidden", project.body)
        self.assertNotIn(SECRET.encode(), project.body)
        good = self.queue(self.daemon, commits=["HEAD~1"])
        await_batch(self.daemon, good, 150)
        bad = self.queue(self.daemon)
        await_batch(self.daemon, bad, 150)
        told = self.await_status("waiting", 1)
        self.assertEqual((told["code"], told["error"], told["event"], told["project"]),
                         (500, "the answer was 500", "batch_failed", "converters"))
        self.assertEqual(told["next_ns"], self.now + 30 * SECOND)
        self.daemon.kill()
        self.daemon.start().await_discovery()
        self.move(31)
        told = self.await_status("delivered", 2)
        self.assertEqual((told["code"], told["error"], told["next_ns"]), (204, None, None))
        self.assertEqual(len(receiver.taken), 2)
        headers, body = receiver.taken[1]
        content = json.loads(body)
        self.assertEqual((content["event"], content["project"], content["batch"]["id"], content["batch"]["failed"]),
                         ("batch_failed", "converters", bad, 1))
        signed = "%s.%s." % (headers["webhook-id"], headers["webhook-timestamp"])
        wanted = base64.b64encode(hmac.new(SECRET.encode(), signed.encode() + body, hashlib.sha256).digest())
        self.assertEqual(headers["webhook-signature"], "v1," + wanted.decode())
        self.assertEqual(headers["webhook-id"], receiver.taken[0][0]["webhook-id"], "a receiver can tell repeats")
        self.assertEqual(int(headers["webhook-timestamp"]), self.now // SECOND)
        self.assertEqual(self.daemon.post("/api/v1/deliveries/%d/retry" % told["id"], {}).status, 409)
        self.stop(self.daemon)

    def test_regression(self) -> None:
        """A change that is confirmed and for the worse is told of, once; one for the better is not."""
        receiver = Receiver([])
        self.addCleanup(receiver.close)
        self.patch(notify=[{"url": receiver.url, "secret": SECRET}])
        await_batch(self.daemon, self.queue(self.daemon, commits=["HEAD~1"]), 150)
        self.stop(self.daemon)
        database = sqlite3.connect(str(self.daemon.data / "tidemark.db"))
        with database:  # as if the series had moved
            for metric, effect in ((2, 4096), (4, -4096)):
                database.execute(
                    "INSERT INTO changes (series, metric, commit_id, previous, last, kind, status, before, after,"
                    " effect, found_ns) SELECT s.id, ?, c.id, c.id, c.id, 'step', 'confirmed', 0, ?, ?, 1"
                    " FROM series s, commits c LIMIT 1", (metric, effect, effect))
        database.close()
        self.daemon.start().await_discovery()
        told = self.await_status("delivered", 1)
        self.assertEqual((told["event"], told["body"]["regression"]["effect"]), ("regression", 4096))
        self.stop(self.daemon)
        self.daemon.start().await_discovery()
        self.daemon.post("/api/v1/runs", {"scenarios": ["list_bytes"], "size": "demo", "commits": ["HEAD"],
                                          "pythons": self.daemon.usable_pythons()[:1]})
        eventually(lambda: len(self.deliveries()) > 1, 150)  # the batch that fails comes after whatever was there
        self.assertEqual([d["event"] for d in self.deliveries()], ["batch_failed", "regression"])
        self.stop(self.daemon)

    def test_dead_letters(self) -> None:
        """Nobody answers: after twelve attempts it is dead, is listed as such, and can be sent again."""
        receiver = Receiver([])
        port = receiver.server.server_address[1]
        receiver.close()
        self.assertEqual(self.patch(notify=[{"url": "http://127.0.0.1:%d/" % port}]).status, 200)
        await_batch(self.daemon, self.queue(self.daemon), 150)
        waits = []
        for attempt in range(1, 12):
            waits.append(self.await_status("waiting", attempt)["next_ns"] - self.now)
            self.move(6 * 3600)
        self.assertEqual(waits[:4], [30 * SECOND, 60 * SECOND, 120 * SECOND, 240 * SECOND])
        self.assertEqual(waits[-1], 21600 * SECOND)
        dead = self.await_status("dead", 12)
        self.assertIsNone(dead["code"])
        self.assertTrue(dead["error"])
        self.assertEqual([d["id"] for d in self.deliveries("?status=dead&project=converters")], [dead["id"]])
        self.assertEqual(self.deliveries("?status=delivered"), [])
        again = self.daemon.post("/api/v1/deliveries/%d/retry" % dead["id"], {})
        self.assertEqual((again.status, again.json()["status"]), (200, "waiting"))
        self.await_status("dead", 13)
        self.assertEqual(self.daemon.post("/api/v1/deliveries/4711/retry", {}).status, 404)
        self.assertEqual(self.daemon.get("/api/v1/deliveries").status, 401, "addresses may hold secrets")
        for notify, field in (("x", "notify"), ([{"url": "ftp://x/"}], "notify[0].url"), ([5], "notify[0].url"),
                              ([{"url": "http://x/", "secret": "short"}], "notify[0].secret"),
                              ([{"url": "http://x/", "body": ""}], "notify[0].body")):
            answer = self.patch(notify=notify)
            self.assertEqual((answer.status, answer.json()["field"]), (422, field), answer.body)
        self.stop(self.daemon)


if __name__ == "__main__":
    unittest.main(verbosity=2)
