#!/usr/bin/env python3
"""Describes and runs an asv suite that knows nothing of Tidemark, under the real probe and worker.

    test_scenarios.py --tidemark TIDEMARK --probe PROBE --dump DUMP --source REPOSITORY

The worker is compiled for the oldest and the newest CPython of the machine. The largest payload is
64 MiB. Python 3.8 and the standard library suffice.
"""

import argparse
import glob
import json
import os
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
SUITE = os.path.join(HERE, "asv", "bench_suite.py")
MIB = 1 << 20
options = argparse.Namespace()
workers = []  # pairs (python, path of its worker)

EXTENSION = "an_extension_that_is_not_installed_where_suites_are_described"
QUERY = ("import sys, sysconfig; v = sysconfig.get_config_var;"
         "print(v('LIBDIR'), '%d.%d' % sys.version_info[:2], sysconfig.get_path('include'))")


def output(command):
    return subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          universal_newlines=True).stdout


def compile_worker(python, folder):
    libdir, version, include = output([python, "-c", QUERY]).split()
    worker = os.path.join(folder, "worker-" + version)
    room = os.path.join(options.source, "worker")
    subprocess.run(["cc", "-std=gnu11", "-O1", "-I" + include,
                    *sorted(glob.glob(os.path.join(room, "python", "*.c"))),
                    os.path.join(room, "ring.c"), "-o", worker, "-L" + libdir,
                    "-lpython" + version, "-Wl,-rpath," + libdir, "-lpthread"], check=True)
    return worker


def harness():
    return os.path.join(options.source, "worker", "python", "harness.py")


def describe(python, *files):
    return json.loads(output([python, "-I", "-B", harness(), "describe", *files]))


def write_package(name, texts):
    """Write the files of a suite; their paths by name."""
    folder = os.path.join(options.folder, name)
    os.makedirs(folder, exist_ok=True)
    for file, text in texts.items():
        with open(os.path.join(folder, file), "w") as out:
            out.write(text)
    return {file: os.path.join(folder, file) for file in texts}


class Run:
    """One scenario under the probe."""

    def __init__(self, python, worker, name, params="{}", suite=SUITE):
        command = [options.probe, "--", worker, "--python", python, "--harness", harness(),
                   "--scenario", suite, "--name", name, "--module", "", "--path", options.folder,
                   "--params", params]
        with tempfile.TemporaryFile() as stream:
            self.log = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=stream,
                                      stderr=subprocess.PIPE, timeout=120).stderr.decode()
            stream.seek(0)
            text = subprocess.run([options.dump, "/dev/stdin"], stdin=stream, check=True,
                                  stdout=subprocess.PIPE).stdout.decode()
        self.records = [json.loads(line) for line in text.splitlines()]

    def meta(self, key):
        for record in self.records:
            if record.get("kind") == "META" and record.get("key") == key:
                value = record["value"] if "value" in record else record["text"]
                return json.loads(value) if isinstance(value, str) else value
        return None

    def rises(self):
        """Bytes by which the highest RSS is over that at the base."""
        timed = [r for r in self.records if "rss" in r and r["kind"] != "CHILD"]
        names = {r["id"] if "id" in r else r["name"]: r["text"] if "text" in r else r["name"]
                 for r in self.records if r.get("kind") == "NAME"}
        base = next(r["rss"] for r in timed if r["kind"] == "MARK"
                    and "base" in (r.get("name"), names.get(r.get("name"))))
        return max(max(r["rss"], r.get("peak") or 0) for r in timed) - base


