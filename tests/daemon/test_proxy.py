"""Behind nginx with the configuration of docs/SECURITY.md: pages, the cookie, uploads and events come through."""

import os
import re
import shutil
import socket
import subprocess
import unittest
from pathlib import Path

from daemon import ROOT, FaultCase, eventually

NAME = "tidemark.example"
LOG = b"CMDLINE example.py\nMEM 10.0 1700000000.0000\nMEM 12.0 1700000001.0000\n"
FRAME = """pid %(folder)s/nginx.pid; error_log %(folder)s/nginx.log; worker_processes 1; daemon off; %(user)s
events { worker_connections 64; }
http { access_log off; client_body_temp_path %(folder)s/b; proxy_temp_path %(folder)s/p; fastcgi_temp_path %(folder)s/f;
uwsgi_temp_path %(folder)s/u; scgi_temp_path %(folder)s/s;
%(server)s }
"""


def documented_server() -> str:
    """The server block that the document shows."""
    text = (ROOT / "docs" / "SECURITY.md").read_text()
    block = re.search(r"nginx \(.*?```\n(server \{.*?\n\})\n```", text, re.S)
    assert block, "docs/SECURITY.md shows no configuration of nginx"
    return block.group(1)


@unittest.skipUnless(shutil.which("nginx"), "nginx is not installed")
class Proxy(FaultCase):
    """One daemon behind one nginx."""

    def start_nginx(self, server: str, port: int) -> None:
        """nginx with this server block, on the port."""
        user = "" if os.geteuid() else "user root;"
        configuration = self.folder / "nginx.conf"
        configuration.write_text(FRAME % {"folder": self.folder, "server": server, "user": user})
        nginx = subprocess.Popen(["nginx", "-c", str(configuration), "-p", str(self.folder)],
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(nginx.wait, 30)
        self.addCleanup(nginx.terminate)

        def answers() -> bool:
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", port)) == 0

        self.assertTrue(eventually(answers, 120), Path(self.folder / "nginx.log").read_text())

    def test_the_documented_configuration(self) -> None:
        """Under the proxy's name one signs in, reads, changes and watches; under another one does not."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        daemon = self.make(options=["--require-token", "--trusted-origin", "https://" + NAME]).start()
        server = documented_server().replace("listen 443 ssl;", "listen 127.0.0.1:%d;" % port)
        server = re.sub(r" *ssl_certificate.*\n", "", server)
        self.start_nginx(server.replace("127.0.0.1:8421", "127.0.0.1:%d" % daemon.port), port)
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
        self.assertEqual(daemon.get("/", {"Host": "evil.example"}).status, 403)
        watcher = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.addCleanup(watcher.close)
        watcher.sendall(("GET /api/v1/stream HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n\r\n"
                         % (NAME, daemon.token)).encode())
        file = {**host, "Content-Type": "application/octet-stream"}
        large = daemon.post("/api/v1/imports", b"x" * 3000000, file)  # nginx by itself takes 1 MiB
        self.assertEqual((large.status, large.json()["type"]), (422, "/problems/invalid-field"))
        sent = daemon.post("/api/v1/imports?name=a.dat", LOG, file)
        self.assertEqual(sent.status, 201, sent.body[:300])
        text = b""
        while b"event: done" not in text:
            part = watcher.recv(65536)
            self.assertTrue(part, text)
            text += part
        daemon.port = direct
        self.stop(daemon)


if __name__ == "__main__":
    unittest.main(verbosity=2)
