"""How fast the daemon answers, against the same libmicrohttpd that answers a constant of the same size from memory
(bench/http_constant.c) and nginx that serves a file of that size: wrk with 64 connections, all in one run, round by
round in turn, on a database of 1 GB: the history that bench-history-database makes, a run of ten million events
(bench-ui-run), and filler. Ratios are medians over the rounds of what was measured side by side. Throughput is a matter
of both processors, one of which the client takes: on a machine with two that are busy otherwise, the CPU time that a
request costs the server says more, and is set against that of the constant too.

    python3 bench/http_rates.py --tidemark build/release/tidemark --constant build/release/bench-http-constant
        --run build/release/bench-ui-run --history build/history/tidemark.db
"""

import argparse
import contextlib
import json
import os
import re
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any, Dict, Iterator, List, Tuple

CONNECTIONS = 64
DATABASE_BYTES = 10**9
EVENTS = 10**7
CHUNK = 1 << 16
LOG = b"CMDLINE python example.py\n" + b"".join(b"MEM %f %.4f\n" % (10 + i * 37 % 97, 1700000000 + i / 100)
                                              for i in range(20000))

FRESH = """
local n = 0
local threads = 0
function setup(thread) thread:set("first", threads * 1000000); threads = threads + 1 end
function request()
  n = n + 1
  return wrk.format("GET", "%s?points=1000&to_ns=" .. (100000000000 + first + n + %d))
end
"""

NGINX = """
{user}
pid {folder}/nginx.pid;
error_log stderr error;
worker_processes 1;
daemon off;
events {{ worker_connections 256; use epoll; }}
http {{
  access_log off;
  keepalive_requests 1000000000;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{ listen 127.0.0.1:{port}; root {folder}/files; default_type application/json; }}
}}
"""


def free_port() -> int:
    """One that nobody listens at now."""
    import socket
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def running(command: List[str], **more: Any) -> Iterator["subprocess.Popen[bytes]"]:
    """A program for the time of a block."""
    process = subprocess.Popen(command, **more)
    try:
        yield process
    finally:
        if process.stdin:
            process.stdin.close()
        process.terminate()
        process.wait(30)


def settle(pid: int) -> None:
    """Wait until the daemon has done what it does after a start, so that no question pays for it."""
    for _ in range(60):
        before = cpu_seconds(pid)
        time.sleep(1)
        if cpu_seconds(pid) - before < 0.03:
            return


@contextlib.contextmanager
def serving(program: str, data: Path) -> Iterator[Tuple[str, int]]:
    """A daemon on this data folder: its address and its process."""
    url = data / "url"
    with open(data.parent / "daemon.log", "ab") as log:
        with running([program, "serve", "--data", str(data), "--listen", "127.0.0.1:0"], stdout=log, stderr=log,
                     stdin=subprocess.DEVNULL) as daemon:
            while not url.exists() and daemon.poll() is None:
                time.sleep(0.05)
            address = url.read_text()
            while json.load(urllib.request.urlopen(address + "/api/v1/status"))["discovering"]:
                time.sleep(0.2)
            settle(daemon.pid)
            yield address, daemon.pid


def import_run(address: str, data: Path, name: str, content: bytes) -> int:
    """A run from a file; its id."""
    request = urllib.request.Request("%s/api/v1/imports?name=%s" % (address, name), content, {
        "Content-Type": "application/octet-stream", "Authorization": "Bearer " + (data / "token").read_text().strip()})
    return int(json.load(urllib.request.urlopen(request))["id"])


