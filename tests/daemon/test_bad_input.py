"""Bad input: each gets a 4xx that says what is wrong, and leaves no row, process or worktree behind."""

from __future__ import annotations

import json
import socket
import unittest
from typing import Any, Dict, List, Optional, Sequence, Tuple, Union

from daemon import Answer, DaemonCase

TYPES = {400: "malformed-request", 401: "unauthorized", 403: "forbidden", 404: "not-found",
         405: "method-not-allowed", 408: "request-timeout", 413: "too-large",
         415: "unsupported-media-type", 422: "invalid-field"}
"""Statuses of docs/API.md and the ends of their types."""

Case = Tuple[Any, Union[int, Tuple[int, ...]], Optional[str]]
"""A body, the status that it must get, and the field that the answer must name."""

GOOD: Dict[str, Any] = {"scenarios": ["list_bytes"], "params": {"count": 16, "repeat": 1}}


def body(**changes: Any) -> Dict[str, Any]:
    """A request that would be accepted, with changes that make it wrong."""
    return {**GOOD, **changes}


def params(**changes: Any) -> Dict[str, Any]:
    """The same with other parameters."""
    return body(params=changes)


FIELDS: Sequence[Case] = (
    # project
    (body(project="nope"), 422, "project"),
    (body(project=""), 422, "project"),
    (body(project=1), 422, "project"),
    (body(project=None), 422, "project"),
    # commits
    (body(commits=["no-such-branch"]), 422, "commits[0]"),
    (body(commits=["HEAD", "0123456789012345678901234567890123456789"]), 422, "commits[1]"),
    (body(commits=["HEAD~1000000"]), 422, "commits[0]"),
    (body(commits=["HEAD:converters"]), 422, "commits[0]"),
    (body(commits=["HEAD..HEAD~1"]), 422, "commits[0]"),
    (body(commits=["../../etc/passwd"]), 422, "commits[0]"),
    (body(commits=[]), 422, "commits"),
    (body(commits="HEAD"), 422, "commits"),
    (body(commits={"0": "HEAD"}), 422, "commits"),
    (body(commits=None), 422, "commits"),
    (body(commits=[1]), 422, "commits[0]"),
    (body(commits=["HEAD", None]), 422, "commits[1]"),
    (body(commits=[""]), 422, "commits[0]"),
    (body(commits=["--all"]), 422, "commits[0]"),
    (body(commits=["-n1"]), 422, "commits[0]"),
    (body(commits=["--output=/tmp/tidemark-test-should-not-exist"]), 422, "commits[0]"),
    (body(commits=["HEAD\nHEAD"]), 422, "commits[0]"),
    (body(commits=["HEAD\r"]), 422, "commits[0]"),
    (body(commits=["HEAD\x1b[31m"]), 422, "commits[0]"),
    (body(commits=["x" * 1000]), 422, "commits[0]"),
    (body(commits=["\u00e9" * 199]), 422, "commits[0]"),
    (body(commits=["HEAD"] * 1001), 422, "commits"),
    # pythons
    (body(pythons=["9.9"]), 422, "pythons[0]"),
    (body(pythons=["3.8", "2.7"]), 422, None),
    (body(pythons=["python3"]), 422, "pythons[0]"),
    (body(pythons=["/usr/bin/python3"]), 422, "pythons[0]"),
    (body(pythons=["3"]), 422, "pythons[0]"),
    (body(pythons=["3."]), 422, "pythons[0]"),
    (body(pythons=["3.8.18.1"]), 422, "pythons[0]"),
    (body(pythons=[""]), 422, "pythons[0]"),
    (body(pythons=[]), 422, "pythons"),
    (body(pythons="all"), 422, "pythons"),
    (body(pythons=[3.12]), 422, "pythons[0]"),
    (body(pythons=["\u00e9" * 199]), 422, "pythons[0]"),
    # scenarios
    ({}, 422, "scenarios"),
    (body(scenarios=[]), 422, "scenarios"),
    (body(scenarios="list_bytes"), 422, "scenarios"),
    (body(scenarios=["nope"]), 422, "scenarios[0]"),
    (body(scenarios=["list_bytes", "nope"]), 422, "scenarios[1]"),
    (body(scenarios=["../scenarios/list_bytes"]), 422, "scenarios[0]"),
    (body(scenarios=["list_bytes "]), 422, "scenarios[0]"),
    (body(scenarios=[7]), 422, "scenarios[0]"),
    (body(scenarios=["\u00e9" * 199]), 422, "scenarios[0]"),
    # parameters
    (body(params=[]), 422, "params"),
    (body(params="count"), 422, "params"),
    (body(params=None), 422, "params"),
    (params(nope=1), 422, "params.nope"),
    (params(Count=1), 422, "params.Count"),
    (params(**{"": 1}), 422, "params."),
    (params(**{"\u00e9" * 60: 1}), 422, None),
    (params(**{"x" * 1000: 1}), 422, None),
    (params(count=0), 422, "params.count"),
    (params(count=-1), 422, "params.count"),
    (params(count="many"), 422, "params.count"),
    (params(count="16"), 422, "params.count"),
    (params(count=1.5), 422, "params.count"),
    (params(count=16777217), 422, "params.count"),
    (params(count=2**63 - 1), 422, "params.count"),
    (params(count=2**63), 422, "params.count"),
    (params(count=-2**63 - 1), 422, "params.count"),
    (params(count=2**64), 422, "params.count"),
    (params(count=10**40), 422, "params.count"),
    (params(count=1e300), 422, "params.count"),
    (params(count=None), 422, "params.count"),
    (params(count=True), 422, "params.count"),
    (params(count=[16]), 422, "params.count"),
    (params(count={"value": 16}), 422, "params.count"),
    (params(length=1), 422, "params.length"),
    (params(repeat=1001), 422, "params.repeat"),
    # samples
    (body(samples=0), 422, "samples"),
    (body(samples=-1), 422, "samples"),
    (body(samples=101), 422, "samples"),
    (body(samples=2**63), 422, "samples"),
    (body(samples="2"), 422, "samples"),
    (body(samples=1.5), 422, "samples"),
    (body(samples=True), 422, "samples"),
    (body(samples=None), 422, "samples"),
    (body(samples=[1]), 422, "samples"),
    # size, unknown fields, no object
    (body(size="huge"), 422, "size"),
    (body(size=1), 422, "size"),
    (body(size=None), 422, "size"),
    (body(commit="HEAD"), 422, "commit"),
    (body(**{"": 1}), 422, ""),
    (body(**{"x" * 500: 1}), 422, None),
    (body(**{"\u00e9" * 60: 1}), 422, None),
    ([], (400, 422), None),
    ([GOOD], (400, 422), None),
    ("list_bytes", (400, 422), None),
    (1, (400, 422), None),
    (None, (400, 422), None),
)

