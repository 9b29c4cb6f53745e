"""Who may do what: tokens and their scopes, reading with --require-token, listeners beyond the loopback, TLS,
other origins. docs/SECURITY.md promises what is tested here."""

import json
import re
import socket
import ssl
import subprocess
import time
import unittest
from typing import Any, Dict, List, Optional

from daemon import Answer, Daemon, FaultCase, run_program

TOKENS = "/api/v1/tokens"
DAY_NS = 86400 * 10**9


def bearer(token: str) -> Dict[str, str]:
    """The header that carries it."""
    return {"Authorization": "Bearer " + token}


class AccessCase(FaultCase):
    """Daemons without a repository: nothing is measured."""

    def serve(self, *options: str, config: Optional[Dict[str, Any]] = None) -> Daemon:
        """A daemon that runs with these options."""
        more = list(options)
        if config is not None:
            (self.folder / "config.json").write_text(json.dumps(config))
            more += ["--config", str(self.folder / "config.json")]
        daemon = self.make(options=more)
        return daemon.start()

    def refused(self, answer: Answer, status: int, kind: str) -> Dict[str, Any]:
        """The problem that the answer is."""
        self.assertEqual(answer.status, status, answer.body)
        problem = answer.json()
        self.assertEqual(problem["type"], "/problems/" + kind)
        return problem

    def make_token(self, daemon: Daemon, name: str, scopes: List[str], **more: Any) -> Dict[str, Any]:
        """A new token as the daemon answers with it."""
        answer = daemon.post(TOKENS, {"name": name, "scopes": scopes, **more})
        self.assertEqual(answer.status, 201, answer.body)
        return answer.json()


