"""Measure the converter core against three yardsticks, in one run.

    python3 bench/converters.py --python PYTHON [--build DIR] [--only REGEX] [--parts NAMES]
                                [--markdown FILE]

Builds `converters/` and bench/std_reference.cpp for PYTHON (default: the one that runs this), then
starts fresh processes of it (bench/converters_measure.py) that measure every cell. Prints tables and
writes bench/results/converters.json, a list of rows of name, value, unit, goal and met. With
--markdown the tables also replace what stands between the two marks in FILE.

Payloads: scalars are 1,000,000 distinct objects; bytes and str have 16, 128 or 1,024 bytes and
100,000 objects (for a dict: as many keys, and as many values); the memory part takes 1 GiB in
elements of 1,024 bytes. All parts together take some twenty minutes; the part `instructions`, which
counts under valgrind and so does not depend on what else the machine does, only runs when it is named.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

ROOT = Path(__file__).resolve().parent.parent
MEASURE = ROOT / "bench" / "converters_measure.py"
SCALARS = ("bool", "int", "float", "complex")
STRINGS = ("bytes", "str")
SIZES = (16, 128, 1024)
KEYS = ("int", "float", "complex", "bytes", "str")
MANY, FEW = 1_000_000, 100_000
CELL_SECONDS = 2.5
COLUMNS = ("ours", "cpp", "marshal", "pickle", "floor")
PARTS = ("speed", "small", "growth", "memory", "instructions")
MARKS = ("<!-- figures: written by bench/converters.py -->", "<!-- end of figures -->")

Shape = Tuple[str, ...]
Row = Dict[str, Any]


def groups() -> List[Tuple[List[Shape], int, int]]:
    """Every cell: those of one payload, its string size (0: none) and its number of elements."""
    shapes: List[List[Shape]] = []
    for kind in SCALARS + ("bytes", "bytearray", "str"):
        shapes.append([(python, native, kind) for python in ("list", "tuple")
                       for native in ("array", "linked")])
    for kind in KEYS:
        shapes.append([("set", "hash", kind), ("frozenset", "hash", kind)])
    shapes += [[("dict", native, k, v) for native in ("hash", "ordered")]
               for k in KEYS for v in KEYS]
    found = []
    for group in shapes:
        scalar = all(kind in SCALARS for kind in group[0][2:])
        found += [(group, 0, MANY)] if scalar else [(group, size, FEW) for size in SIZES]
    return found


def name_of(shape: Shape, size: int) -> str:
    return "_".join(shape) + ("[%d]" % size if size else "")


# ---- processes -------------------------------------------------------------------------------------


def build(python: str, directory: Path) -> None:
    """Build the module and the C++ reference for `python`."""
    quiet = {"stdout": subprocess.DEVNULL}
    subprocess.run(["cmake", "-S", str(ROOT / "converters"), "-B", str(directory),
                    "-DPython_EXECUTABLE=" + python], check=True, **quiet)
    subprocess.run(["cmake", "--build", str(directory)], check=True, **quiet)
    paths = subprocess.run([python, "-c", "import sysconfig; print(sysconfig.get_path('include'));"
                            "print(sysconfig.get_config_var('EXT_SUFFIX'))"],
                           check=True, stdout=subprocess.PIPE, universal_newlines=True)
    include, suffix = paths.stdout.split()
    source = ROOT / "bench" / "std_reference.cpp"
    target = directory / ("std_reference" + suffix)
    if target.exists() and target.stat().st_mtime > source.stat().st_mtime:
        return
    subprocess.run([os.environ.get("CXX", "c++"), "-std=c++17", "-O3", "-DNDEBUG", "-shared",
                    "-fPIC", "-I" + include, str(source), "-o", str(target)], check=True)


class Target:
    """The Python and the build that are measured."""

    def __init__(self, python: str, directory: Path) -> None:
        self.python = python
        self.environment = dict(os.environ, PYTHONPATH=str(directory), PYTHONHASHSEED="0")

    def measure(self, function: str, *arguments: Any, prefix: Tuple[str, ...] = ()) -> Any:
        """What that function of converters_measure.py answers in a fresh process."""
        command = [*prefix, self.python, str(MEASURE), json.dumps([function, arguments])]
        done = subprocess.run(command, check=True, env=self.environment, stdout=subprocess.PIPE)
        return json.loads(done.stdout)


class Report:
    """Rows as they come, printed and kept; tables for people beside them."""

    def __init__(self, output: Path) -> None:
        self.rows: List[Row] = []
        self.output = output
        self.tables: List[str] = []

    def add(self, name: str, value: float, unit: str, goal: Optional[float] = None,
            at_least: bool = False) -> None:
        met = None if goal is None else (value >= goal if at_least else value <= goal)
        self.rows.append({"name": name, "value": round(value, 4), "unit": unit, "goal": goal,
                          "met": met})
        if goal is not None:
            print("%-62s %10.3f %-10s goal %s %-8g %s" % (
                name, value, unit, ">=" if at_least else "<=", goal, "met" if met else "MISSED"))
        sys.stdout.flush()

    def table(self, title: str, head: Tuple[str, ...], lines: List[List[str]]) -> None:
        rows = [" | ".join(line) for line in lines]
        self.tables.append("\n".join(["### " + title, "", "| %s |" % " | ".join(head),
                                      "| %s |" % " | ".join("---" for _ in head)]
                                     + ["| %s |" % row for row in rows]))

    def goals(self) -> None:
        """Put a table of all goals before the others."""
        judged = [row for row in self.rows if row["goal"] is not None]
        if not judged:
            return
        self.table("Goals", ("what", "measured", "goal", ""), [
            [row["name"], "%.3g %s" % (row["value"], row["unit"]), "%g" % row["goal"],
             "met" if row["met"] else "**missed**"] for row in judged])
        self.tables.insert(0, self.tables.pop())

    def write(self) -> None:
        self.output.parent.mkdir(parents=True, exist_ok=True)
        self.output.write_text(json.dumps(self.rows, indent=1) + "\n")

    def write_markdown(self, file: Path, heading: str) -> None:
        text = file.read_text()
        if text.count(MARKS[0]) != 1 or text.count(MARKS[1]) != 1:
            sys.exit("%s: expected the two lines %s and %s once each" % ((file,) + MARKS))
        before, rest = text.split(MARKS[0])
        after = rest.split(MARKS[1])[1]
        body = "\n\n".join([heading] + self.tables)
        file.write_text("%s%s\n\n%s\n\n%s%s" % (before, MARKS[0], body, MARKS[1], after))


def machine(python: str, seconds: float) -> str:
    """One sentence: when, on what, and how busy it was."""
    version = subprocess.run([python, "-c", "import platform; print(platform.python_version())"],
                             check=True, stdout=subprocess.PIPE, universal_newlines=True)
    with open("/proc/cpuinfo") as lines:
        info = lines.read()
    model = re.search(r"model name\s*: (.*)", info)
    guest = "virtual machine, " if " hypervisor" in info else ""
    return ("Measured on %s in %.0f minutes: CPython %s, %s%s, %d cores, Linux %s, load average %.1f "
            "at the end (the run itself is 1)." % (
                time.strftime("%Y-%m-%d"), seconds / 60, version.stdout.strip(), guest,
                model.group(1) if model else platform.machine(), os.cpu_count() or 1,
                platform.release().split("-")[0], os.getloadavg()[1]))


# ---- the parts -------------------------------------------------------------------------------------


def speed_part(target: Target, only: str, report: Report) -> None:
    """Every cell, then what they say together."""
    print("%-28s %8s %8s %8s %8s %8s   %6s %13s %6s %6s  ns an element; ratios: best (95 %%), C++, "
          "floor" % ("cell", "ours", "C++", "marshal", "pickle", "floor", "best/", "", "C++/",
                     "/floor"))
    lines: List[List[str]] = []
    for group, size, count in groups():
        group = [shape for shape in group if re.search(only, name_of(shape, size))]
        if not group:
            continue
        rows = target.measure("measure_speed", group, size, count, CELL_SECONDS)
        for shape, row in zip(group, rows):
            lines.append(speed_row(name_of(shape, size), row, report))
        report.write()
    if lines:
        report.table("Every cell, ns an element", (
            "cell", "ours", "C++", "marshal", "pickle", "floor", "best / ours", "95 %", "C++ / ours",
            "ours / floor"), lines)
        summarise(report)


def speed_row(name: str, row: Row, report: Report) -> List[str]:
    """Report one cell; its line of the table."""
    best = min(row[other] for other in ("cpp", "marshal", "pickle") if other in row) / row["ours"]
    cpp, floor = row["cpp"] / row["ours"], row["ours"] / row["floor"]
    print("%-28s %8.1f %8.1f %8.1f %8.1f %8.1f   %6.2f (%5.2f-%5.2f) %6.2f %6.2f%s" % (
        (name,) + tuple(row.get(column, math.nan) for column in COLUMNS)
        + (best, row["low"], row["high"], cpp, floor,
           "" if best >= 1 else "   slower than a yardstick")))
    for column in COLUMNS:
        if column in row:
            report.add("%s %s" % (name, column), row[column], "ns/object")
    report.add(name + " best yardstick / ours", best, "ratio")
    report.add(name + " best yardstick / ours, low", row["low"], "ratio")
    report.add(name + " best yardstick / ours, high", row["high"], "ratio")
    report.add(name + " C++ / ours", cpp, "ratio")
    report.add(name + " ours / floor", floor, "ratio")
    times = ["%.0f" % row[column] if column in row else "" for column in COLUMNS]
    ratio = "%.2f" % best if best >= 1 else "**%.2f**" % best
    return [name, *times, ratio, "%.2f-%.2f" % (row["low"], row["high"]), "%.2f" % cpp,
            "%.2f" % floor]


def summarise(report: Report) -> None:
    def ending(text: str) -> List[float]:
        return [row["value"] for row in report.rows if row["name"].endswith(text)]

    best, cpp = ending(" best yardstick / ours"), ending(" C++ / ours")
    kilobyte, floors = ending("[1024] C++ / ours"), ending(" ours / floor")
    print()
    report.add("cells measured", len(best), "cells")
    report.add("cells slower than the fastest yardstick", sum(v < 1 for v in best), "cells", 0)
    report.add("cells slower than it beyond the 95 % interval",
               sum(v < 1 for v in ending(" best yardstick / ours, high")), "cells", 0)
    report.add("geometric mean of C++ / ours", math.exp(sum(map(math.log, cpp)) / len(cpp)),
               "ratio", 2.5, True)
    if kilobyte:
        report.add("[1024] cells less than 2 times as fast as C++", sum(v < 2 for v in kilobyte),
                   "cells", 0)
        report.add("lowest C++ / ours among [1024] cells", min(kilobyte), "ratio", 2.0, True)
    report.add("cells above 1.5 x the floor", sum(v > 1.5 for v in floors), "cells")
    report.add("geometric mean of ours / floor",
               math.exp(sum(map(math.log, floors)) / len(floors)), "ratio")


def memory_part(target: Target, total: int, report: Report) -> None:
    """The study's sizes: peak over the original, and what stays resident."""
    shapes = [(p, n, kind) for kind in STRINGS
              for p, n in (("list", "array"), ("list", "linked"), ("tuple", "array"),
                           ("set", "hash"), ("frozenset", "hash"))]
    shapes += [("dict", native, kind, kind) for kind in STRINGS for native in ("hash", "ordered")]
    copies: Dict[Shape, float] = {}
    for shape in shapes:
        name = name_of(shape, 1024)
        kind = (shape[0],) + shape[2:]
        row = target.measure("measure_memory", shape, 1024, total, True)
        report.add(name + " peak over original", row["ratio"], "ratio",
                   1.35 if shape[1] == "ordered" else 1.06)
        if kind not in copies:
            copies[kind] = target.measure("measure_memory", shape, 1024, total, False)["left"]
        report.add(name + " left, beyond a Python copy", (row["left"] - copies[kind]) / total,
                   "of payload", 0.01)
        report.write()


