"""What stands between the network and the daemon: requests out of shape, slow and idle clients, the
sign-in, headers of every answer, and many event streams at once. Bare sockets, where a library would
mend what is to be sent."""

from __future__ import annotations

import gzip
import json
import re
import socket
import threading
import time
import unittest
from typing import Dict, List, NamedTuple, Optional, Tuple

from daemon import Daemon, DaemonCase, Event, Stream, eventually, open_more_files

SECURITY = {
    "content-security-policy": re.compile(r"default-src 'self'.*frame-ancestors 'none'"),
    "x-content-type-options": re.compile(r"^nosniff$"),
    "referrer-policy": re.compile(r"^no-referrer$"),
    "cross-origin-resource-policy": re.compile(r"^same-origin$"),
}
CUT_S = 40  # a request's deadline is 15 s; this is how long the tests wait for it
STREAMS = 64
CONNECTIONS = 2048
"""As many as the daemon allows at the most, where the limit of open files does not."""
REFUSED = (0, 200, 400, 403, 404, 405, 413, 431, 501, 505)
"""What nonsense may get: closed, refused, or (a line that a lenient reader mends) answered."""


class Reply(NamedTuple):
    """One answer off the wire. Status 0: the connection was closed without one."""

    status: int
    headers: Dict[str, str]
    body: bytes


class Wire:
    """A bare connection that reads answers one after the other."""

    def __init__(self, daemon: Daemon, timeout_s: float = 20) -> None:
        self.socket = daemon.raw(timeout_s)
        self.held = b""

    def __enter__(self) -> "Wire":
        return self

    def __exit__(self, *unused: object) -> None:
        self.socket.close()

    def send(self, content: bytes) -> None:
        """Send; a daemon that has closed already is no error, its answer may stand in the socket."""
        try:
            self.socket.sendall(content)
        except OSError:
            pass

    def _more(self) -> bool:
        try:
            block = self.socket.recv(65536)
        except ConnectionError:
            return False
        self.held += block
        return bool(block)

    def reply(self, with_body: bool = True) -> Reply:
        """The next answer, its body by Content-Length."""
        while b"\r\n\r\n" not in self.held:
            if not self._more():
                return Reply(0, {}, self.held)
        head, _, self.held = self.held.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        headers = {name.strip().lower(): value.strip()
                   for name, _, value in (line.partition(":") for line in lines[1:])}
        length = int(headers.get("content-length", "0")) if with_body else 0
        while len(self.held) < length and self._more():
            pass
        body, self.held = self.held[:length], self.held[length:]
        return Reply(int(lines[0].split()[1]), headers, body)

    def is_closed(self) -> bool:
        """Whether the daemon closes the connection, with nothing more on it."""
        while self._more():
            pass
        return not self.held