def grow(path: Path, wanted: int, first: int) -> int:
    """Fill the database up with runs like the first, each with a megabyte of event chunks; its size."""
    database = sqlite3.connect(str(path))
    columns = [row[1] for row in database.execute("PRAGMA table_info(runs)") if row[1] not in ("id", "sample")]
    names = ", ".join(columns)
    runs = max(0, wanted - path.stat().st_size) // (16 * CHUNK) + 1
    with database:
        for i in range(runs):
            database.execute("INSERT INTO runs (sample, %s) SELECT ?, %s FROM runs WHERE id = ?" % (names, names),
                             (i + 2, first))
            run = database.execute("SELECT last_insert_rowid()").fetchone()[0]
            filled = [row[1] for row in database.execute("PRAGMA table_info(event_chunks)")]
            source = ", ".join({"run": "?", "seq": "?", "payload": "?"}.get(name, name) for name in filled)
            template = "INSERT INTO event_chunks (%s) SELECT %s FROM event_chunks WHERE run = ? LIMIT 1" % (
                ", ".join(filled), source)
            for seq in range(16):
                values = [{"run": run, "seq": seq, "payload": os.urandom(CHUNK)}[name] for name in filled
                          if name in ("run", "seq", "payload")]
                database.execute(template, (*values, first))
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    return path.stat().st_size


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far."""
    fields = Path("/proc/%d/stat" % pid).read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def wrk(url: str, seconds: float, script: str = "") -> Tuple[float, float]:
    """Requests a second, and the 99th percentile of latencies in milliseconds."""
    command = ["wrk", "-t", "1", "-c", str(CONNECTIONS), "-d", "%ds" % seconds, "--latency", "--timeout", "20s"]
    if script:
        command += ["-s", script]
    text = subprocess.run([*command, url], check=True, stdout=subprocess.PIPE, universal_newlines=True).stdout
    if "Non-2xx" in text or "Socket errors" in text:
        raise SystemExit("%s did not answer well:\n%s" % (url, text))
    p99 = re.search(r"99%\s+([0-9.]+)(us|ms|s)", text)
    rate = re.search(r"Requests/sec:\s+([0-9.]+)", text)
    assert p99 and rate, text
    return float(rate.group(1)), float(p99.group(1)) * {"us": 0.001, "ms": 1, "s": 1000}[p99.group(2)]


def memory(pid: int, field: str) -> float:
    """MiB of a process, as /proc says."""
    matched = re.search(r"^%s:\s+([0-9]+) kB" % field, Path("/proc/%d/status" % pid).read_text(), re.M)
    assert matched
    return int(matched.group(1)) / 1024


def measure(a: argparse.Namespace, folder: Path) -> List[Dict[str, Any]]:
    """All rows of the table."""
    data = folder / "data"
    shutil.copy(a.history, data / "tidemark.db")
    many = subprocess.run([a.run, str(EVENTS), "7"], check=True, stdout=subprocess.PIPE).stdout
    with serving(a.tidemark, data) as (address, _):
        run = import_run(address, data, "bench.dat", LOG)
        long = import_run(address, data, "bench.tide", many)
    size = grow(data / "tidemark.db", a.bytes, run)
    (folder / "files").mkdir()
    with contextlib.ExitStack() as stack:
        address, pid = stack.enter_context(serving(a.tidemark, data))
        rss = memory(pid, "VmRSS")
        health, curve = address + "/healthz", "%s/api/v1/runs/%d/curve" % (address, run)
        bodies = {name: urllib.request.urlopen(url).read() for name, url in (("health", health), ("curve", curve))}
        constants, servers = {}, {}
        for name, body in bodies.items():
            process = stack.enter_context(running([a.constant, str(len(body))], stdin=subprocess.PIPE,
                                                  stdout=subprocess.PIPE))
            assert process.stdout
            title = "cached curve" if name == "curve" else name
            servers[title + ", constant"] = process.pid
            servers[title + ", daemon"] = pid
            constants[name] = "http://127.0.0.1:%d/" % int(process.stdout.readline())
            (folder / "files" / (name + ".json")).write_bytes(body)
        port = free_port()
        (folder / "nginx.conf").write_text(NGINX.format(
            folder=folder, port=port, user="" if os.geteuid() else "user root;"))
        stack.enter_context(running(["nginx", "-c", str(folder / "nginx.conf"), "-p", str(folder)],
                                    stderr=subprocess.DEVNULL))
        targets = {
            "health, daemon": health, "health, constant": constants["health"],
            "cached curve, daemon": curve, "cached curve, constant": constants["curve"],
            "cached curve, nginx": "http://127.0.0.1:%d/curve.json" % port, "fresh curve, daemon": curve,
            "fresh curve of 10 million events, daemon": "%s/api/v1/runs/%d/curve" % (address, long),
        }
        servers["fresh curve, daemon"] = servers["fresh curve of 10 million events, daemon"] = pid
        rates: Dict[str, List[float]] = {name: [] for name in targets}
        tails: Dict[str, List[float]] = {name: [] for name in targets}
        costs: Dict[str, List[float]] = {name: [] for name in servers}
        for i in range(a.rounds):
            for name, url in targets.items():
                script = ""
                if name.startswith("fresh"):
                    (folder / "fresh.lua").write_text(FRESH % (url[len(address):], (i + 1) * 10**8))
                    script = str(folder / "fresh.lua")
                before = cpu_seconds(servers.get(name, pid))
                rate, tail = wrk(url, a.seconds, script)
                if name in servers:
                    spent = cpu_seconds(servers[name]) - before
                    costs[name].append(spent / (rate * a.seconds) * 1e6)
                rates[name].append(rate)
                tails[name].append(tail)
        rows = [{"name": name + ", requests", "value": round(statistics.median(rates[name])), "unit": "1/s"}
                for name in targets]
        for what, against, goal in (("health", "constant", 0.8), ("cached curve", "constant", 0.8),
                                    ("cached curve", "nginx", None)):
            ratio = statistics.median(mine / theirs for mine, theirs in
                                      zip(rates[what + ", daemon"], rates["%s, %s" % (what, against)]))
            rows.append({"name": "%s, against %s" % (what, against), "value": round(ratio, 3), "unit": "ratio",
                         "goal": goal, "met": None if goal is None else ratio >= goal})
            if against != "constant":
                continue
            ratio = statistics.median(theirs / mine for mine, theirs in
                                      zip(costs[what + ", daemon"], costs[what + ", constant"]))
            rows.append({"name": "%s, against constant, by CPU" % what, "value": round(ratio, 3), "unit": "ratio",
                         "goal": goal, "met": ratio >= goal})
        rows += [{"name": name + ", CPU of the server a request", "value": round(statistics.median(costs[name]), 1),
                  "unit": "us"} for name in servers]
        for name in targets:
            tail = statistics.median(tails[name])
            mine = name.endswith("daemon") and not name.startswith("fresh")
            rows.append({"name": name + ", p99", "value": round(tail, 3), "unit": "ms", "goal": 5 if mine else None,
                         "met": tail < 5 if mine else None})
        rows.append({"name": "database", "value": round(size / 1e9, 3), "unit": "GB"})
        rows.append({"name": "daemon RSS before the questions", "value": round(rss, 1), "unit": "MiB", "goal": 30,
                     "met": rss < 30})
        for name, field in (("after them", "VmRSS"), ("after them, of files", "RssFile"), ("at its highest", "VmHWM")):
            value = memory(pid, field)
            goal = 30 if name == "after them" else None
            rows.append({"name": "daemon RSS " + name, "value": round(value, 1), "unit": "MiB", "goal": goal,
                         "met": None if goal is None else value < goal})
    return rows


def main() -> int:
    """Print the table and write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tidemark", required=True)
    parser.add_argument("--constant", required=True)
    parser.add_argument("--run", required=True, help="bench-ui-run")
    parser.add_argument("--history", required=True, help="database to begin with")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3, help="of each measurement")
    parser.add_argument("--bytes", type=int, default=DATABASE_BYTES, help="of the database")
    parser.add_argument("--json", default="bench/results/http.json")
    a = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tidemark-bench-") as folder:
        (Path(folder) / "data").mkdir()
        rows = measure(a, Path(folder))
    for row in rows:
        row.setdefault("goal", None)
        row.setdefault("met", None)
        verdict = {True: "met", False: "MISSED", None: ""}[row["met"]]
        print("%-58s %12s %-6s %s" % (row["name"], row["value"], row["unit"],
                                      "goal %s: %s" % (row["goal"], verdict) if verdict else ""))
    Path(a.json).parent.mkdir(parents=True, exist_ok=True)
    Path(a.json).write_text(json.dumps({"rows": rows}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
