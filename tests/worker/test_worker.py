#!/usr/bin/env python3
"""Drives tidemark-probe and tidemark-worker on every CPython of the machine.

    test_worker.py --probe PROBE --dump DUMP --source REPOSITORY [--pythons 3.8,3.12] [-v]

For each CPython (3.8 or later, with headers and a shared library; those too that `tidemark pythons get`
has put into $XDG_DATA_HOME/tidemark/pythons or ~/.local/share/tidemark/pythons) it compiles the worker from
worker/python and worker/ring.c without a warning, an extension of its own and converters/, runs
scenarios under the probe and reads the streams with the dump program. No test asserts how long
something takes. Python 3.8 and the standard library suffice.
"""

import argparse
import collections
import concurrent.futures
import glob
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
BEHAVIOURS = os.path.join(HERE, "behaviours.py")
MIB = 1 << 20
TIMED = {"SAMPLE", "CALL", "RETURN", "C_CALL", "C_RETURN", "C_EXCEPTION", "MARK"}
EVENTS = TIMED - {"SAMPLE", "MARK"}
TIMED |= {"LINE", "GC", "THREAD", "CHILD", "TOTAL", "SMAPS"}
CHANGES = ("--recording", "changes", "--precision", "exact")
# How far the kernel's mark may be below the truth: since Linux 6.2 RSS is counted per CPU in
# batches of max(32, 2 * CPUs) pages (percpu_counter_batch); the mark comes from the estimate.
CPUS = os.cpu_count() or 1
KERNEL_ERROR = CPUS * max(32, 2 * CPUS) * os.sysconf("SC_PAGE_SIZE")
# RSS is the sum of three such counters (get_mm_rss in the kernel: file, anonymous, shared memory), and
# a sample adds each up exactly: the mark may be below a sample by the error of all three. bench/tracer.py
# measures it: 69 pages were seen twice, where one counter's bound is 64.
COUNTERS_ERROR = 3 * KERNEL_ERROR

options = argparse.Namespace()
pythons = []

# ---- pythons and what is built for them ----

NOTE = "tidemark.json"  # of a prefix that `tidemark pythons get` made

QUERY = """
import json, platform, sys, sysconfig
v = sysconfig.get_config_var
print(json.dumps({"version": "%d.%d" % sys.version_info[:2], "number": sys.version_info[:2],
    "executable": sys.executable, "include": sysconfig.get_path("include"), "libdir": v("LIBDIR"),
    "debug": bool(v("Py_DEBUG")), "library": v("LDLIBRARY"), "suffix": v("EXT_SUFFIX"),
    "kind": platform.python_implementation()}))
"""


class Python:
    """A CPython, and the programs that were built for it in a folder of its own."""

    def __init__(self, facts):
        self.__dict__.update(facts)
        self.folder = os.path.join(options.build, "python-" + re.sub(r"\W", "_", self.executable))
        self.worker = os.path.join(self.folder, "tidemark-worker")

    def build(self):
        os.makedirs(self.folder)
        worker = os.path.join(options.source, "worker")
        sources = sorted(glob.glob(os.path.join(worker, "python", "*.c")))
        flags = ["cc", "-std=gnu11", "-O2", "-g", "-Wall", "-Wextra", "-Werror",
                 "-I" + self.include]
        places = ["-Wl,--disable-new-dtags", "-Wl,-rpath," + self.libdir]
        for loader in glob.glob(os.path.join(self.libdir, "ld-linux*.so.*")) if self.fetched else ():
            places += ["-Wl,--dynamic-linker=" + loader, "-Wl,--allow-shlib-undefined"]
        check(flags + sources + [os.path.join(worker, "ring.c"), "-o", self.worker,
                                 "-L" + self.libdir, "-lpython" + self.version, *places,
                                 "-lpthread"])
        check(flags + ["-shared", "-fPIC", os.path.join(HERE, "tidetestmodule.c"),
                       "-o", os.path.join(self.folder, "tidetest" + self.suffix)])
        converters = os.path.join(options.source, "converters")
        check(["cmake", "-S", converters, "-B", self.folder, "-DCMAKE_BUILD_TYPE=Release",
               "-DPython_EXECUTABLE=" + self.executable])
        check(["cmake", "--build", self.folder])

    def command(self, name, scenario=BEHAVIOURS, module="tidetest", params="{}", probe=(),
                worker=("--recording", "all", "--precision", "exact")):
        harness = os.path.join(options.source, "worker", "python", "harness.py")
        return [options.probe, *probe, "--", self.worker, "--python", self.executable,
                "--harness", harness, "--scenario", scenario, "--name", name, "--module", module,
                "--path", self.folder, "--params", params, *worker]