MALFORMED: Dict[str, bytes] = {
    "empty": b"",
    "white space": b" \n\t ",
    "no JSON": b"scenarios=list_bytes",
    "truncated": json.dumps(GOOD).encode()[:-1],
    "truncated text": b'{"scenarios": ["list_by',
    "two values": json.dumps(GOOD).encode() * 2,
    "trailing comma": b'{"scenarios": ["list_bytes"],}',
    "single quotes": b"{'scenarios': ['list_bytes']}",
    "comment": b'{"scenarios": ["list_bytes"]} // mine',
    "NaN": b'{"scenarios": ["list_bytes"], "samples": NaN}',
    "100,000 open lists": b"[" * 100000,
    "100,000 open objects": b'{"a":' * 100000,
    "deep value": b'{"params": ' + b"[" * 50000 + b"]" * 50000 + b"}",
    "invalid UTF-8": b'{"scenarios": ["\xff\xfe"]}',
    "overlong UTF-8": b'{"scenarios": ["\xc0\xaf"]}',
    "lone surrogate": b'{"scenarios": ["\\ud800"]}',
    "UTF-16": json.dumps(GOOD).encode("utf-16"),
    "NUL escaped": b'{"scenarios": ["list_bytes\\u0000"]}',
    "NUL in a key": b'{"scenarios\\u0000": ["list_bytes"]}',
    "NUL": b'{"scenarios": ["list_bytes\x00"]}',
    "a NUL behind it": json.dumps(GOOD).encode() + b"\x00",
    "duplicate keys": b'{"scenarios": ["list_bytes"], "samples": 1, "samples": 2}',
    "duplicate parameters": b'{"scenarios": ["list_bytes"], "params": {"count": 1, "count": 2}}',
}