class Shape(DaemonCase):
    """Requests out of shape."""

    def tearDown(self) -> None:
        self.assertEqual(self.daemon.get("/api/v1/status").status, 200)

    @property
    def host(self) -> str:
        """What Host must say."""
        return "%s:%d" % (self.daemon.host, self.daemon.port)

    def head(self, *lines: str, target: str = "/api/v1/status", method: str = "GET",
             host: Optional[str] = "") -> bytes:
        """The head of a request; with our Host unless told otherwise."""
        own = [] if host is None else ["Host: " + (host or self.host)]
        return "\r\n".join(["%s %s HTTP/1.1" % (method, target)] + own + list(lines) + ["", ""]).encode()

    def post(self, *lines: str) -> bytes:
        """The head of a POST with the token."""
        return self.head("Authorization: Bearer " + self.daemon.token, "Content-Type: application/json",
                         *lines, method="POST", target="/api/v1/runs")

    def ask(self, content: bytes) -> Reply:
        """One request, one answer, then the end of the connection from our side."""
        with Wire(self.daemon) as wire:
            wire.send(content)
            return wire.reply()

    def test_host(self) -> None:
        """Only the daemon's own address is answered: a foreign name may point here (DNS rebinding)."""
        port = self.daemon.port
        for host, status in ((self.host, 200), ("localhost:%d" % port, 200), ("LOCALHOST:%d" % port, 200),
                             ("evil.example:%d" % port, 403), ("evil.example", 403),
                             (self.daemon.host, 403), ("%s:%d" % (self.daemon.host, port + 1), 403),
                             ("localhost", 403), (self.host + ".evil.example", 403),
                             ("%s@evil.example" % self.host, 403), ("0.0.0.0:%d" % port, 403),
                             ("[::1]:%d" % port, 403), ("%s, evil.example" % self.host, 403)):
            with self.subTest(host=host):
                self.assertEqual(self.ask(self.head(host=host)).status, status)
        self.assertEqual(self.ask(self.head(host=None)).status, 400)
        self.assertIn(self.ask(self.head("Host: ", host=None)).status, (400, 403))
        self.assertEqual(self.ask(self.head("Host: " + self.host)).status, 400)
        self.assertEqual(self.ask(self.head("Host: evil.example")).status, 400)
        self.assertEqual(self.ask(b"GET /api/v1/status HTTP/1.0\r\n\r\n").status, 400)

    def test_foreign_host_may_not_start_anything(self) -> None:
        """The token does not help a foreign Host."""
        content = self.post("Content-Length: 2").replace(self.host.encode(), b"evil.example") + b"{}"
        self.assertEqual(self.ask(content).status, 403)

    def test_two_lengths(self) -> None:
        """What two readers could cut differently is refused, answered once, and closed."""
        inner = self.head(target="/api/v1/pythons")
        for lines in (("Content-Length: 2", "Content-Length: 2"),
                      ("Content-Length: 2", "Content-Length: %d" % (2 + len(inner))),
                      ("Content-Length: 2", "Transfer-Encoding: chunked"),
                      ("Transfer-Encoding: chunked", "Content-Length: 2"),
                      ("Transfer-Encoding: chunked", "Transfer-Encoding: chunked")):
            with self.subTest(lines=lines), Wire(self.daemon) as wire:
                wire.send(self.post(*lines) + b"{}" + inner)
                self.assertEqual(wire.reply().status, 400)
                self.assertTrue(wire.is_closed(), "a second answer came")

    def test_lengths_out_of_shape(self) -> None:
        """A length that is no number, and an encoding that is unknown, are never taken for a body."""
        for line in ("Content-Length: abc", "Content-Length: -2", "Content-Length: 0x2",
                     "Content-Length: 2, 2", "Content-Length: 99999999999999999999",
                     "Content-Length: 18446744073709551618", "Transfer-Encoding: gzip",
                     "Transfer-Encoding: xchunked", "Transfer-Encoding: gzip, chunked"):
            with self.subTest(line=line), Wire(self.daemon) as wire:
                wire.send(self.post(line) + b"{}")
                wire.socket.shutdown(socket.SHUT_WR)
                self.assertIn(wire.reply().status, (0, 400, 408, 413, 501))

    def test_headers_that_repeat(self) -> None:
        """Authorization, Origin, Content-Type and Cookie stand once."""
        for line in ("Authorization: Bearer x", "Content-Type: text/plain"):
            self.assertEqual(self.ask(self.post(line, "Content-Length: 2") + b"{}").status, 400)
        for name in ("Origin", "Cookie"):
            lines = (name + ": a=b", name + ": c=d", "Content-Length: 2")
            self.assertEqual(self.ask(self.post(*lines) + b"{}").status, 400)

    def test_paths(self) -> None:
        """No path reaches beyond the tables of files and resources, however it is written."""
        for target in ("/%00", "/index.html%00.js", "/api/v1/status%00", "/api/v1/runs/1%00",
                       "/api/v1/%00status", "/?a=%00", "/api/v1/status?%00"):
            with self.subTest(target=target):
                self.assertIn(self.ask(self.head(target=target)).status, (400, 404))
        for target in ("/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/..%2f..%2fetc/passwd",
                       "/static/../server/main.c", "//etc/passwd", "/./", "/%2e", "/..", "/\\..\\x",
                       "/api/v1/../v1/status", "/api/%2e%2e/index.html", "/%c0%ae%c0%ae/etc/passwd",
                       "/index.html%20", "/index.html/..", "/token", "/tidemark.db"):
            with self.subTest(target=target):
                reply = self.ask(self.head(target=target))
                self.assertIn(reply.status, (400, 404))
                self.assertNotIn(b"root:", reply.body)

    def test_request_lines_out_of_shape(self) -> None:
        """Nonsense is refused or cut, and the daemon stays."""
        for content in (b"\r\n\r\n\r\n", b"GET\r\n\r\n", b"GET /\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n",
                        b"GET / HTTP/1.1 x\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
                        b"\x00" * 1000, b"GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n",
                        b"CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n",
                        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", self.head(" folded: yes"),
                        self.head("no colon"), self.head("Name : value"), self.head(": no name")):
            with self.subTest(content=content[:60]), Wire(self.daemon) as wire:
                wire.send(content)
                wire.socket.shutdown(socket.SHUT_WR)
                self.assertIn(wire.reply().status, REFUSED)

    def test_too_long(self) -> None:
        """A header line, many headers, or a target beyond what is held for a connection."""
        for name, content in (("line", self.head("X-Long: " + "x" * 65536)),
                              ("lines", self.head(*["X-%d: y" % i for i in range(10000)])),
                              ("target", self.head(target="/" + "x" * 65536)),
                              ("query", self.head(target="/api/v1/runs?commit=" + "x" * 65536)),
                              ("token", self.head("Authorization: Bearer " + "x" * 65536))):
            with self.subTest(name=name):
                self.assertIn(self.ask(content).status, (0, 400, 413, 414, 431))
        long = self.ask(self.head(target="/api/v1/runs?commit=" + "0" * 8000))
        self.assertEqual((long.status, json.loads(long.body)["runs"]), (200, []))

    def test_head(self) -> None:
        """HEAD is GET without the body."""
        for target in ("/", "/api/v1/pythons", "/api/v1/nope"):
            with self.subTest(target=target), Wire(self.daemon) as wire:
                wire.send(self.head(target=target))
                got = wire.reply()
                wire.send(self.head(target=target, method="HEAD"))
                head = wire.reply(with_body=False)
                self.assertEqual(head.status, got.status)
                self.assertEqual(head.headers["content-length"], str(len(got.body)))
                self.assertEqual(head.headers["content-type"], got.headers["content-type"])
                wire.send(self.head())
                self.assertEqual(wire.reply().status, 200, "a body came after the head")

    def test_keep_alive(self) -> None:
        """One connection carries many requests, also sent before their answers came."""
        with Wire(self.daemon) as wire:
            for _ in range(100):
                wire.send(self.head())
                self.assertEqual(wire.reply().status, 200)
            wire.send(self.head() * 3 + self.head(target="/api/v1/nope") + self.head(target="/"))
            self.assertEqual([wire.reply().status for _ in range(5)], [200, 200, 200, 404, 200])
            wire.send(self.post("Content-Length: 2") + b"{}" + self.head())
            self.assertEqual([wire.reply().status for _ in range(2)], [422, 200])
            wire.send(self.head("Connection: close"))
            self.assertEqual(wire.reply().status, 200)
            self.assertTrue(wire.is_closed())

    def test_in_pieces(self) -> None:
        """A request that comes byte by byte, but in time, is answered."""
        with Wire(self.daemon) as wire:
            wire.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for byte in self.post("Content-Length: 13") + b'{"nope": [1]}':
                wire.send(bytes([byte]))
            reply = wire.reply()
            self.assertEqual((reply.status, json.loads(reply.body)["field"]), (422, "nope"))

    def test_expect(self) -> None:
        """`Expect: 100-continue` is answered before the body comes, a refusal at once."""
        with Wire(self.daemon) as wire:
            wire.send(self.post("Content-Length: 2", "Expect: 100-continue"))
            self.assertEqual(wire.reply().status, 100)
            wire.send(b"{}")
            self.assertEqual(wire.reply().status, 422)
        refused = self.post("Content-Length: 2", "Expect: 100-continue")
        refused = refused.replace(self.daemon.token.encode(), b"wrong")
        self.assertEqual(self.ask(refused).status, 401)

    def test_security_headers(self) -> None:
        """Every answer of ours forbids framing, sniffing, referrers and foreign scripts."""
        page = self.ask(self.head(target="/"))
        self.assertEqual(page.status, 200)
        self.assertNotRegex(page.body.decode(), r"<script(?![^>]*\bsrc=)|\son[a-z]+=|javascript:")
        files = re.findall(r'(?:src|href)="(/?[^":]+\.(?:js|css|svg|png|ico|mjs))"', page.body.decode())
        self.assertTrue(files, "the page names no file of its own")
        asked: List[Tuple[int, bytes]] = [(200, self.head(target="/" + name.lstrip("/").lstrip("./")))
                                          for name in files]
        asked += [
            (200, self.head(target="/")), (200, self.head()), (404, self.head(target="/api/v1/nope")),
            (404, self.head(target="/nope")), (405, self.head(method="PUT")), (401, self.head(method="DELETE")),
            (303, self.head(target="/?token=" + self.daemon.token)), (401, self.head(target="/?token=no")),
            (403, self.head(host="evil.example")), (400, self.head(target="/api/v1/runs?limit=x")),
            (400, self.head("Host: evil.example")), (422, self.post("Content-Length: 2") + b"{}"),
            (413, self.post("Content-Length: 2000000")), (200, self.head(target="/api/v1/stream")),
        ]
        for status, content in asked:
            with self.subTest(request=content.split(b"\r\n")[0]):
                reply = self.ask(content)
                self.assertEqual(reply.status, status)
                for name, wanted in SECURITY.items():
                    self.assertRegex(reply.headers.get(name, ""), wanted, name)
                self.assertNotIn("access-control-allow-origin", reply.headers)
                self.assertNotIn(self.daemon.token.encode(), reply.body)

    def test_files(self) -> None:
        """The page is the same packed and plain, and is not sent again when it is known."""
        plain = self.ask(self.head(target="/"))
        packed = self.ask(self.head("Accept-Encoding: gzip", target="/"))
        self.assertEqual(packed.headers.get("content-encoding"), "gzip")
        self.assertEqual(gzip.decompress(packed.body), plain.body)
        self.assertNotIn("content-encoding", plain.headers)
        known = self.head("If-None-Match: " + plain.headers["etag"], target="/")
        with Wire(self.daemon) as wire:
            wire.send(known + self.head())
            again = wire.reply(with_body=False)
            self.assertEqual(again.status, 304)
            self.assertEqual(wire.reply().status, 200, "a body came with 304")
        self.assertNotEqual(plain.headers["etag"], packed.headers["etag"])

    def test_sign_in(self) -> None:
        """The printed URL turns its token into a cookie that no script reads and no other site sends."""
        good = self.daemon.token
        reply = self.ask(self.head(target="/?token=" + good))
        self.assertEqual((reply.status, reply.headers["location"]), (303, "/"))
        cookie, *attributes = [part.strip() for part in reply.headers["set-cookie"].split(";")]
        self.assertEqual(cookie, "tidemark_%d=%s" % (self.daemon.port, good))
        self.assertLessEqual({"HttpOnly", "SameSite=Strict", "Path=/"}, set(attributes))
        for wrong in ("", "no", good[:-1], good + "0", good.upper() + "%20"):
            with self.subTest(token=wrong):
                refused = self.ask(self.head(target="/?token=" + wrong))
                self.assertEqual(refused.status, 401)
                self.assertNotIn("set-cookie", refused.headers)
        self.assertNotIn("set-cookie", self.ask(self.head(target="/")).headers)
        for origin, status in ((self.daemon.url, 422), ("http://localhost:%d" % self.daemon.port, 422),
                               (None, 401), ("http://evil.example", 403), ("null", 403)):
            with self.subTest(origin=origin):
                lines = ["Cookie: other=1; %s; more=2" % cookie, "Content-Type: application/json",
                         "Content-Length: 2"] + (["Origin: " + origin] if origin else [])
                content = self.head(*lines, method="POST", target="/api/v1/runs") + b"{}"
                self.assertEqual(self.ask(content).status, status)
        lines = ["Cookie: %s0" % cookie, "Content-Type: application/json", "Content-Length: 2",
                 "Origin: " + self.daemon.url]
        content = self.head(*lines, method="POST", target="/api/v1/runs") + b"{}"
        self.assertEqual(self.ask(content).status, 401)

    def test_descriptors(self) -> None:
        """Requests of every kind, broken-off ones among them, leave as many open files as there were."""
        before = self.daemon.descriptors()
        for _ in range(20):
            self.ask(self.head())
            self.ask(self.head(host="evil.example"))
            self.ask(self.post("Content-Length: 2", "Content-Length: 2") + b"{}")
            with Wire(self.daemon) as wire:
                wire.send(self.head()[:30])
            with Wire(self.daemon) as wire:
                wire.send(self.post("Content-Length: 100") + b"{")
            with Wire(self.daemon) as wire:
                wire.send(self.head(target="/api/v1/stream"))
        self.assertFalse(self.daemon.await_descriptors(before, 30))


