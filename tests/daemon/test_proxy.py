"""Behind nginx and Caddy with the configurations of docs/SECURITY.md: pages, the cookie, uploads and events come
through."""

import os
import re
import shutil
import socket
import ssl
import subprocess
import unittest
from pathlib import Path
from typing import Dict, List, Optional

from daemon import ROOT, Daemon, FaultCase, eventually

NAME = "tidemark.example"
LOG = b"CMDLINE example.py\nMEM 10.0 1700000000.0000\nMEM 12.0 1700000001.0000\n"
FRAME = """pid %(folder)s/nginx.pid; error_log %(folder)s/nginx.log; worker_processes 1; daemon off; %(user)s
events { worker_connections 64; }
http { access_log off; client_body_temp_path %(folder)s/b; proxy_temp_path %(folder)s/p; fastcgi_temp_path %(folder)s/f;
uwsgi_temp_path %(folder)s/u; scgi_temp_path %(folder)s/s;
%(server)s }
"""


CADDY = """{
    admin off
    auto_https off
    default_bind 127.0.0.1
}
http://%(name)s:%(plain)d {%(body)s}
https://%(name)s:%(safe)d {
    tls %(folder)s/proxy.crt %(folder)s/proxy.key
%(body)s}
"""


def documented(proxy: str) -> str:
    """The block that the document shows of the proxy."""
    text = (ROOT / "docs" / "SECURITY.md").read_text()
    block = re.search(r"^%s[ :].*?```\n(\S+ \{.*?\n\})\n```" % proxy, text, re.S | re.M)
    assert block, "docs/SECURITY.md shows no configuration of " + proxy
    return block.group(1)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Proxy(FaultCase):
    """One daemon behind one proxy."""

    def serve(self) -> Daemon:
        """A daemon that is to be reached by the proxy's name."""
        return self.make(options=["--require-token", "--trusted-origin", "https://" + NAME]).start()

    def start_proxy(self, command: List[str], port: int, environment: Optional[Dict[str, str]] = None) -> None:
        """The proxy, once it listens on the port."""
        log = self.folder / "proxy.log"
        with open(log, "wb") as out:
            proxy = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, env=environment)
        self.addCleanup(proxy.wait, 30)
        self.addCleanup(proxy.terminate)

        def answers() -> bool:
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", port)) == 0

        self.assertTrue(eventually(answers, 30), log.read_text())

    @unittest.skipUnless(shutil.which("nginx"), "nginx is not installed")
    def test_nginx(self) -> None:
        """With the server block that the document shows."""
        daemon, port = self.serve(), free_port()
        server = documented("nginx").replace("listen 443 ssl;", "listen 127.0.0.1:%d;" % port)
        server = re.sub(r" *ssl_certificate.*\n", "", server).replace("127.0.0.1:8421", "127.0.0.1:%d" % daemon.port)
        configuration = self.folder / "nginx.conf"
        user = "" if os.geteuid() else "user root;"
        configuration.write_text(FRAME % {"folder": self.folder, "server": server, "user": user})
        self.start_proxy(["nginx", "-c", str(configuration), "-p", str(self.folder)], port)
        self.check(daemon, port)
        self.stop(daemon)

    @unittest.skipUnless(shutil.which("caddy"), "caddy is not installed")
    def test_caddy(self) -> None:
        """With the site that the document shows; and with TLS, which that has by itself."""
        daemon, plain, safe = self.serve(), free_port(), free_port()
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                        "-subj", "/CN=" + NAME, "-addext", "subjectAltName=DNS:" + NAME, "-days", "2", "-keyout",
                        str(self.folder / "proxy.key"), "-out", str(self.folder / "proxy.crt")],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        name, _, body = documented("Caddy").rstrip("}").partition("{")
        self.assertEqual(name.strip(), NAME)
        body = body.replace("127.0.0.1:8421", "127.0.0.1:%d" % daemon.port)
        file = self.folder / "Caddyfile"
        file.write_text(CADDY % {"name": NAME, "plain": plain, "safe": safe, "body": body, "folder": self.folder})
        home = {**os.environ, "HOME": str(self.folder), "XDG_CONFIG_HOME": str(self.folder / "config"),
                "XDG_DATA_HOME": str(self.folder / "data")}
        self.start_proxy(["caddy", "run", "--adapter", "caddyfile", "--config", str(file)], plain, home)
        self.check(daemon, plain)
        self.assertIn(b"tidemark", self.fetch_safely(safe))
        self.stop(daemon)

    def fetch_safely(self, port: int) -> bytes:
        """The page over TLS, by a client that trusts the certificate."""
        context = ssl.create_default_context(cafile=str(self.folder / "proxy.crt"))
        plain = socket.create_connection(("127.0.0.1", port), timeout=60)
        with context.wrap_socket(plain, server_hostname=NAME) as connection:
            connection.sendall(("GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n" % NAME).encode())
            text = b""
            while part := connection.recv(65536):
                text += part
        self.assertTrue(text.startswith(b"HTTP/1.1 200"), text[:200])
        return text.lower()

    def check(self, daemon: Daemon, port: int) -> None:
        """Under the proxy's name one signs in, reads, changes and watches; under another one does not."""
        direct, daemon.port = daemon.port, port
        host = {"Host": NAME}
        self.assertEqual(daemon.get("/", host).status, 200)
        self.assertEqual(daemon.get("/api/v1/status", host).status, 401)
        cookie = daemon.get("/?token=" + daemon.token, host).headers["set-cookie"]
        self.assertIn("; Secure", cookie)
        signed = {**host, "Cookie": cookie.split(";")[0]}
        self.assertEqual(daemon.get("/api/v1/status", signed).status, 200)
        made = daemon.post("/api/v1/tokens", {"name": "a", "scopes": ["read"]},
                           {**signed, "Authorization": None, "Origin": "https://" + NAME})
        self.assertEqual(made.status, 201, made.body)
        strange = daemon.get("/", {"Host": "evil.example"})  # Caddy has no such site, and says so by an empty page
        self.assertTrue(strange.status == 403 or (strange.status, strange.body) == (200, b""), strange.body)
        watcher = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.addCleanup(watcher.close)
        watcher.sendall(("GET /api/v1/stream HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n\r\n"
                         % (NAME, daemon.token)).encode())
        file = {**host, "Content-Type": "application/octet-stream"}
        large = daemon.post("/api/v1/imports", b"x" * 3000000, file)  # nginx would take 1 MiB if it were not told
        self.assertEqual((large.status, large.json()["type"]), (422, "/problems/invalid-field"))
        sent = daemon.post("/api/v1/imports?name=a.dat", LOG, file)
        self.assertEqual(sent.status, 201, sent.body[:300])
        text = b""
        while b"event: done" not in text:
            part = watcher.recv(65536)
            self.assertTrue(part, text)
            text += part
        daemon.port = direct


if __name__ == "__main__":
    unittest.main(verbosity=2)