class Tokens(AccessCase):
    """What POST, GET and DELETE /tokens do, and what a scope allows."""

    def test_a_scope_allows_what_it_says_and_no_more(self) -> None:
        """403 names the scope that is missing; without a token, or with a wrong or revoked one, it is 401."""
        daemon = self.serve()
        made = {scope: self.make_token(daemon, scope, [scope]) for scope in ("read", "trigger", "upload", "admin")}
        asks = {  # what is asked, and what is answered to whom is allowed it: the requests are wrong otherwise
            "trigger": ("POST", "/api/v1/runs?dry_run=maybe", 400),
            "upload": ("POST", "/api/v1/imports?nonsense=1", 400),
            "admin": ("GET", TOKENS, 200),
        }
        for needed, (method, target, status) in asks.items():
            kind = "application/octet-stream" if needed == "upload" else "application/json"
            for scope, token in made.items():
                with self.subTest(needed=needed, scope=scope):
                    answer = daemon.request(method, target, b"{}" if method == "POST" else None,
                                            {**bearer(token["token"]), "Content-Type": kind})
                    if scope in (needed, "admin"):
                        self.assertEqual(answer.status, status, answer.body)
                    else:
                        self.assertEqual(self.refused(answer, 403, "forbidden")["scope"], needed)
            for wrong in ({}, bearer("f" * 64), bearer(""), {"Authorization": "Basic eDp5"}):
                answer = daemon.request(method, target, headers=wrong)
                self.refused(answer, 401, "unauthorized")
                self.assertEqual(answer.headers["www-authenticate"], "Bearer")
        self.stop(daemon)

    def test_tokens_are_listed_without_their_texts_expire_and_are_revoked(self) -> None:
        """The database holds only hashes; a revoked token is refused at once, an expired one once it has."""
        daemon = self.serve()
        short = self.make_token(daemon, "short", ["admin"], expires_ns=time.time_ns() + 3 * 10**9)
        kept = self.make_token(daemon, "kept", ["read", "upload"], expires_ns=time.time_ns() + DAY_NS)
        self.assertRegex(short["token"], r"^[0-9a-f]{64}$")
        self.assertEqual(daemon.get(TOKENS, bearer(short["token"])).status, 200)
        listed = daemon.get(TOKENS, bearer(daemon.token)).json()["tokens"]
        self.assertEqual([token["name"] for token in listed], ["DATA/token", "short", "kept"])
        self.assertEqual([token["own"] for token in listed], [True, False, False])
        self.assertNotIn("token", listed[1])
        self.assertEqual(listed[2]["scopes"], ["read", "upload"])
        for text in (daemon.token, short["token"], kept["token"]):
            for file in daemon.data.glob("tidemark.db*"):
                self.assertNotIn(text.encode(), file.read_bytes())
        time.sleep(max(0.0, short["expires_ns"] / 1e9 - time.time()) + 0.1)
        problem = self.refused(daemon.get(TOKENS, bearer(short["token"])), 401, "unauthorized")
        self.assertIn("expired", problem["title"])
        gone = daemon.request("DELETE", "%s/%d" % (TOKENS, kept["id"]), headers=bearer(daemon.token))
        self.assertEqual((gone.status, gone.body), (204, b""))
        self.refused(daemon.get(TOKENS, bearer(kept["token"])), 401, "unauthorized")
        again = daemon.request("DELETE", "%s/%d" % (TOKENS, kept["id"]), headers=bearer(daemon.token))
        self.refused(again, 404, "not-found")
        own = daemon.request("DELETE", "%s/%d" % (TOKENS, listed[0]["id"]), headers=bearer(daemon.token))
        self.refused(own, 409, "in-use")
        self.stop(daemon)

    def test_wishes_that_are_wrong_are_refused_by_field(self) -> None:
        """422, and the field."""
        daemon = self.serve()
        self.make_token(daemon, "taken", ["read"])
        fine = {"name": "a", "scopes": ["read"]}
        wishes: List[Any] = [
            ("name", {"scopes": ["read"]}), ("name", {**fine, "name": ""}), ("name", {**fine, "name": "x" * 81}),
            ("name", {**fine, "name": 5}), ("name", {**fine, "name": "taken"}), ("scopes", {"name": "a"}),
            ("scopes", {**fine, "scopes": []}), ("scopes", {**fine, "scopes": "read"}),
            ("scopes[1]", {**fine, "scopes": ["read", "write"]}), ("scopes[1]", {**fine, "scopes": ["read", "read"]}),
            ("expires_ns", {**fine, "expires_ns": 5}), ("expires_ns", {**fine, "expires_ns": "soon"}),
            ("colour", {**fine, "colour": "red"}), (None, []),
        ]
        for field, wish in wishes:
            with self.subTest(wish=wish):
                problem = self.refused(daemon.post(TOKENS, wish), 422, "invalid-field")
                self.assertEqual(problem.get("field") or None, field)
        self.stop(daemon)

    def test_tokens_outlive_a_restart_and_a_new_file_makes_a_new_own_one(self) -> None:
        """DATA/token stays; removed, it is drawn anew, and the one that it held is worth nothing."""
        daemon = self.serve()
        made, before = self.make_token(daemon, "kept", ["admin"]), daemon.token
        self.assertEqual(daemon.mode_of("token"), 0o600)
        daemon.kill()
        daemon.start()
        self.assertEqual(daemon.token, before)
        self.assertEqual(daemon.get(TOKENS, bearer(made["token"])).status, 200)
        self.stop(daemon)
        (daemon.data / "token").unlink()
        daemon.start()
        self.assertNotEqual(daemon.token, before)
        self.refused(daemon.get(TOKENS, bearer(before)), 401, "unauthorized")
        used = {token["name"]: token["used_ns"] for token in daemon.get(TOKENS, bearer(daemon.token)).json()["tokens"]}
        self.assertEqual(used["kept"] % (3600 * 10**9), 0, "to the hour")
        self.stop(daemon)