class Slow(DaemonCase):
    """Clients that take their time do not take that of others."""

    def drip(self, content: bytes, cut: Dict[str, float], name: str) -> None:
        """Send a byte a second until the daemon closes; how long that took, CUT_S when it did not."""
        began = time.monotonic()
        with self.daemon.raw(1) as connection:
            for at in range(CUT_S):
                try:
                    if at < len(content):
                        connection.sendall(content[at:at + 1])
                    if not connection.recv(65536):
                        break
                except socket.timeout:
                    continue
                except OSError:
                    break
        cut[name] = time.monotonic() - began

    def test_slow_and_idle(self) -> None:
        """A head or body that drips is cut by the deadline of a whole request, an idle connection by the
        allowed idleness; meanwhile every other client is served at once."""
        before = self.daemon.descriptors()
        host = "Host: %s:%d\r\n" % (self.daemon.host, self.daemon.port)
        head = ("POST /api/v1/runs HTTP/1.1\r\n%sAuthorization: Bearer %s\r\nContent-Type: application/json\r\n"
                "Content-Length: 500\r\n\r\n" % (host, self.daemon.token)).encode()
        cut: Dict[str, float] = {}
        idle = [self.daemon.raw() for _ in range(100)]
        clients = [threading.Thread(target=self.drip, args=(content, cut, name)) for name, content in (
            ("head", b"GET /api/v1/status HTTP/1.1\r\n" + host.encode() + b"X: " + b"x" * 100),
            ("line", b"GET /" + b"x" * 100), ("nothing", b""))]
        clients.append(threading.Thread(target=self.drip_body, args=(head, cut)))
        for client in clients:
            client.start()
        slowest = 0.0
        while any(client.is_alive() for client in clients):
            began = time.monotonic()
            self.assertEqual(self.daemon.get("/api/v1/status").status, 200)
            slowest = max(slowest, time.monotonic() - began)
            time.sleep(0.1)
        for client in clients:
            client.join()
        self.assertLess(slowest, min(cut.values()), "other clients waited")
        self.assertEqual(set(cut), {"head", "line", "nothing", "body"})
        for name, seconds in cut.items():
            self.assertLess(seconds, CUT_S - 1, "the client that sent its %s slowly was not cut" % name)
        for connection in idle:
            connection.close()
        self.assertFalse(self.daemon.await_descriptors(before))

    def drip_body(self, head: bytes, cut: Dict[str, float]) -> None:
        """Send the head at once and the body a byte a second."""
        began = time.monotonic()
        with self.daemon.raw(1) as connection:
            connection.sendall(head)
            for _ in range(CUT_S):
                try:
                    connection.sendall(b"{")
                    if not connection.recv(65536):
                        break
                except socket.timeout:
                    continue
                except OSError:
                    break
        cut["body"] = time.monotonic() - began

    def test_many_connections(self) -> None:
        """As many connections as are allowed, all idle, keep others out only until they are cut."""
        open_more_files()
        idle = []
        for _ in range(CONNECTIONS + 50):
            try:
                idle.append(self.daemon.raw(5))
            except OSError:
                break

        def served() -> bool:
            try:
                return self.daemon.get("/api/v1/status").status == 200
            except OSError:
                return False

        self.assertTrue(eventually(served, CUT_S, 0.5))
        for connection in idle:
            connection.close()