NO_SUCH: Sequence[str] = tuple(
    "/api/v1/%s/%s%s" % (what, number, rest)
    for what, rests in (("runs", ("", "/curve", "/events", "/log")), ("batches", ("",)),
                        ("builds", ("", "/log")))
    for rest in rests
    for number in ("0", "-1", "abc", "99999999999999999999", "9223372036854775808", "999999999", "1x",
                   "01", "+1", "1.0", "")
    if number or rest  # the list itself is there
) + (
    "/api", "/api/", "/api/v1", "/api/v1/", "/api/v2/status", "/api/v1/nope", "/api/v1/status/",
    "/api/v1//status", "/API/v1/status", "/api/v1/projects/nope/commits",
    "/api/v1/projects/%ff%fe/commits", "/api/v1/projects//commits",
    "/api/v1/projects/" + "x" * 500 + "/commits", "/nope", "/index.html/", "/.git/config",
)

QUERIES: Sequence[Tuple[str, str]] = tuple(
    ("/api/v1/runs/1/curve?points=" + value, "points")
    for value in ("1", "0", "-5", "100001", "abc", "", "1e3", "10.5", "0x10", "99999999999999999999")
) + tuple(
    ("/api/v1/curves?runs=" + value, "runs")
    for value in ("", "0", "x", "1,", ",1", "1,,2", "1:5", "1:5:", "1:9:5", "1:-1:5", "1:0:5:7", "1;2", "1%2C0",
                  "9999999999999999999", ",".join(["1"] * 65))
) + (
    ("/api/v1/runs/1/curve?from_ns=-1", "from_ns"),
    ("/api/v1/runs/1/curve?from_ns=abc", "from_ns"),
    ("/api/v1/runs/1/curve?to_ns=9223372036854775808", "to_ns"),
    ("/api/v1/runs/1/curve?from_ns=10&to_ns=5", "to_ns"),
    ("/api/v1/runs/1/curve?nope=1", "nope"),
    ("/api/v1/runs/1/curve?%ff=1", ""),
    ("/api/v1/curves", "runs"),
    ("/api/v1/curves?runs=1&points=10001", "points"),
    ("/api/v1/curves?runs=1&from_ns=0", "from_ns"),
    ("/api/v1/runs/1/events?limit=0", "limit"),
    ("/api/v1/runs/1/events?limit=10001", "limit"),
    ("/api/v1/runs/1/events?limit=ten", "limit"),
    ("/api/v1/runs/1/events?cursor=-1", "cursor"),
    ("/api/v1/runs/1/events?cursor=abc", "cursor"),
    ("/api/v1/runs/1/events?kind=NOPE", "kind"),
    ("/api/v1/runs/1/events?kind=c_call", "kind"),
    ("/api/v1/runs/1/events?kind=C_CALL,NOPE", "kind"),
    ("/api/v1/runs/1/events?from_ns=10&to_ns=5", "to_ns"),
    ("/api/v1/runs/1/events?points=5", "points"),
    ("/api/v1/runs?limit=0", "limit"),
    ("/api/v1/runs?limit=1001", "limit"),
    ("/api/v1/runs?cursor=0", "cursor"),
    ("/api/v1/runs?cursor=x", "cursor"),
    ("/api/v1/runs?batch=x", "batch"),
    ("/api/v1/runs?batch=0", "batch"),
    ("/api/v1/runs?nope=1", "nope"),
    ("/api/v1/runs/1?nope=1", "nope"),
    ("/api/v1/batches?limit=x", "limit"),
    ("/api/v1/batches?status=ended", "status"),
    ("/api/v1/status?nope", "nope"),
    ("/api/v1/pythons?usable=1", "usable"),
    ("/api/v1/projects/converters/commits?limit=0", "limit"),
    ("/api/v1/projects/converters/commits?branch=x", "branch"),
    ("/api/v1/stream?batch=x", "batch"),
    ("/api/v1/stream?batch=0", "batch"),
    ("/api/v1/stream?batch=", "batch"),
    ("/api/v1/stream?nope=1", "nope"),
)