class Closed(AccessCase):
    """--require-token, other listeners, TLS, proxies and pages of others."""

    def test_reading_needs_a_token_when_it_is_required(self) -> None:
        """As bearer or as the cookie, of the scope read; the page itself and the OpenAPI document are open."""
        daemon = self.serve("--require-token")
        for target in ("/api/v1/status", "/api/v1/runs", "/api/v1/runs/1/curve", "/api/v1/stream", "/api/v1/nothing"):
            self.refused(daemon.get(target), 401, "unauthorized")
        self.assertEqual(daemon.get("/").status, 200)
        self.assertEqual(daemon.get("/api/v1/openapi.json").status, 200)
        signed = daemon.get("/?token=" + daemon.token)
        self.assertEqual(signed.status, 303)
        cookie = signed.headers["set-cookie"]
        self.assertIn("HttpOnly; SameSite=Strict", cookie)
        self.assertNotIn("Secure", cookie)
        self.assertEqual(daemon.get("/api/v1/status", {"Cookie": cookie.split(";")[0]}).status, 200)
        reader = self.make_token(daemon, "reader", ["read"], expires_ns=time.time_ns() + DAY_NS)
        uploader = self.make_token(daemon, "uploader", ["upload"])
        self.assertEqual(daemon.get("/api/v1/status", bearer(reader["token"])).status, 200)
        self.assertEqual(self.refused(daemon.get("/api/v1/status", bearer(uploader["token"])), 403,
                                      "forbidden")["scope"], "read")
        self.assertRegex(daemon.get("/?token=" + reader["token"]).headers["set-cookie"], r"; Max-Age=86[0-9]{3}$")
        self.refused(daemon.get("/?token=wrong"), 401, "unauthorized")
        self.stop(daemon)

    def test_a_start_that_would_let_strangers_in_is_refused(self) -> None:
        """Exit code 2 and a sentence that says what is missing."""
        starts = [
            (["--listen", "0.0.0.0:0"], "--require-token"),
            (["--trusted-origin", "https://tidemark.example"], "--require-token"),
            (["--require-token", "--trusted-origin", "tidemark.example"], "must be like https://"),
            (["--require-token", "--trusted-origin", "https://tidemark.example/path"], "must be like https://"),
            (["--listen", "example.org:0"], "numeric address"),
            (["--tls-cert", "/dev/null"], "go together"),
        ]
        for options, words in starts:
            with self.subTest(options=options):
                listen = [] if "--listen" in options else ["--listen", "127.0.0.1:0"]
                done = run_program(self.folder, "serve", "--data", str(self.folder / "refused"), *listen, *options)
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertIn(words, done.stderr)

    def test_a_listener_at_every_address(self) -> None:
        """Numbers are names of it, words are not unless they are trusted; the command line has an address of its own."""
        daemon = self.make(options=["--require-token", "--trusted-origin", "https://tidemark.example"])
        daemon.command[daemon.command.index("127.0.0.1:0")] = "0.0.0.0:0"
        daemon.start()
        printed = re.search(r"serves http://0\.0\.0\.0:([0-9]+)", daemon.log())
        assert printed, daemon.log()
        port = int(printed.group(1))
        self.assertNotEqual(port, daemon.port)
        token = bearer(daemon.token)
        self.assertEqual(daemon.get("/api/v1/status", token).status, 200)  # by the address in DATA/url
        daemon.port = port
        for host, status in (("127.0.0.1:%d" % port, 200), ("10.1.2.3:%d" % port, 200), ("[::1]:%d" % port, 200),
                             ("tidemark.example", 200), ("evil.example:%d" % port, 403), ("10.1.2.3:1", 403),
                             ("evil.example", 403), ("10.1.2.3.evil.example:%d" % port, 403)):
            with self.subTest(host=host):
                self.assertEqual(daemon.get("/api/v1/status", {**token, "Host": host}).status, status)
        for origin, status in (("https://tidemark.example", 422), ("http://tidemark.example", 403),
                               ("http://10.1.2.3:%d" % port, 422), ("https://evil.example", 403)):
            with self.subTest(origin=origin):
                answer = daemon.post(TOKENS, {}, {"Origin": origin})
                self.assertEqual(answer.status, status, answer.body)
        secure = daemon.get("/?token=" + daemon.token, {"Host": "tidemark.example"})
        self.assertIn("; Secure", secure.headers["set-cookie"])
        self.stop(daemon)

    def certificate(self, name: str, days: int = 90) -> None:
        """A self-signed one in NAME.crt, its key in NAME.key."""
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                        "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-days",
                        str(days), "-keyout", str(self.folder / (name + ".key")), "-out", str(self.folder / (name + ".crt"))],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def test_tls(self) -> None:
        """Served and checked by a client that trusts the certificate; what does not fit is told at the start."""
        self.certificate("one", days=1)
        self.certificate("two")
        done = run_program(self.folder, "serve", "--data", str(self.folder / "refused"), "--listen", "127.0.0.1:0",
                           "--tls-cert", str(self.folder / "one.crt"), "--tls-key", str(self.folder / "two.key"))
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("is not that of the certificate", done.stderr)
        daemon = self.serve("--tls-cert", str(self.folder / "one.crt"), "--tls-key", str(self.folder / "one.key"))
        self.assertIn("expires soon", daemon.log())
        printed = re.search(r"serves https://127\.0\.0\.1:([0-9]+)", daemon.log())
        assert printed, daemon.log()
        context = ssl.create_default_context(cafile=str(self.folder / "one.crt"))
        with socket.create_connection(("127.0.0.1", int(printed.group(1))), 60) as plain:
            with context.wrap_socket(plain, server_hostname="localhost") as tls:
                tls.sendall(b"GET /?token=%s HTTP/1.1\r\nHost: localhost:%s\r\nConnection: close\r\n\r\n"
                            % (daemon.token.encode(), printed.group(1).encode()))
                reply = b"".join(iter(lambda: tls.recv(65536), b""))
        self.assertTrue(reply.startswith(b"HTTP/1.1 303"), reply)
        self.assertIn(b"SameSite=Strict; Secure", reply)
        self.assertEqual(daemon.get("/api/v1/status").status, 200, "plain, by the address in DATA/url")
        self.stop(daemon)

    def test_pages_of_other_origins(self) -> None:
        """Off unless cors_origins names them; they read, and change what their bearer token allows."""
        daemon = self.serve(config={"cors_origins": ["https://wiki.example"]})
        known, other = {"Origin": "https://wiki.example"}, {"Origin": "https://evil.example"}
        answer = daemon.get("/api/v1/status", known)
        self.assertEqual(answer.headers["access-control-allow-origin"], "https://wiki.example")
        self.assertIn("Origin", answer.headers["vary"])
        self.assertNotIn("access-control-allow-origin", daemon.get("/api/v1/status", other).headers)
        log = b"CMDLINE example.py\nMEM 10.0 1700000000.0000\nMEM 12.0 1700000001.0000\n"
        run = daemon.post("/api/v1/imports", log, {"Content-Type": "application/octet-stream"}).json()["id"]
        for origin, allowed in ((known, True), ({}, False), ({}, False), (known, True), (other, False)):
            curve = daemon.get("/api/v1/runs/%d/curve" % run, origin)  # also when it comes from memory
            self.assertEqual(("access-control-allow-origin" in curve.headers, curve.status), (allowed, 200))
        asked = daemon.request("OPTIONS", "/api/v1/runs", headers={**known, "Access-Control-Request-Method": "POST"})
        self.assertEqual((asked.status, asked.headers["access-control-allow-methods"]), (204, "GET, POST, PATCH, DELETE"))
        self.assertNotIn("access-control-allow-credentials", asked.headers)
        self.assertNotEqual(daemon.request("OPTIONS", "/api/v1/runs", headers=other).status, 204)
        self.assertEqual(daemon.post(TOKENS, {}, known).status, 422)
        self.refused(daemon.post(TOKENS, {}, other), 403, "forbidden")
        cookie = daemon.get("/?token=" + daemon.token).headers["set-cookie"].split(";")[0]
        self.refused(daemon.post(TOKENS, {}, {**known, "Authorization": None, "Cookie": cookie}), 401, "unauthorized")
        self.stop(daemon)
        wrong = self.folder / "wrong.json"
        wrong.write_text('{"cors_origins": ["wiki.example"]}')
        done = run_program(self.folder, "serve", "--data", str(self.folder / "refused"), "--config", str(wrong))
        self.assertEqual(done.returncode, 2)
        self.assertIn("cors_origins[0]", done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