class Streams(DaemonCase):
    """Event streams."""

    def read(self, stream: Stream, into: List[Event]) -> None:
        """Read a stream to the batch's end, or until it breaks."""
        try:
            into += stream.until_batch_done(90)
        except (OSError, AssertionError):
            pass

    def small_batch(self) -> int:
        """Queue two runs of 64 objects; the batch's id."""
        answer = self.daemon.post("/api/v1/runs", {
            "scenarios": ["list_bytes"], "pythons": [self.daemon.usable_pythons()[0]], "samples": 2,
            "params": {"count": 64, "repeat": 1}})
        self.assertEqual(answer.status, 202, answer.body)
        return int(answer.json()["id"])

    def test_many_streams(self) -> None:
        """Streams at once all get the same events, cost no thread, and are freed when they go away."""
        before, threads = self.daemon.descriptors(), self.daemon.threads()
        streams = [self.daemon.stream() for _ in range(STREAMS)]
        for stream in streams:
            self.addCleanup(stream.close)
        self.assertEqual({stream.status for stream in streams}, {200})
        self.assertEqual(self.daemon.threads(), threads)
        # connections of earlier tests may still be counted in `before`
        self.assertTrue(eventually(lambda: self.daemon.descriptors()["socket"] <= before["socket"] + STREAMS, 60, 0.2))
        seen: List[List[Event]] = [[] for _ in streams]
        readers = [threading.Thread(target=self.read, args=pair) for pair in zip(streams, seen)]
        for reader in readers:
            reader.start()
        batch = self.small_batch()
        for reader in readers:
            reader.join()
        self.assertLessEqual({"queued", "building", "running", "done", "batch"},
                             {event.name for event in seen[0]})
        # what came while they were being opened only the earlier ones have seen
        every = max(events[0].id for events in seen)
        seen = [[event for event in events if event.id >= every] for events in seen]
        for other in seen[1:]:
            self.assertEqual(other, seen[0])
        ids = [event.id for event in seen[0]]
        self.assertEqual(ids, list(range(ids[0], ids[0] + len(ids))), "the ids have a gap")
        self.resume(seen[0], batch)
        for stream in streams:
            stream.close()
        self.assertFalse(self.daemon.await_descriptors(before, 30), "streams that went away are held")
        self.assertEqual(self.daemon.threads(), threads)

    def resume(self, seen: List[Event], batch: int) -> None:
        """A client that comes back with Last-Event-ID gets what it missed, once."""
        for at in (0, len(seen) // 2, len(seen) - 2):
            with self.daemon.stream(last_event_id=seen[at].id) as stream:
                self.assertEqual(stream.until_batch_done(120), seen[at + 1:])
        of_batch = [event for event in seen[1:] if event.name != "history"]  # that one is of no batch
        with self.daemon.stream(batch=batch, last_event_id=seen[0].id) as stream:
            self.assertEqual(stream.until_batch_done(120), of_batch)
        with self.daemon.stream(last_event_id=1) as stream:  # long gone: all that is held
            self.assertEqual(stream.until_batch_done(120, batch)[-len(seen):], seen)

    def test_filter_and_heartbeat(self) -> None:
        """A stream of a batch tells nothing of another; comments come at once and again and again all
        the same, so that a client knows that the stream stands."""
        with self.daemon.stream(batch=10**6) as other, self.daemon.stream() as every:
            batch = self.small_batch()
            every.until_batch_done(90, batch)
            lines = iter(other)
            self.assertEqual(next(lines).name, ":")
            self.assertEqual(next(lines).name, ":")

    def test_headers(self) -> None:
        """An event stream is one to browsers and proxies; strange ids are as none."""
        for last in ("abc", "-1", "0", "99999999999999999999", "9223372036854775807", ""):
            with self.subTest(last=last), self.daemon.raw() as connection:
                connection.sendall(("GET /api/v1/stream HTTP/1.1\r\nHost: %s:%d\r\nLast-Event-ID: %s\r\n\r\n"
                                    % (self.daemon.host, self.daemon.port, last)).encode())
                head = connection.recv(4096)
                self.assertTrue(head.startswith(b"HTTP/1.1 200 "), head)
                self.assertIn(b"\r\nContent-Type: text/event-stream", head)
                self.assertIn(b"\r\nCache-Control: no-store", head)

    def test_too_many_streams(self) -> None:
        """Beyond the ceiling a stream is refused with 503 and Retry-After; others are still served."""
        open_more_files()
        before = self.daemon.descriptors()
        streams: List[Stream] = []
        refused = None
        for _ in range(CONNECTIONS):
            stream = self.daemon.stream()
            self.addCleanup(stream.close)
            streams.append(stream)
            if stream.status != 200:
                refused = stream
                break
        self.assertIsNotNone(refused)
        self.assertEqual(refused.status, 503)
        self.assertEqual(refused.response.getheader("Content-Type"), "application/problem+json")
        self.assertTrue(refused.response.getheader("Retry-After"))
        self.assertGreater(len(streams), STREAMS)
        self.assertEqual(self.daemon.get("/api/v1/status").status, 200)
        for stream in streams:
            stream.close()
        self.assertFalse(self.daemon.await_descriptors(before, 30))
        with self.daemon.stream() as again:
            self.assertEqual(again.status, 200)


if __name__ == "__main__":
    unittest.main(verbosity=2)