class Describing(unittest.TestCase):
    def setUp(self):
        self.found = {d["name"]: d for d in describe(workers[0][0], SUITE)}

    def test_finds_what_asv_finds(self):
        self.assertEqual(sorted(self.found), ["Cached.cached", "Inherited.PeakMemOld", "Inherited.cached",
                                              "Skipped.skipped", "Suite.fill", "flat"])

    def test_names_and_values_of_parameters(self):
        fill = self.found["Suite.fill"]["params"]
        self.assertEqual([p["name"] for p in fill], ["n", "param2", "param3"])
        self.assertEqual(fill[1]["values"], ["zero", "one"])
        self.assertEqual(fill[2]["values"], ["None", "<class 'dict'>", "(1, 2)"])
        self.assertEqual(self.found["flat"]["params"][0]["values"], [32, 8])

    def test_timeout_and_title(self):
        self.assertEqual(self.found["flat"]["timeout_s"], 13)
        self.assertEqual(self.found["flat"]["title"], "One flat buffer")

    def test_same_on_every_python(self):
        for python, _ in workers:
            self.assertEqual({d["name"]: d for d in describe(python, SUITE)}, self.found)

    def test_files_out_of_shape_are_named(self):
        for text, part in (("1/0", "ZeroDivisionError"), ("def time_x(): pass", "no function"),
                           ("def peakmem_x(): pass\npeakmem_x.timeout = -1", "timeout"),
                           ("def peakmem_x(n): pass\nparams = [[]]", "empty")):
            path = os.path.join(options.folder, "wrong.py")
            with open(path, "w") as file:
                file.write(text)
            (found,) = describe(workers[0][0], path)
            self.assertIn(part, found["error"])
            self.assertEqual(found["file"], path)

    def test_a_suite_in_a_package_imports_its_neighbours(self):
        path = write_package("suite_package", {
            "__init__.py": "", "common.py": "class Base:\n    params = [3]\n",
            "bench.py": "from .common import Base\nclass B(Base):\n"
                        "    def peakmem_b(self, n): assert n == 3\n"})["bench.py"]
        (found,) = describe(workers[0][0], path)
        self.assertEqual((found["name"], found["params"][0]["default"]), ("B.b", 3))
        self.assertIsNone(Run(*workers[0], "B.b", suite=path).meta("error"))


    def test_what_a_file_imports_is_of_its_version(self):
        """Each file tells its own imports; files that are private by their name tell nothing."""
        texts = {"__init__.py": "", "_one.py": "ONE = 1\n", "_two.py": "from ._one import ONE\n",
                 "a.py": "from ._two import ONE\ndef peakmem_a(): pass\n",
                 "b.py": "from . import _one\ndef peakmem_b(): pass\n",
                 "c.py": "def peakmem_c(): pass\n"}
        paths = write_package("importing", texts)
        found = describe(workers[0][0], *(paths[name] for name in sorted(texts)))
        self.assertEqual({d["name"]: [os.path.basename(path) for path in d["imports"]] for d in found},
                         {"a": ["__init__.py", "_one.py", "_two.py"], "b": ["__init__.py", "_one.py"],
                          "c": ["__init__.py"]})

    def test_sources_beside_a_suite_are_not_imported(self):
        """The folder around a suite may hold the extension's sources, which nobody has built."""
        path = write_package("around/suite", {
            "__init__.py": "", "bench.py": "def peakmem_x():\n    import %s as built\n"
                                           "    assert built.thing == 1\n" % EXTENSION})["bench.py"]
        with open(os.path.join(options.folder, "around", EXTENSION + ".py"), "w") as file:
            file.write("thing = 'source'\n")
        self.assertIsNone(Run(*workers[0], "x", suite=path).meta("error"))


class Running(unittest.TestCase):
    def check(self, name, low, params="{}"):
        for python, worker in workers:
            with self.subTest(python=python):
                run = Run(python, worker, name, params)
                self.assertIsNone(run.meta("error"), run.log)
                self.assertEqual(run.meta("exit")["code"], 0)
                self.assertGreaterEqual(run.rises(), low - MIB)
                self.assertLess(run.rises(), low + 64 * MIB)

    def test_function(self):
        self.check("flat", 32 * MIB)

    def test_chosen_value(self):
        self.check("flat", 8 * MIB, '{"param1": 8}')

    def test_method(self):
        self.check("Suite.fill", 16 * MIB)

    def test_values_without_json(self):
        self.check("Suite.fill", 64 * MIB, '{"n": 64, "param2": "one", "param3": "<class \'dict\'>"}')

    def test_setup_cache_is_made_elsewhere(self):
        """It wastes 512 MiB, of which the measured process sees nothing."""
        self.check("Cached.cached", 16 * MIB, '{"times": 2}')

    def test_old_spelling(self):
        self.check("Inherited.PeakMemOld", 8 * MIB)

    def test_nothing_is_left_of_the_cache(self):
        before = set(os.listdir(tempfile.gettempdir()))
        self.check("Cached.cached", 8 * MIB)
        left = set(os.listdir(tempfile.gettempdir())) - before
        self.assertFalse([name for name in left if name.startswith("tidemark-") and os.path.exists(
            os.path.join(tempfile.gettempdir(), name, "cache.pickle"))])

    def test_errors_are_told(self):
        for name, params, part in (("Skipped.skipped", "{}", "not on this machine"),
                                   ("Suite.fill", '{"param3": "x"}', "no value"),
                                   ("Suite.none", "{}", "no scenario"),
                                   ("Suite.time_suite", "{}", "no scenario"),
                                   ("None.x", "{}", "no scenario"),
                                   ("flat", '{"n": 1}', "no parameter named n")):
            run = Run(*workers[0], name, params)
            self.assertIn(part, run.meta("error")["message"], name)


def main():
    parser = argparse.ArgumentParser()
    for name in ("tidemark", "probe", "dump", "source"):
        parser.add_argument("--" + name, required=True)
    known, rest = parser.parse_known_args()
    options.__dict__.update(vars(known))
    usable = [p["program"] for p in json.loads(output([options.tidemark, "pythons", "--json"]))["pythons"]
              if p["usable"]]
    with tempfile.TemporaryDirectory() as folder:
        options.folder = folder
        with open(os.path.join(folder, EXTENSION + ".py"), "w") as file:
            file.write("thing = 1\n")
        for python in sorted({usable[0], usable[-1]}, key=usable.index):
            workers.append((python, compile_worker(python, folder)))
        unittest.main(argv=[sys.argv[0]] + rest, verbosity=2)


if __name__ == "__main__":
    main()