def small_part(target: Target, report: Report) -> None:
    for kind in STRINGS:
        for shape, goal in ((("list", "array", kind), 100), (("set", "hash", kind), 200),
                            (("dict", "hash", kind, kind), 200)):
            row = target.measure("measure_small", shape)
            report.add(name_of(shape, 1024) + " of one item, beyond the floor", row["over"], "ns",
                       goal)
    report.write()


# Cell, crafted keys, and the power of ten to which it grows.
GROWTH = (
    (("list", "array", "float"), False, 7),
    (("set", "hash", "int"), False, 7),
    (("dict", "hash", "int", "int"), False, 7),
    (("set", "hash", "int"), True, 7),
    (("dict", "hash", "int", "int"), True, 7),
    (("dict", "hash", "str", "str"), False, 6),
    (("dict", "ordered", "float", "float"), False, 6),
    (("set", "hash", "float"), True, 6),
    (("set", "hash", "str"), True, 6),
    (("dict", "hash", "float", "int"), True, 6),
    (("dict", "hash", "bytes", "int"), True, 6),
    (("dict", "ordered", "str", "int"), True, 6),
)


def growth_part(target: Target, report: Report) -> None:
    lines: List[List[str]] = []
    for shape, crafted, powers in GROWTH:
        row = target.measure("measure_growth", shape, crafted, powers)
        name = name_of(shape, 0) + (" of crafted keys" if crafted else "")
        per_element = {int(n): v for n, v in row["per_element"].items()}
        floors = {int(n): v for n, v in row["floor"].items()}
        over = {n: per_element[n] / floors[n] for n in per_element}
        for n, value in per_element.items():
            report.add("%s at n = %d" % (name, n), value, "ns/element")
            report.add("%s at n = %d, floor" % (name, n), floors[n], "ns/element")
        spans = []
        for values, what, goal in ((per_element, "", 2.0), (floors, ", floor", None),
                                   (over, ", ours / floor", None)):
            large = [v for n, v in values.items() if n >= 1000]
            spans.append(max(large) / min(large))
            report.add("%s, n from 10^3, dearest / cheapest%s" % (name, what), spans[-1], "ratio",
                       goal)
        lines.append([name] + ["%.0f (%.0f)" % (per_element[n], floors[n])
                               if n in per_element else "" for n in (10**p for p in range(8))]
                     + ["%.1f (%.1f)" % (spans[0], spans[1]), "%.2f" % over[max(over)]])
        report.write()
    report.table("Growth, ns an element, of the floor in brackets", (
        "cell", "1", "10", "10^2", "10^3", "10^4", "10^5", "10^6", "10^7",
        "dearest / cheapest from 10^3", "ours / floor at the largest"), lines)


