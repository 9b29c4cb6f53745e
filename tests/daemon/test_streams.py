"""A thousand who watch at once: each gets its events, and none costs a thread."""

import resource
import select
import socket
import time
import unittest
from typing import Dict, List

from daemon import DaemonCase, open_more_files

WATCHERS = 1000
LOG = b"CMDLINE python example.py\nMEM 10.0 1700000000.0000\nMEM 12.0 1700000001.0000\n"


class Watchers(DaemonCase):
    """One daemon."""

    def open_all(self, target: str, n: int) -> List[socket.socket]:
        """Streams whose head has been answered."""
        opened = []
        for _ in range(n):
            watcher = self.daemon.raw()
            self.addCleanup(watcher.close)
            watcher.sendall(b"GET %s HTTP/1.1\r\nHost: %s:%d\r\n\r\n"
                            % (target.encode(), self.daemon.host.encode(), self.daemon.port))
            opened.append(watcher)
        for watcher, text in self.read_all(opened, b":\n\n", 120).items():
            self.assertTrue(text.startswith(b"HTTP/1.1 200 "), text)
            watcher.setblocking(False)
        return opened

    def read_all(self, sockets: List[socket.socket], wanted: bytes, deadline_s: float) -> Dict[socket.socket, bytes]:
        """What each has sent, once all have sent `wanted`."""
        got = {one: b"" for one in sockets}
        poll = select.poll()
        by_fd = {one.fileno(): one for one in sockets}
        for fd in by_fd:
            poll.register(fd, select.POLLIN)
        waiting, end = set(by_fd), time.monotonic() + deadline_s
        while waiting and time.monotonic() < end:
            for fd, _ in poll.poll(1000):
                part = by_fd[fd].recv(65536)
                self.assertTrue(part, "a stream was ended: %r" % got[by_fd[fd]][-300:])
                got[by_fd[fd]] += part
                if fd in waiting and wanted in got[by_fd[fd]]:
                    waiting.discard(fd)
                    poll.unregister(fd)
        self.assertFalse(waiting, "%d of %d have not got %r" % (len(waiting), len(sockets), wanted))
        return got

    def test_a_thousand(self) -> None:
        """Those of the project and those without filter get its event, those of another project do not."""
        open_more_files()
        if resource.getrlimit(resource.RLIMIT_NOFILE)[0] < WATCHERS + 400:
            self.skipTest("this system allows fewer open files than this needs")
        before = self.daemon.threads()
        everything = self.open_all("/api/v1/stream", WATCHERS - 200)
        theirs = self.open_all("/api/v1/stream?project=imported", 100)
        others = self.open_all("/api/v1/stream?project=converters", 100)
        self.assertEqual(self.daemon.threads(), before)
        self.assertEqual(self.daemon.get("/api/v1/status").status, 200)
        answer = self.daemon.post("/api/v1/imports?name=watched.dat", LOG, {"Content-Type": "application/octet-stream"})
        self.assertEqual(answer.status, 201, answer.body)
        told = self.read_all(everything + theirs, b"event: done\ndata: ", 120)
        for text in told.values():
            self.assertEqual(text.count(b"event: done"), 1)
            self.assertIn(b'"scenario":"watched.dat"', text)
        for other in others:
            try:
                self.assertNotIn(b"event:", other.recv(65536))
            except BlockingIOError:
                pass
        self.assertEqual(self.daemon.threads(), before)
        metrics = self.daemon.get("/metrics").body
        self.assertIn(b"tidemark_streams %d\n" % WATCHERS, metrics)


if __name__ == "__main__":
    unittest.main(verbosity=2)