METHODS: Sequence[Tuple[str, str, str]] = (
    ("DELETE", "/api/v1/runs", "GET, HEAD, POST"),
    ("PUT", "/api/v1/runs", "GET, HEAD, POST"),
    ("PATCH", "/api/v1/runs", "GET, HEAD, POST"),
    ("DELETE", "/api/v1/runs/1", "GET, HEAD"),
    ("POST", "/api/v1/runs/1", "GET, HEAD"),
    ("POST", "/api/v1/status", "GET, HEAD"),
    ("POST", "/api/v1/stream", ""),
    ("DELETE", "/api/v1/batches/1", "GET, HEAD, PATCH"),
    ("OPTIONS", "/api/v1/runs", "GET, HEAD, POST"),
    ("TRACE", "/api/v1/status", "GET, HEAD"),
    ("NONSENSE", "/api/v1/status", "GET, HEAD"),
    ("get", "/api/v1/status", "GET, HEAD"),
    ("DELETE", "/", "GET, HEAD"),
    ("POST", "/", "GET, HEAD"),
)


class BadInput(DaemonCase):
    """One daemon with one finished run takes all of it."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        try:
            cls.python = cls.daemon.usable_pythons()[0]
            cls("run_batch").run_batch(pythons=[cls.python], params={"count": 64, "repeat": 1})
        except BaseException:
            super().tearDownClass()
            raise

    def setUp(self) -> None:
        self.rows = self.daemon.row_counts()

    def tearDown(self) -> None:
        self.assertEqual(self.daemon.row_counts(), self.rows, "a refused request left rows behind")
        self.assertEqual(self.daemon.children(), {}, "a refused request started something")
        self.assertEqual(list((self.daemon.data / "worktrees").iterdir()), [])
        self.assertEqual(self.daemon.get("/api/v1/status").status, 200)

    def check(self, answer: Answer, status: Union[int, Tuple[int, ...]],
              field: Optional[str] = None) -> Dict[str, Any]:
        """The answer is a problem of this status that says what is wrong; its JSON."""
        self.assertIn(answer.status, status if isinstance(status, tuple) else (status,), answer.body)
        self.assertEqual(answer.headers.get("content-type"), "application/problem+json")
        problem = answer.json()
        self.assertEqual(problem.get("status"), answer.status, problem)
        self.assertEqual(problem.get("type"), "/problems/" + TYPES[answer.status], problem)
        self.assertTrue(problem.get("title"), problem)
        self.assertTrue(problem.get("detail"), problem)
        if answer.status == 422:
            self.assertIn("field", problem)
        if field:
            self.assertEqual(problem.get("field"), field, problem)
        return problem

    def exchange(self, *parts: bytes) -> Tuple[int, bytes]:
        """Send the parts over one connection; status and body of what comes back, 0 when it is closed."""
        with self.daemon.raw() as connection:
            for part in parts:
                try:
                    connection.sendall(part)
                except OSError:
                    break  # it is closed already; the answer may be there all the same
            received = b""
            while b"\r\n\r\n" not in received or b"}" not in received.partition(b"\r\n\r\n")[2]:
                try:
                    block = connection.recv(65536)
                except OSError:
                    break
                if not block:
                    break
                received += block
        head, _, content = received.partition(b"\r\n\r\n")
        return int(head.split()[1]) if head else 0, content

    def head(self, *lines: str) -> bytes:
        """The head of a POST /api/v1/runs with the token."""
        return "\r\n".join(("POST /api/v1/runs HTTP/1.1", "Host: %s:%d" % (self.daemon.host, self.daemon.port),
                            "Authorization: Bearer " + self.daemon.token,
                            "Content-Type: application/json", *lines, "", "")).encode()

    # -- bodies --

    def test_fields(self) -> None:
        """A field that is missing, unknown, of the wrong type or out of range is named."""
        for given, status, field in FIELDS:
            with self.subTest(given=repr(given)[:160]):
                self.check(self.daemon.post("/api/v1/runs", given), status, field)

    def test_problems_say_what_is_allowed(self) -> None:
        """`detail` says what is allowed, as docs/API.md promises."""
        usable = self.daemon.usable_pythons()
        for given, wanted in ((body(project="nope"), "converters"), (body(scenarios=["nope"]), "list_bytes"),
                              (params(nope=1), "count"), (params(count=0), "16777216"),
                              (body(samples=0), "100"), (body(size="huge"), "demo"),
                              (body(pythons=["9.9"]), usable[0]), (body(nope=1), "samples")):
            with self.subTest(given=repr(given)[:160]):
                problem = self.check(self.daemon.post("/api/v1/runs", given), 422)
                self.assertIn(wanted, problem["detail"])

    def test_python_too_old(self) -> None:
        """A CPython before 3.8 that is there is refused with the reason."""
        old = [python["name"] for python in self.daemon.get("/api/v1/pythons").json()["pythons"]
               if python["version"].startswith("3.7.")]
        if not old:
            self.skipTest("no CPython 3.7 on this machine")
        for spec in ("3.7", old[0]):
            problem = self.check(self.daemon.post("/api/v1/runs", body(pythons=[spec])), 422, "pythons[0]")
            self.assertIn("older than 3.8", problem["detail"])

    def test_too_many_runs(self) -> None:
        """A batch above 10,000 runs is refused as a whole."""
        names = ["HEAD~%d" % back for back in range(1000)]
        answer = self.daemon.post("/api/v1/runs", body(commits=names, samples=100))
        problem = self.check(answer, 422)
        self.assertIn(problem["field"].partition("[")[0], ("samples", "commits"))

    def test_malformed(self) -> None:
        """What is no JSON is 400, and the answer says so."""
        for name, given in MALFORMED.items():
            with self.subTest(body=name):
                problem = self.check(self.daemon.post("/api/v1/runs", given), 400)
                self.assertIn("JSON", problem["detail"])

    def test_huge(self) -> None:
        """2 MB of valid JSON are too large, announced or chunked; 1 MiB is not."""
        huge = json.dumps(body(commits=["x" * (2 << 20)])).encode()
        status, content = self.exchange(self.head("Content-Length: %d" % len(huge)))
        self.assertEqual((status, json.loads(content)["type"]), (413, "/problems/too-large"))
        status, _ = self.exchange(self.head("Content-Length: %d" % len(huge)), huge)
        self.assertIn(status, (413, 0))  # 0: closed by a reset that overtook the answer
        chunks = b"".join(b"%x\r\n%s\r\n" % (len(huge[at:at + 65536]), huge[at:at + 65536])
                          for at in range(0, len(huge), 65536)) + b"0\r\n\r\n"
        status, content = self.exchange(self.head("Transfer-Encoding: chunked"), chunks)
        self.assertIn(status, (413, 0))
        if status:
            self.assertEqual(json.loads(content)["type"], "/problems/too-large")
        most = json.dumps(body(nope=1)).encode().ljust(1 << 20)
        self.check(self.daemon.post("/api/v1/runs", most), 422, "nope")
        status, _ = self.exchange(self.head("Content-Length: %d" % (len(most) + 1)))
        self.assertEqual(status, 413)

    def test_broken_off(self) -> None:
        """Clients that go away in the middle of their body leave nothing."""
        for sent in (b"", b'{"scenarios": ["list_', json.dumps(GOOD).encode()):
            with self.daemon.raw() as connection:
                connection.sendall(self.head("Content-Length: 5000") + sent)
                connection.shutdown(socket.SHUT_WR)
        for sent in (b"5\r\n{\"sce", b"zz\r\n", b"-1\r\n", b"ffffffffffffffffff\r\n"):
            with self.subTest(chunk=sent):
                status, _ = self.exchange(self.head("Transfer-Encoding: chunked"), sent, b"\r\n\r\n")
                self.assertNotEqual(status // 100, 2)

    def test_content_type(self) -> None:
        """A POST that is not application/json is refused: a foreign page's form cannot send that."""
        for content_type in (None, "", "text/plain", "application/x-www-form-urlencoded",
                             "multipart/form-data", "application/jsonx", "application/json-patch+json",
                             "text/plain; application/json"):
            with self.subTest(content_type=content_type):
                answer = self.daemon.post("/api/v1/runs", GOOD, {"Content-Type": content_type})
                self.check(answer, 415)

    # -- who asks --

    def test_token(self) -> None:
        """No token, a wrong one, or one in the wrong dress: 401."""
        good = self.daemon.token
        wrong = ("0" if good[0] != "0" else "1") + good[1:]
        for authorization in (None, "", "Bearer", "Bearer ", "Bearer " + wrong, "Bearer " + good[:-1],
                              "Bearer " + good + "0", "Basic " + good, good, "Bearer  " + good,
                              "Bearer " + good.upper() + "x"):
            with self.subTest(authorization=authorization):
                answer = self.daemon.post("/api/v1/runs", GOOD, {"Authorization": authorization})
                self.check(answer, 401)
                self.assertIn("Bearer", answer.headers["www-authenticate"])
        self.check(self.daemon.post("/api/v1/runs?token=" + good, GOOD, {"Authorization": None}), 401)

    def test_cookie(self) -> None:
        """The cookie counts only beside our own Origin."""
        cookie = "tidemark_%d=%s" % (self.daemon.port, self.daemon.token)
        for origin in ("http://evil.example", "null", "https://%s:%d" % (self.daemon.host, self.daemon.port),
                       "http://%s:%d" % (self.daemon.host, self.daemon.port + 1),
                       self.daemon.url + ".evil.example", "http://localhost"):
            with self.subTest(origin=origin):
                answer = self.daemon.post("/api/v1/runs", GOOD,
                                          {"Authorization": None, "Cookie": cookie, "Origin": origin})
                self.check(answer, 403)
        answer = self.daemon.post("/api/v1/runs", GOOD, {"Authorization": None, "Cookie": cookie})
        self.check(answer, 401)
        answer = self.daemon.post("/api/v1/runs", GOOD, {"Origin": "http://evil.example"})
        self.check(answer, 403)  # the right token does not help a foreign page

    # -- what is asked for --

    def test_no_such_resource(self) -> None:
        """Unknown paths and ids are 404."""
        for target in NO_SUCH:
            with self.subTest(target=target):
                self.check(self.daemon.get(target), 404)

    def test_queries(self) -> None:
        """A parameter that is unknown, no number or out of range is refused."""
        for target, field in QUERIES:
            with self.subTest(target=target):
                self.check(self.daemon.get(target), 400, field)

    def test_methods(self) -> None:
        """405 with Allow."""
        headers = {"Content-Type": "application/json", "Authorization": "Bearer " + self.daemon.token}
        for method, target, allowed in METHODS:
            with self.subTest(method=method, target=target):
                answer = self.daemon.request(method, target, b"{}" if method == "POST" else None, headers)
                self.check(answer, 405)
                self.assertTrue(answer.headers.get("allow"))
                if allowed:
                    self.assertEqual(answer.headers["allow"], allowed)

    def test_post_to_nowhere(self) -> None:
        """POST to an unknown path is 404 with the token, 401 without."""
        self.check(self.daemon.post("/api/v1/nope", GOOD), 404)
        self.check(self.daemon.post("/api/v1/nope", GOOD, {"Authorization": None}), 401)
        self.check(self.daemon.post("/api/v1/runs?nope=1", GOOD), 400, "nope")


class Twice(DaemonCase):
    """What is named twice is measured once."""

    def test_named_twice(self) -> None:
        """A commit, python or scenario given twice makes no second run of its cell."""
        python = self.daemon.usable_pythons()[0]
        batch = self.run_batch(commits=["HEAD", "HEAD"], pythons=[python, python],
                               scenarios=["list_bytes", "list_bytes"], params={"count": 64, "repeat": 1})
        runs: List[Dict[str, Any]] = self.daemon.get("/api/v1/runs?batch=%d" % batch).json()["runs"]
        self.assertEqual([run["sample"] for run in runs], [1])


if __name__ == "__main__":
    unittest.main(verbosity=2)