def instructions_part(target: Target, only: str, report: Report) -> None:
    """Instructions and simulated misses of a cache of 1 MiB an element, of cells that `only` matches:
    what three more calls cost, their result's destruction included."""
    counted = 20_000
    lines = []
    for group, size, count in groups():
        for shape in group:
            name = name_of(shape, size)
            if not re.search(only, name):
                continue
            ours = per_call(target, shape, size, counted, True)
            floor = per_call(target, shape, size, counted, False)
            figures = ["%.*f" % (i, v / counted) for i, v in enumerate(ours)]
            figures += ["%.*f" % (i, v / counted) for i, v in enumerate(floor)]
            print("%-28s" % name, " ".join("%9s" % figure for figure in figures), flush=True)
            lines.append([name] + figures)
    report.table("Instructions and misses of a cache of 1 MiB an element, n = 20,000", (
        "cell", "instructions", "misses", "floor: instructions", "floor: misses"), lines)


def per_call(target: Target, shape: Shape, size: int, count: int, native: bool) -> List[float]:
    """Instructions and last-level misses of one call, by callgrind."""
    found = []
    for times in (1, 4):
        out = ROOT / "build" / "callgrind.out"
        target.measure("repeat_cell", shape, size, count, times, native, prefix=(
            "valgrind", "--quiet", "--tool=callgrind", "--cache-sim=yes",
            "--LL=1048576,16,64",
            "--callgrind-out-file=%s" % out))
        text = out.read_text()
        out.unlink()
        names = re.search(r"^events: (.*)$", text, re.M).group(1).split()
        totals = dict(zip(names, map(int, re.search(r"^(?:summary|totals): (.*)$", text,
                                                    re.M).group(1).split())))
        found.append((totals["Ir"], totals["DLmr"] + totals["DLmw"]))
    return [(more - less) / 3 for less, more in zip(*found)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--build", type=Path)
    parser.add_argument("--only", default="", metavar="REGEX", help="speed cells to run")
    parser.add_argument("--parts", default="speed,small,growth,memory",
                        help="of %s (default: %%(default)s)" % ", ".join(PARTS))
    parser.add_argument("--memory-bytes", type=int, default=1 << 30)
    parser.add_argument("--output", type=Path, default=ROOT / "bench/results/converters.json")
    parser.add_argument("--markdown", type=Path, metavar="FILE")
    options = parser.parse_args()
    for part in options.parts.split(","):
        if part not in PARTS:
            parser.error("no part is called %r: choose from %s" % (part, ", ".join(PARTS)))
    directory = options.build or ROOT / "build" / "bench-converters"
    build(options.python, directory)
    target, report = Target(options.python, directory), Report(options.output)
    start = time.monotonic()
    parts = {
        "speed": lambda: speed_part(target, options.only, report),
        "small": lambda: small_part(target, report),
        "growth": lambda: growth_part(target, report),
        "memory": lambda: memory_part(target, options.memory_bytes, report),
        "instructions": lambda: instructions_part(target, options.only, report),
    }
    for part in options.parts.split(","):
        parts[part]()
    report.goals()
    report.write()
    print("\nwrote", options.output)
    if options.markdown:
        report.write_markdown(options.markdown,
                              machine(options.python, time.monotonic() - start))
        print("wrote", options.markdown)


if __name__ == "__main__":
    main()