def check(command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode:
        raise RuntimeError("%s\n%s" % (" ".join(command), done.stdout.decode(errors="replace")))


def candidates():
    folders = os.environ.get("PATH", "").split(os.pathsep) + ["/usr/bin", "/usr/local/bin"]
    for folder in folders:
        yield from sorted(glob.glob(os.path.join(folder or ".", "python3.*")))
    yield from sorted(glob.glob(os.path.expanduser("~/.pyenv/versions/*/bin/python3")))
    data = os.environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share")
    for note in sorted(glob.glob(os.path.join(data, "tidemark", "pythons", "*", NOTE))):
        yield os.path.join(os.path.dirname(note), "bin", "python3")


def discover():
    """Usable CPythons, one per prefix; what is not usable is left out without a word."""
    found = collections.OrderedDict()
    for path in candidates():
        if not re.fullmatch(r"python3(\.\d+)?", os.path.basename(path)):
            continue
        try:
            done = subprocess.run([path, "-I", "-c", QUERY], stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL, timeout=20)
            facts = json.loads(done.stdout)
        except (OSError, ValueError, subprocess.TimeoutExpired):
            continue
        facts["executable"] = os.path.realpath(facts["executable"])
        facts["fetched"] = os.path.exists(
            os.path.join(os.path.dirname(os.path.dirname(facts["executable"])), NOTE))
        usable = (facts["kind"] == "CPython" and not facts["debug"] and tuple(facts["number"]) >= (3, 8)
                  and ".so" in (facts["library"] or "")
                  and os.path.exists(os.path.join(facts["include"], "Python.h")))
        if usable:
            found.setdefault(facts["executable"], facts)
    return sorted(found.values(), key=lambda facts: facts["number"])


# ---- streams ----


class Stream:
    """A decoded tide stream: its records in order, and views of them."""

    def __init__(self, data):
        done = subprocess.run([options.dump, "-"], input=data, stdout=subprocess.PIPE, check=False)
        lines = [json.loads(line) for line in done.stdout.decode().splitlines()]
        self.end = lines.pop()
        self.records = lines
        self.names = {r["name"]: r for r in lines if r["kind"] == "NAME"}
        self.meta = {r["key"]: json.loads(r["text"]) for r in lines if r["kind"] == "META"}

    def of(self, *kinds):
        return [r for r in self.records if r["kind"] in kinds]

    def name(self, record):
        return self.names[record["name"]]["text"]

    def named(self, kind, name):
        return [r for r in self.of(kind) if self.name(r) == name]

    def mark(self, name):
        return self.named("MARK", name)[0]

    def last(self):
        return self.records[-1]


def run(command):
    """Run a probe to its end. Returns its stream and what the worker printed."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=100)
    if done.returncode:
        raise AssertionError("probe: %d\n%s" % (done.returncode, done.stderr.decode()))
    return Stream(done.stdout), done.stderr.decode(errors="replace")


def is_alive(pid):
    """Whether a process runs. One that is dead and only not yet reaped does not."""
    try:
        with open("/proc/%d/stat" % pid) as file:
            return file.read().rpartition(")")[2].split()[0] not in ("Z", "X")
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_until(condition):
    """Wait for what must happen; only a hang makes this false."""
    for _ in range(1000):
        if condition():
            return True
        time.sleep(0.02)
    return False


class StreamCase(unittest.TestCase):
    def check_stream(self, stream):
        """What holds for every stream, however the worker ended."""
        self.assertEqual(stream.end["status"], "whole")
        self.assertEqual(stream.records[0]["key"], "start")
        self.assertEqual(stream.last()["key"], "exit")
        times = [r["t_ns"] for r in stream.records if r["kind"] in TIMED]
        self.assertEqual(times, sorted(times))
        for r in stream.records:
            if r["kind"] in EVENTS or r["kind"] == "MARK":
                self.assertIn(r["name"], stream.names)
                self.assertEqual(r["thread"], stream.meta["start"]["pid"])

    def check_exit(self, stream, code, signal_number=None, deadline=False):
        self.check_stream(stream)
        exit_ = stream.meta["exit"]
        self.assertEqual((exit_["code"], exit_["signal"]), (code, signal_number))
        self.assertEqual(exit_["deadline"], deadline)
        self.assertEqual(exit_["samples"], len(stream.of("SAMPLE")))


# ---- what holds on every python ----


class WorkerCase(StreamCase):
    python = None

    def run_scenario(self, name, **more):
        stream, self.output = run(self.python.command(name, **more))
        return stream

    def run_well(self, name, **more):
        stream = self.run_scenario(name, **more)
        self.assertNotIn("error", stream.meta, self.output)
        self.check_exit(stream, 0)
        return stream

    def test_list_bytes(self):
        scenario = os.path.join(options.source, "scenarios", "list_bytes.py")
        stream = self.run_well("list_bytes", scenario=scenario, module="tideconv",
                               params='{"count":16384,"length":1024,"repeat":3}')
        calls = stream.named("C_CALL", "tideconv.new_list_bytes")
        returns = stream.named("C_RETURN", "tideconv.new_list_bytes")
        self.assertEqual((len(calls), len(returns)), (3, 3))
        base, original = stream.mark("base")["rss"], stream.mark("original")["rss"]
        tide = max(r["peak"] for r in stream.of("MARK"))
        self.assertLess(base, original)
        self.assertLess(original, tide)
        self.assertGreaterEqual(original - base, stream.meta["expected"]["original"])
        self.assertEqual(stream.meta["expected"]["original"], 16 * MIB)
        self.assertGreaterEqual(tide + COUNTERS_ERROR, max(r["rss"] for r in stream.of("SAMPLE")))
        self.assertGreaterEqual(tide, max(r["rss"] for r in stream.of(*EVENTS)))
        for r in returns:
            self.assertGreaterEqual(r["peak"], r["rss"])
            self.assertLessEqual(r["peak"], tide)
        self.assertEqual([r["value"] for r in stream.named("MARK", "iteration")], [0, 1, 2, 3])
        self.assertEqual(stream.meta["iterations"], {"total": 3})
        self.assertEqual(stream.named("MARK", "end"), stream.of("MARK")[-1:])

    def test_list_bytes_refuses(self):
        scenario = os.path.join(options.source, "scenarios", "list_bytes.py")
        stream = self.run_scenario("list_bytes", scenario=scenario, module="tideconv",
                                   params='{"count":101,"length":2,"repeat":1}')
        self.check_exit(stream, 1)
        self.assertIn("cannot all differ", stream.meta["error"]["message"])

    def test_events(self):
        stream = self.run_well("events")
        seen = [(r["kind"], stream.name(r).rpartition(".")[2]) for r in stream.of(*EVENTS)]
        self.assertEqual(seen, [
            ("CALL", "peakmem_events"),
            ("CALL", "measured"), ("C_CALL", "len"), ("C_RETURN", "len"), ("RETURN", "measured"),
            ("CALL", "numbers"), ("RETURN", "numbers"),
            ("CALL", "numbers"), ("RETURN", "numbers"),
            ("CALL", "numbers"), ("RETURN", "numbers"),
            ("CALL", "put"), ("C_CALL", "append"), ("C_RETURN", "append"), ("RETURN", "put"),
            ("C_CALL", "fail"), ("C_EXCEPTION", "fail"),
            ("RETURN", "peakmem_events"),
        ])
        by_text = {n["text"]: n for n in stream.names.values()}
        self.assertEqual(by_text["measured"]["file"], BEHAVIOURS)
        self.assertEqual(by_text["measured"]["line"], line_of("def measured"))
        self.assertIn("builtins.len", by_text)
        self.assertIn("list.append", by_text)
        self.assertIn("tidetest.fail", by_text)
        self.assertFalse([text for text in by_text if text.startswith("tidemark.")])
        self.assertEqual("Box.put" in by_text, tuple(self.python.number) >= (3, 11))
        self.assertEqual(stream.of("C_CALL")[0]["line"], line_of("return len"))

    def test_names(self):
        stream = self.run_well("names")
        files = ("<string>", BEHAVIOURS)  # the compiler imports unicodedata: not what is asked
        called = [stream.name(r) for r in stream.of("CALL")
                  if stream.names[r["name"]]["file"] in files]
        self.assertEqual(called[1:3], ["<module>", "größe_λ"])
        self.assertEqual(called[3:], ["🌊", "n" * 65536, "\\udc80", "a?b"])

    def test_many_names(self):
        stream = self.run_well("many_names")
        self.assertGreater(len(stream.named("CALL", "(other)")), 1000)
        self.assertGreaterEqual(len(stream.of("CALL")), 30000)

    def test_no_event_is_lost(self):
        """More events than the ring holds, several times over."""
        stream = self.run_well("many_events")
        self.assertEqual(len(stream.named("C_CALL", "builtins.abs")), 100000)
        self.assertEqual(len(stream.named("C_RETURN", "builtins.abs")), 100000)

    def test_peak_inside_a_call(self):
        stream = self.run_well("peak")
        call = stream.named("C_CALL", "tidetest.peak")[0]
        done = stream.named("C_RETURN", "tidetest.peak")[0]
        self.assertLess(done["rss"] - call["rss"], MIB)
        self.assertLess(abs(done["peak"] - call["rss"] - 64 * MIB), MIB)
        self.assertGreaterEqual(stream.mark("after")["peak"], done["peak"])
        self.assertLess(stream.mark("quiet")["peak"] - call["rss"], MIB)
        self.assertLess(stream.mark("before")["peak"] - call["rss"], MIB)

    def test_peaks_nest(self):
        stream = self.run_well("nested")
        inner, last = stream.named("C_RETURN", "tidetest.peak")
        outer = stream.named("C_RETURN", "tidetest.call")[0]
        base = stream.named("C_CALL", "tidetest.call")[0]["rss"]
        self.assertLess(abs(inner["peak"] - base - 32 * MIB), MIB)
        self.assertGreaterEqual(outer["peak"], inner["peak"])
        self.assertLess(abs(last["peak"] - base - 16 * MIB), MIB)
        self.assertGreaterEqual(stream.mark("nested")["peak"], outer["peak"])

    def test_call_over_a_mark(self):
        stream = self.run_well("split")
        outer = stream.named("C_RETURN", "tidetest.call")[0]
        base = stream.named("C_CALL", "tidetest.call")[0]["rss"]
        self.assertLess(abs(outer["peak"] - base - 32 * MIB), MIB)
        self.assertLess(abs(stream.mark("middle")["peak"] - base - 32 * MIB), MIB)
        self.assertLess(stream.mark("late")["peak"] - base, MIB)

    def test_samples_while_c_spins(self):
        stream = self.run_well("spin")
        start = stream.named("C_CALL", "tidetest.spin")[0]["t_ns"]
        end = stream.named("C_RETURN", "tidetest.spin")[0]["t_ns"]
        inside = [s for s in stream.of("SAMPLE") if start < s["t_ns"] < end]
        self.assertGreater(len(inside), 30)
        for s in inside:
            self.assertEqual(s["rss"], s["anonymous"] + s["file_rss"])

    def test_crash(self):
        stream = self.run_scenario("crash")
        self.check_exit(stream, None, signal.SIGSEGV)
        base = stream.mark("base")["rss"]
        self.assertEqual(len(stream.named("C_CALL", "tidetest.crash")), 1)
        self.assertGreaterEqual(max(s["rss"] for s in stream.of("SAMPLE")), base + 48 * MIB)
        self.assertGreater(max(s["peak"] for s in stream.of("SAMPLE")), base + 47 * MIB)

    def test_killed(self):
        stream = self.run_scenario("kill")
        self.check_exit(stream, None, signal.SIGKILL)
        self.assertEqual(len(stream.named("RETURN", "measured")), 1)

    def test_left_without_a_word(self):
        stream = self.run_scenario("leave")
        self.check_exit(stream, 9)
        self.assertEqual(len(stream.named("RETURN", "measured")), 1)
        self.assertFalse(stream.named("MARK", "end"))

    def test_deadline(self):
        stream = self.run_scenario("hang", probe=["--deadline-s", "1.5"])
        self.check_exit(stream, None, signal.SIGKILL, deadline=True)
        self.assertEqual(len(stream.named("RETURN", "measured")), 1)

    def test_error(self):
        stream = self.run_scenario("error")
        self.check_exit(stream, 1)
        error = stream.meta["error"]
        self.assertEqual(error["type"], "ValueError")
        self.assertEqual(error["message"], 'no "good"\n\ufffd \ufffd \u20ac 🌊')
        self.assertIn("peakmem_error", error["traceback"])
        self.assertTrue(stream.named("MARK", "end"))

    def test_exit(self):
        stream = self.run_scenario("exit")
        self.check_exit(stream, 1)
        self.assertEqual(stream.meta["error"]["type"], "SystemExit")

    def test_an_error_that_cannot_be_formatted(self):
        """It is told all the same."""
        stream = self.run_scenario("odd_error")
        self.check_exit(stream, 1)
        error = stream.meta["error"]
        self.assertEqual((error["type"], error["message"]), ("OddError", "odd"))
        self.assertIn("peakmem_odd_error", error["traceback"])

    def test_children(self):
        stream = self.run_well("children")
        self.assertFalse(stream.named("MARK", "child"))
        self.assertEqual(len(stream.named("MARK", "parent")), 1)
        for pid in stream.meta["children"]:
            self.assertFalse(is_alive(pid))

    def test_surroundings(self):
        stream = self.run_well("surroundings")
        meta = stream.meta
        self.assertEqual(meta["descriptors"], [0, 1, 2, 3])  # 3 is the folder that ls reads
        self.assertEqual((meta["ring"], meta["input"], meta["isolated"]), (False, "/dev/null", 1))
        self.assertEqual(meta["hash"], self.run_well("surroundings").meta["hash"])

    def test_environment(self):
        environment = self.run_well("events").meta["environment"]
        self.assertEqual(os.path.realpath(environment["python"]["executable"]),
                         self.python.executable)
        self.assertTrue(environment["python"]["version"].startswith(self.python.version + "."))
        self.assertEqual(environment["page_size"], os.sysconf("SC_PAGE_SIZE"))
        self.assertEqual(environment["kernel"], os.uname().release)
        self.assertEqual(environment["cores"], os.sysconf("SC_NPROCESSORS_ONLN"))
        self.assertEqual(environment["memory"], os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
        self.assertIn(environment["peak_source"], ("ru_maxrss", "VmHWM"))

    def test_standard(self):
        """One file of expected events for all of CPython, each thread by itself."""
        stream = self.run_scenario("standard", worker=["--recording", "all", "--lines"])
        self.check_exit_with_threads(stream, 0)
        by_thread = collections.OrderedDict()
        for r in stream.of("LINE", "GC", "THREAD", *EVENTS):
            by_thread.setdefault(r["thread"], []).append(describe(stream, r))
        seen = "".join("thread %d\n%s" % (i, "".join(filter(None, texts)))
                       for i, texts in enumerate(by_thread.values()))
        with open(os.path.join(HERE, "expected_events.txt"), encoding="utf-8") as file:
            self.assertEqual(seen, file.read())

    def check_exit_with_threads(self, stream, code):
        self.assertEqual(stream.end["status"], "whole")
        self.assertEqual(stream.meta["exit"]["code"], code, self.output)
        times = [r["t_ns"] for r in stream.records if r["kind"] in TIMED]
        self.assertEqual(times, sorted(times))

    def test_threads(self):
        stream = self.run_scenario("threading")
        self.check_exit_with_threads(stream, 0)
        calls = collections.Counter(r["thread"] for r in stream.named("C_CALL", "tidetest.touch"))
        self.assertEqual(sorted(calls.values()), [20] * 4)
        self.assertEqual([r["thread"] for r in stream.of("THREAD") if r["value"] == 1],
                         [r["thread"] for r in stream.of("THREAD")
                          if r["value"] == 1 and r["thread"] in calls])
        self.assertEqual(stream.meta["usage"]["threads_missed"], 0)

    def test_threads_of_c_code(self):
        """Traced where the interpreter reports them, else counted: never left out in silence."""
        stream = self.run_scenario("foreign", worker=["--recording", "all"])
        self.check_exit_with_threads(stream, 0)
        main = stream.meta["start"]["pid"]
        calls = [r["thread"] for r in stream.named("CALL", "measured")]
        told = [(r["thread"], r["value"]) for r in stream.of("THREAD")]
        if stream.meta["tracer"]["hook"] == "sys.monitoring":
            self.assertEqual(stream.meta["usage"]["threads_foreign"], 0)
            self.assertEqual(len(calls), 5)
            self.assertNotIn(main, calls)
            self.assertEqual(told, [(t, value) for t in calls for value in (1, 0)])
        else:
            self.assertEqual(stream.meta["usage"]["threads_foreign"], 5)
            self.assertEqual((calls, told), ([], []))

    def test_no_foreign_threads_are_made_up(self):
        stream = self.run_scenario("threading")
        self.assertEqual(stream.meta["usage"]["threads_foreign"], 0)

    def test_more_threads_than_places(self):
        """128 at a time are traced, the main thread one of them; the others are counted."""
        stream = self.run_scenario("crowd", worker=["--recording", "all"])
        self.check_exit_with_threads(stream, 0)
        self.assertEqual(stream.meta["usage"]["threads_missed"], 140 - 127)
        self.assertEqual(len(stream.named("CALL", "measured")), 127)
        self.assertEqual(len([r for r in stream.of("THREAD") if r["value"] == 1]), 127)

    def test_changes_miss_no_slow_growth(self):
        stream = self.run_well("grow", module="", worker=[*CHANGES, "--threshold", "65536"])
        steps = [r["rss"] for r in stream.of("MARK", *EVENTS)]
        self.assertGreaterEqual(max(steps) - min(steps), 300 * 4096)
        self.assertLess(len(steps), 300)
        for before, after in zip(steps, steps[1:]):
            self.assertLessEqual(abs(after - before), 65536)

    def test_change_has_its_cause_before_it(self):
        stream = self.run_well("grow", module="", params='{"count":5,"size":8388608}',
                               worker=[*CHANGES, "--threshold", str(4 * MIB)])
        events = stream.of(*EVENTS)
        returns = stream.named("C_RETURN", "tidetest.touch")
        self.assertEqual(len(returns), 5)
        for r in returns:
            before = events[events.index(r) - 1]
            self.assertEqual((before["kind"], before["name"]), ("C_CALL", r["name"]))
            self.assertGreaterEqual(r["rss"] - before["rss"], 8 * MIB)

    def test_changes_are_few_and_totals_complete(self):
        stream = self.run_well("many_events", worker=[])
        tracer = stream.meta["tracer"]
        self.assertEqual((tracer["recording"], tracer["precision"]), ("changes", "bounded"))
        self.assertLess(len(stream.of(*EVENTS)), len(stream.of("SAMPLE")) + 1000)
        (total,) = stream.named("TOTAL", "builtins.abs")
        self.assertEqual(total["calls"], 100000)

    def test_calls_into_the_module_are_kept(self):
        stream = self.run_well("grow", worker=[], params='{"count":50,"size":4096}')
        self.assertEqual(len(stream.named("C_CALL", "tidetest.touch")), 50)
        self.assertEqual(len(stream.named("C_RETURN", "tidetest.touch")), 50)
        (total,) = stream.named("TOTAL", "tidetest.touch")
        self.assertEqual(total["calls"], 50)
        self.assertLess(abs(total["gained"] - 50 * 4096), 4096 * 8)
        self.assertGreaterEqual(total["peak"], stream.mark("base")["rss"] + 50 * 4096)

    def test_marks_only(self):
        stream = self.run_well("peak", worker=["--recording", "marks"])
        self.assertFalse(stream.of(*EVENTS))
        self.assertGreater(stream.mark("after")["peak"], stream.mark("base")["rss"] + 63 * MIB)
        self.assertLess(stream.mark("quiet")["peak"], stream.mark("base")["rss"] + MIB)
        self.assertEqual(len(stream.of("SMAPS")), len(stream.of("MARK")))
        for smaps, mark in zip(stream.of("SMAPS"), stream.of("MARK")):
            self.assertEqual(smaps["name"], mark["name"])
            self.assertLessEqual(0, smaps["uss"])
            self.assertLessEqual(smaps["uss"], smaps["pss"])
            self.assertGreater(mark["cpu_ns"], 0)

    def check_truth(self, *worker):
        """How far the RSS of events is from what the program read within them."""
        stream = self.run_well("true", module="", worker=["--recording", "all", *worker])
        told = [r["rss"] for r in stream.named("C_RETURN", "tidetest.statm")]
        seen = stream.meta["seen"]
        self.assertEqual(len(told), len(seen))
        return stream, max(abs(a - b) for a, b in zip(told, seen))

    def test_exact(self):
        stream, error = self.check_truth("--precision", "exact")
        self.assertLessEqual(error, 64 * 1024)  # what fopen and the list itself take meanwhile
        self.assertEqual(stream.meta["tracer"]["bound"], 0)

    def test_bound(self):
        for bound in (256 << 10, 2 << 20):
            stream, error = self.check_truth("--precision", "bounded", "--bound", str(bound))
            self.assertEqual(stream.meta["tracer"]["bound"], bound)
            self.assertLessEqual(error, bound)

    def test_bound_while_pages_come(self):
        """Each call takes four pages and no longer than that: what is known is their sum."""
        size, count = 4 * 4096, 2000
        for worker, bound in (("--precision", "exact"), 64 << 10), ((), 256 << 10):
            stream = self.run_well("grow", module="", worker=["--recording", "all", *worker],
                                   params='{"count":%d,"size":%d}' % (count, size))
            told = [r["rss"] for r in stream.named("C_RETURN", "tidetest.touch")]
            base = stream.mark("base")["rss"]
            error = max(abs(rss - base - (i + 1) * size) for i, rss in enumerate(told))
            self.assertLessEqual(error, bound)

    def test_large_peak(self):
        stream = self.run_well("large_peak", worker=[])
        environment = stream.meta["environment"]
        call = stream.named("C_CALL", "tidetest.peak")[0]
        done = stream.named("C_RETURN", "tidetest.peak")[0]
        error = environment["mark_error"] + environment["rss_error"] + KERNEL_ERROR
        self.assertLessEqual(abs(done["peak"] - call["rss"] - 128 * MIB), error)

    def test_family(self):
        stream = self.run_well("family", worker=[])
        child, shell = stream.meta["family"]
        of_child = [r["rss"] for r in stream.of("CHILD") if r["pid"] == child]
        self.assertGreater(max(of_child), 32 * MIB)
        self.assertEqual(of_child[-1], 0)
        others = {r["pid"] for r in stream.of("CHILD")} - {child, shell}
        self.assertEqual(len(others), 1)  # the sleep of the shell

    def test_exec(self):
        stream = self.run_scenario("exec", worker=[])
        self.check_exit(stream, 7)
        self.assertTrue(stream.mark("base"))

    def test_shared_payload(self):
        stream = self.run_scenario("shared")
        self.check_exit(stream, 1)
        self.assertIn("distinct objects", stream.meta["error"]["message"])
        self.assertIn("counts %d bytes" % (64 * MIB), stream.meta["error"]["message"])

    def test_too_large(self):
        stream = self.run_scenario("too_large")
        self.check_exit(stream, 1)
        self.assertIn("MiB are available", stream.meta["error"]["message"])
        self.assertFalse(stream.of("CALL"))

    def test_usage_is_told(self):
        stream = self.run_well("spin")
        events, usage = stream.of("CALL", "RETURN"), stream.meta["usage"]
        self.assertGreaterEqual(usage["wall_ns"], events[-1]["t_ns"] - events[0]["t_ns"])
        self.assertGreater(usage["cpu_ns"], 0)

    def test_instrument_is_constant(self):
        """Calls of nothing, a million (ten on the newest): RSS is where it was, to the page."""
        count = 10000000 if self.python is pythons[-1] else 1000000
        stream = self.run_well("many_events", params='{"count":%d}' % count, worker=[])
        first, last = stream.named("MARK", "iteration")
        self.assertEqual(last["rss"] - first["rss"], 0)

    def test_wrong_parameter(self):
        stream = self.run_scenario("many_events", params='{"number":1}')
        self.check_exit(stream, 1)
        self.assertIn("no parameter named number", stream.meta["error"]["message"])


def describe(stream, r):
    """A line of expected_events.txt. Waiting for threads takes as many calls as it takes."""
    name = stream.name(r).rpartition(".")[2] if r["name"] else ""
    if name in ("wait_for_threads", "_count", "sleep"):
        return None
    if r["kind"] == "GC":
        return "GC %d %s\n" % (r["generation"], "start" if r["value"] < 0 else "stop")
    if r["kind"] == "THREAD":
        return "THREAD %s\n" % ("starts" if r["value"] else "ends")
    return "%s %s %+d\n" % (r["kind"], name, r["line"] - line_of("def peakmem_standard"))


def line_of(text):
    with open(BEHAVIOURS, encoding="utf-8") as file:
        return next(n for n, line in enumerate(file, 1) if text in line)


# ---- the probe by itself, on one python or none ----


class ProbeCase(StreamCase):
    def test_no_such_worker(self):
        stream, _ = run([options.probe, "--", "/nonexistent/worker"])
        self.check_exit(stream, 127)
        self.assertEqual(stream.meta["error"]["type"], "exec")
        self.assertIn("/nonexistent/worker", stream.meta["error"]["message"])

    def test_worker_without_ring(self):
        """A worker that knows nothing of the ring is sampled all the same."""
        script = "echo heard; sleep 0.2; exit 4"
        stream, output = run([options.probe, "--", "/bin/sh", "-c", script])
        self.check_exit(stream, 4)
        self.assertGreater(len(stream.of("SAMPLE")), 10)
        self.assertEqual(output, "heard\n")

    def test_usage(self):
        for wrong in ([], ["--interval-us", "0", "--", "x"], ["--deadline-s", "no", "--", "x"]):
            done = subprocess.run([options.probe, *wrong], stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE)
            self.assertEqual((done.returncode, done.stdout), (2, b""))
        done = subprocess.run([options.probe, "--help"], stdout=subprocess.PIPE)
        self.assertEqual(done.returncode, 0)
        self.assertIn(b"--interval-us", done.stdout)

    def start_idle(self):
        """A probe whose worker sleeps: the process, what it has written, the worker's pid."""
        probe = subprocess.Popen(pythons[-1].command("idle"), stdout=subprocess.PIPE,
                                 stderr=subprocess.DEVNULL)
        self.addCleanup(probe.stdout.close)
        data = b""
        while True:
            data += os.read(probe.stdout.fileno(), 1 << 16)
            stream = Stream(data)
            if any(stream.name(r) == "peakmem_idle" for r in stream.of("CALL")):
                return probe, data, stream.meta["start"]["pid"]

    def test_reader_gone(self):
        probe, _, worker = self.start_idle()
        probe.stdout.close()
        self.assertEqual(probe.wait(timeout=60), 1)
        self.assertFalse(is_alive(worker))

    def test_terminated(self):
        probe, data, worker = self.start_idle()
        probe.send_signal(signal.SIGTERM)
        data += probe.stdout.read()
        self.assertEqual(probe.wait(timeout=60), 0)
        self.assertFalse(is_alive(worker))
        stream = Stream(data)
        self.check_exit(stream, None, signal.SIGKILL)
        self.assertTrue(stream.meta["exit"]["cancelled"])

    def test_probe_killed(self):
        probe, data, worker = self.start_idle()
        probe.kill()
        data += probe.stdout.read()
        probe.wait(timeout=60)
        self.assertTrue(wait_until(lambda: not is_alive(worker)))
        self.assertIn(Stream(data).end["status"], ("whole", "cut"))


class DescribeCase(unittest.TestCase):
    def describe(self, *files):
        harness = os.path.join(options.source, "worker", "python", "harness.py")
        done = subprocess.run([pythons[0].executable, "-I", "-B", harness, "describe", *files],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def write(self, name, text):
        path = os.path.join(options.build, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def test_list_bytes(self):
        path = os.path.join(options.source, "scenarios", "list_bytes.py")
        (described,) = self.describe(path)
        self.assertEqual((described["name"], described["module"]), ("list_bytes", "tideconv"))
        self.assertEqual(described["file"], path)
        self.assertTrue(described["title"])
        self.assertEqual(described["params"][0], {
            "name": "count", "type": "integer", "default": 1048576, "demo": 65536,
            "minimum": 1, "maximum": 16777216})
        self.assertEqual([p["name"] for p in described["params"]], ["count", "length", "repeat"])

    def test_module_that_was_renamed(self):
        path = self.write("renamed.py", "def peakmem_x(): pass\nmodule = ['eddy', 'ripple']\n")
        self.assertEqual(self.describe(path)[0]["module"], "eddy,ripple")
        for wrong in ("3", "['a,b']", "[None]"):
            path = self.write("wrong.py", "def peakmem_x(): pass\nmodule = %s\n" % wrong)
            self.assertIn("not a name or a list of names", self.describe(path)[0]["error"])

    def test_bad_files_do_not_hide_good_ones(self):
        good = self.write("good.py", "print('noise')\n"
                          "def peakmem_b(flag, share, word): 'Title.\\n\\nMore.'\n"
                          "def peakmem_a(): pass\n"
                          "peakmem_b.params = [[True], [0.5], ['x', 'y']]\n"
                          "peakmem_b.param_names = ['flag', 'share', 'word']\n")
        bad = [self.write("syntax.py", "def ("),
               self.write("leaves.py", "import sys; sys.exit(3)"),
               self.write("needs.py", "import nothing_of_this_name"),
               self.write("none.py", "x = 1"),
               self.write("demo.py", "def peakmem_x(): pass\npeakmem_x.demo = {'n': 1}"),
               self.write("kind.py", "def peakmem_x(n): pass\npeakmem_x.params = [[]]"),
               "/nonexistent.py"]
        described = self.describe(*bad[:3], good, *bad[3:])
        self.assertEqual([d["file"] for d in described if "error" in d], bad)
        self.assertTrue(all(d["error"] for d in described if "error" in d))
        first, second = [d for d in described if "error" not in d]
        self.assertEqual((first["name"], second["name"]), ("a", "b"))
        self.assertEqual((second["title"], second["description"]), ("Title.", "More."))
        self.assertEqual([(p["type"], p["default"]) for p in second["params"]],
                         [("boolean", True), ("number", 0.5), ("string", "x")])


# ---- the driver ----


def parse_arguments():
    parser = argparse.ArgumentParser(description="Tests of tidemark-probe and tidemark-worker.")
    parser.add_argument("--probe", required=True)
    parser.add_argument("--dump", required=True)
    parser.add_argument("--source", default=os.path.dirname(os.path.dirname(HERE)))
    parser.add_argument("--pythons", default="", help="only these versions, as 3.8,3.12")
    parser.add_argument("--only", default="", help="only tests whose name holds this")
    parser.add_argument("-v", "--verbose", action="store_true")
    parser.parse_args(namespace=options)
    options.probe, options.dump = os.path.abspath(options.probe), os.path.abspath(options.dump)
    options.source = os.path.abspath(options.source)


def make_suites():
    cases = []
    for python in pythons:
        name = "Python_" + python.version.replace(".", "_")
        cases.append(type(name, (WorkerCase,), {"python": python, "__qualname__": name}))
    for case in [*cases, ProbeCase, DescribeCase]:
        tests = unittest.TestLoader().loadTestsFromTestCase(case)
        yield unittest.TestSuite(test for test in tests if options.only in test.id())


def run_suite(suite):
    """One case, beside others: what is measured are processes, and no test asserts how long."""
    text = io.StringIO()
    done = unittest.TextTestRunner(stream=text, verbosity=1 + options.verbose).run(suite)
    sys.stdout.write(text.getvalue())
    sys.stdout.flush()
    return done


def main():
    parse_arguments()
    options.build = tempfile.mkdtemp(prefix="tidemark-worker-test-")
    try:
        wanted = set(filter(None, options.pythons.split(",")))
        pythons.extend(Python(f) for f in discover() if not wanted or f["version"] in wanted)
        if not pythons:
            print("no usable CPython (3.8 or later, with headers and a shared library) was found")
            return 1
        print("pythons: " + ", ".join("%s (%s)" % (p.version, p.executable) for p in pythons))
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            list(pool.map(Python.build, pythons))
            sys.stdout.flush()
            done = list(pool.map(run_suite, make_suites()))
        well = all(d.wasSuccessful() for d in done) and any(d.testsRun for d in done)
        return 0 if well else 1
    finally:
        shutil.rmtree(options.build, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
