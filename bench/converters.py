"""Measure the converter core against three yardsticks, in one run.

    python3 bench/converters.py [--python PYTHON] [--build DIR] [--only REGEX] [--parts NAMES]

Builds `converters/` and bench/std_reference.cpp for PYTHON (default: the one that runs this), then
starts fresh processes of it that measure every cell. Prints a table and writes
bench/results/converters.json, a list of rows of name, value, unit, goal and met.

Payloads: scalars are 1,000,000 distinct objects; bytes and str have 16, 128 or 1,024 bytes and
100,000 objects (for a dict: as many keys, and as many values); the memory part takes 1 GiB in
elements of 1,024 bytes. Times are CPU times of the measuring thread, system calls and page faults
included, so that other work on the machine falls on no side of a comparison.

Every timed call follows directly on an untimed one of its own kind. A virtual machine may give free
memory back to its host after two seconds, and a first touch then costs up to 40 times a later one:
the untimed call takes that upon itself, for each contender alike.
"""

from __future__ import annotations

import argparse
import gc
import json
import marshal
import math
import os
import pickle
import random
import re
import subprocess
import sys
import sysconfig
import time
from pathlib import Path
from statistics import median
from typing import Any, Callable, Dict, List, Optional, Tuple

ROOT = Path(__file__).resolve().parent.parent
SCALARS = ("bool", "int", "float", "complex")
STRINGS = ("bytes", "str")
SIZES = (16, 128, 1024)
KEYS = ("int", "float", "complex", "bytes", "str")
MANY, FEW = 1_000_000, 100_000
ROUNDS = 5  # at most, within the time for a cell
CELL_SECONDS = 1.5

Row = Dict[str, Any]


# ---- payloads --------------------------------------------------------------------------------------


def elements(kind: str, size: int, count: int, seed: int) -> List[Any]:
    """`count` distinct objects of one type, in random order; strings are `size` bytes long."""
    rng = random.Random(seed)
    if kind == "bool":
        return [rng.random() < 0.5 for _ in range(count)]
    if kind == "int":
        return [rng.getrandbits(63) - (1 << 62) for _ in range(count)]
    if kind == "float":
        return [rng.uniform(-1e9, 1e9) for _ in range(count)]
    if kind == "complex":
        return [complex(rng.random(), rng.random()) for _ in range(count)]
    tail = "".join(rng.choice("abcdefghijklmnop") for _ in range(size))
    texts = ("%016x%s" % (rng.getrandbits(64), tail) for _ in range(count))
    if kind == "str":
        return [text[:size] for text in texts]
    make = bytearray if kind == "bytearray" else bytes
    return [make(text[:size].encode()) for text in texts]


def container(cell: Tuple[str, ...], size: int, count: int) -> Any:
    """The input of a cell: (python, native, type) or ("dict", native, key, value)."""
    if cell[0] == "dict":
        return dict(zip(elements(cell[2], size, count, 1), elements(cell[3], size, count, 2)))
    make = {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset}[cell[0]]
    return make(elements(cell[2], size, count, 1))


def cells() -> List[Tuple[Tuple[str, ...], int, int]]:
    """Every cell with its string size (0: none) and its number of elements."""
    shapes: List[Tuple[str, ...]] = []
    for kind in SCALARS + ("bytes", "bytearray", "str"):
        for python in ("list", "tuple"):
            shapes += [(python, "array", kind), (python, "linked", kind)]
    for kind in ("int", "float", "complex", "bytes", "str"):
        shapes += [("set", "hash", kind), ("frozenset", "hash", kind)]
    shapes += [("dict", native, k, v) for native in ("hash", "ordered") for k in KEYS for v in KEYS]
    found = []
    for shape in shapes:
        scalar = all(kind in SCALARS for kind in shape[2:])
        found += [(shape, 0, MANY)] if scalar else [(shape, size, FEW) for size in SIZES]
    return found


def name_of(shape: Tuple[str, ...], size: int) -> str:
    return "_".join(shape) + ("[%d]" % size if size else "")


# ---- speed -----------------------------------------------------------------------------------------


def timed(call: Callable[[Any], Any], argument: Any) -> float:
    """Nanoseconds of one call; its result is dropped outside the timing."""
    start = time.thread_time_ns()
    result = call(argument)
    elapsed = time.thread_time_ns() - start
    del result
    return float(elapsed)


def contenders(shape: Tuple[str, ...]) -> Dict[str, Callable[[Any], Tuple[Any, float]]]:
    """Everything that is measured for a cell: functions to (result, nanoseconds of CPU time)."""
    import std_reference
    import tideconv

    def of(call: Callable[[Any], Any]) -> Callable[[Any], Tuple[Any, float]]:
        return lambda payload: (None, timed(call, payload))

    found = {
        "ours": of(getattr(tideconv, "new_" + "_".join(shape))),
        "cpp": of(getattr(std_reference, "new_" + "_".join(shape))),
        "pickle": of(lambda x: pickle.loads(pickle.dumps(x, 5))),
        "floor": getattr(std_reference, "floor_" + "_".join((shape[0],) + shape[2:])),
    }
    if "bytearray" not in shape:  # marshal makes bytes of it
        found["marshal"] = of(lambda x: marshal.loads(marshal.dumps(x)))
    return found


def measure_speed(shape: Tuple[str, ...], size: int, count: int) -> Row:
    """ns per object of ours and of every yardstick: medians of warm calls in interleaved rounds.

    One that took more than three times as long as ours in two rounds is left at those: it cannot
    become the fastest yardstick, and some take seconds a call.
    """
    payload = container(shape, size, count)
    calls = contenders(shape)
    times: Dict[str, List[float]] = {name: [] for name in calls}
    gc.disable()
    start = time.monotonic()
    while len(times["ours"]) < ROUNDS:
        for name, call in calls.items():
            if len(times[name]) >= 2 and median(times[name]) > 3 * median(times["ours"]):
                continue
            call(payload)
            result, elapsed = call(payload)
            del result
            times[name].append(elapsed)
        if time.monotonic() - start > CELL_SECONDS and len(times["ours"]) > 1:
            break
    row: Row = {name: median(values) / len(payload) for name, values in times.items()}
    row["name"] = name_of(shape, size)
    return row


# ---- memory ----------------------------------------------------------------------------------------


def status(field: str) -> int:
    """A field of /proc/self/status, in bytes."""
    with open("/proc/self/status") as lines:
        for line in lines:
            if line.startswith(field + ":"):
                return int(line.split()[1]) * 1024
    raise KeyError(field)


def reset_peak() -> None:
    with open("/proc/self/clear_refs", "w") as control:
        control.write("5")


def copy_in_python(payload: Any, shape: Tuple[str, ...]) -> Any:
    """A new container of new objects, made by Python alone."""
    new: Callable[[Any], Any] = {
        "bytes": lambda x: bytes(memoryview(x)),
        "str": lambda x: x.encode().decode(),
    }[shape[2]]
    if shape[0] == "dict":
        return {new(k): new(v) for k, v in payload.items()}
    return type(payload)(new(x) for x in payload)


def measure_memory(shape: Tuple[str, ...], size: int, total: int, ours: bool) -> Row:
    """Peak of a round trip over the original, and what is left after all is deleted."""
    import tideconv

    call = getattr(tideconv, "new_" + "_".join(shape)) if ours else None
    count = total // size // (2 if shape[0] == "dict" else 1)
    start = status("VmRSS")
    payload = container(shape, size, count)
    gc.collect()
    before = status("VmRSS")
    reset_peak()
    result = call(payload) if call else copy_in_python(payload, shape)
    peak = status("VmHWM")
    assert len(result) == len(payload)
    del result, payload
    gc.collect()
    return {"ratio": (peak - before) / (before - start), "left": status("VmRSS") - start}


# ---- small containers and growth -------------------------------------------------------------------


def measure_small(shape: Tuple[str, ...]) -> Row:
    """ns beyond the floor for one element of 1,024 bytes, results dropped inside both timings.

    What the interpreter takes to call any function is not counted: len() stands for it.
    """
    import std_reference
    import tideconv

    def loop(call: Callable[[Any], Any]) -> float:
        start = time.thread_time_ns()
        for _ in range(repeat):
            call(payload)
        return (time.thread_time_ns() - start) / repeat

    payload = container(shape, 1024, 1)
    floor = getattr(std_reference, "floor_" + "_".join((shape[0],) + shape[2:]))
    call = getattr(tideconv, "new_" + "_".join(shape))
    repeat, over = 100_000, []
    for _ in range(11):
        over.append(loop(call) - loop(len) - floor(payload, repeat)[1])
    return {"over": median(over)}


def measure_growth(shape: Tuple[str, ...], hostile: bool) -> Row:
    """ns per element at growing sizes, ours and the floor's: medians of enough calls to last."""
    import std_reference
    import tideconv

    call = getattr(tideconv, "new_" + "_".join(shape))
    floor = getattr(std_reference, "floor_" + "_".join((shape[0],) + shape[2:]))
    per_element: Dict[int, float] = {}
    floors: Dict[int, float] = {}
    gc.disable()
    for power in range(0, 8):
        count = 10**power
        if hostile:
            payload: Any = {i << 32: i for i in range(count)}
        else:
            payload = container(shape, 16, count)
        rounds = max(3, min(1000, 10**6 // count))
        call(payload)
        per_element[count] = median(timed(call, payload) for _ in range(rounds)) / count
        floors[count] = median(floor(payload)[1] for _ in range(rounds)) / count
    return {"per_element": per_element, "floor": floors}


# ---- the parent ------------------------------------------------------------------------------------


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


def in_child(python: str, directory: Path, function: str, *arguments: Any) -> Row:
    """Run one of the functions above in a fresh process."""
    environment = dict(os.environ, PYTHONPATH=str(directory), PYTHONHASHSEED="0")
    done = subprocess.run([python, __file__, "--child", json.dumps([function, arguments])],
                          check=True, env=environment, stdout=subprocess.PIPE)
    return json.loads(done.stdout)


def child(request: str) -> None:
    function, arguments = json.loads(request)
    arguments = [tuple(a) if isinstance(a, list) else a for a in arguments]
    json.dump(globals()[function](*arguments), sys.stdout)


class Report:
    """Rows as they come, printed and kept."""

    def __init__(self, output: Path) -> None:
        self.rows: List[Row] = []
        self.output = output

    def add(self, name: str, value: float, unit: str, goal: Optional[float] = None,
            at_least: bool = False) -> None:
        met = None if goal is None else (value >= goal if at_least else value <= goal)
        self.rows.append({"name": name, "value": round(value, 4), "unit": unit, "goal": goal,
                          "met": met})
        if goal is not None:
            print("%-58s %10.3f %-10s goal %s %-8g %s" % (
                name, value, unit, ">=" if at_least else "<=", goal, "met" if met else "MISSED"))
        sys.stdout.flush()

    def write(self) -> None:
        self.output.parent.mkdir(parents=True, exist_ok=True)
        self.output.write_text(json.dumps(self.rows, indent=1) + "\n")


def speed_part(python: str, directory: Path, only: str, report: Report) -> None:
    """Every cell, then what they say together."""
    print("%-28s %8s %8s %8s %8s %8s   %6s %6s %6s   ns an element; ratios: C++, best, floor"
          % ("cell", "ours", "C++", "marshal", "pickle", "floor", "C++/", "best/", "/floor"))
    ratios: List[float] = []
    for shape, size, count in cells():
        name = name_of(shape, size)
        if not re.search(only, name):
            continue
        row = in_child(python, directory, "measure_speed", shape, size, count)
        best = min(row[other] for other in ("cpp", "marshal", "pickle") if other in row)
        ratios.append(row["cpp"] / row["ours"])
        print("%-28s %8.1f %8.1f %8.1f %8.1f %8.1f   %6.2f %6.2f %6.2f%s" % (
            name, row["ours"], row["cpp"], row.get("marshal", math.nan), row["pickle"],
            row["floor"], ratios[-1], best / row["ours"], row["ours"] / row["floor"],
            "" if best >= row["ours"] else "   slower than a yardstick"))
        sys.stdout.flush()
        for column in ("ours", "cpp", "marshal", "pickle", "floor"):
            if column in row:
                report.add("%s %s" % (name, column), row[column], "ns/object")
        report.add(name + " best yardstick / ours", best / row["ours"], "ratio")
        report.add(name + " C++ / ours", ratios[-1], "ratio")
        report.add(name + " ours / floor", row["ours"] / row["floor"], "ratio")
        report.write()
    if ratios:
        summarise(ratios, report)


def summarise(ratios: List[float], report: Report) -> None:
    values = {row["name"]: row["value"] for row in report.rows}
    best = {n: v for n, v in values.items() if n.endswith(" best yardstick / ours")}
    kilobyte = [v for n, v in values.items() if "[1024] C++ / ours" in n]
    floors = {n: v for n, v in values.items() if n.endswith(" ours / floor")}
    print()
    report.add("cells slower than the fastest yardstick", sum(v < 1 for v in best.values()),
               "cells", 0)
    report.add("geometric mean of C++ / ours", math.exp(sum(map(math.log, ratios)) / len(ratios)),
               "ratio", 2.5, True)
    if kilobyte:
        report.add("lowest C++ / ours among [1024] cells", min(kilobyte), "ratio", 2.0, True)
    report.add("cells above 1.5 x the floor", sum(v > 1.5 for v in floors.values()), "cells")


def memory_part(python: str, directory: Path, total: int, report: Report) -> None:
    """The study's sizes: peak over the original, and what stays resident."""
    shapes = [(p, n, kind) for kind in STRINGS
              for p, n in (("list", "array"), ("list", "linked"), ("tuple", "array"),
                           ("set", "hash"), ("frozenset", "hash"))]
    shapes += [("dict", native, kind, kind) for kind in STRINGS for native in ("hash", "ordered")]
    copies: Dict[Tuple[str, ...], float] = {}
    for shape in shapes:
        name = name_of(shape, 1024)
        kind = (shape[0],) + shape[2:]
        row = in_child(python, directory, "measure_memory", shape, 1024, total, True)
        report.add(name + " peak over original", row["ratio"], "ratio",
                   1.35 if shape[1] == "ordered" else 1.06)
        if kind not in copies:
            copies[kind] = in_child(python, directory, "measure_memory", shape, 1024, total,
                                    False)["left"]
        report.add(name + " left, beyond a Python copy", (row["left"] - copies[kind]) / total,
                   "of payload", 0.01)


def small_part(python: str, directory: Path, report: Report) -> None:
    for kind in STRINGS:
        for shape, goal in ((("list", "array", kind), 100), (("set", "hash", kind), 200),
                            (("dict", "hash", kind, kind), 200)):
            row = in_child(python, directory, "measure_small", shape)
            report.add(name_of(shape, 1024) + " of one item, beyond the floor", row["over"], "ns",
                       goal)


def growth_part(python: str, directory: Path, report: Report) -> None:
    for shape, hostile in ((("list", "array", "float"), False), (("set", "hash", "int"), False),
                           (("dict", "hash", "int", "int"), False),
                           (("dict", "hash", "str", "str"), False),
                           (("dict", "ordered", "float", "float"), False),
                           (("dict", "hash", "int", "int"), True)):
        row = in_child(python, directory, "measure_growth", shape, hostile)
        name = name_of(shape, 0) + (" of hostile keys" if hostile else "")
        per_element = {int(n): v for n, v in row["per_element"].items()}
        floors = {int(n): v for n, v in row["floor"].items()}
        print("%-34s" % name, "  ".join("%g: %.0f" % item for item in per_element.items()), "ns")
        print("%-34s" % "  floor", "  ".join("%g: %.0f" % item for item in floors.items()), "ns")
        for n, value in per_element.items():
            report.add("%s at n = %d" % (name, n), value, "ns/element")
            report.add("%s at n = %d, floor" % (name, n), floors[n], "ns/element")
        report.add(name + ", n = 10^3 to 10^7, dearest / cheapest",
                   max(v for n, v in per_element.items() if n >= 1000)
                   / min(v for n, v in per_element.items() if n >= 1000), "ratio", 2.0)
        over = [per_element[n] / floors[n] for n in per_element if n >= 1000]
        report.add(name + ", the same of ours / floor", max(over) / min(over), "ratio")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--build", type=Path)
    parser.add_argument("--only", default="", metavar="REGEX", help="speed cells to run")
    parser.add_argument("--parts", default="speed,small,growth,memory")
    parser.add_argument("--memory-bytes", type=int, default=1 << 30)
    parser.add_argument("--output", type=Path, default=ROOT / "bench/results/converters.json")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        return child(options.child)
    directory = options.build or ROOT / "build" / "bench-converters"
    build(options.python, directory)
    report = Report(options.output)
    parts = options.parts.split(",")
    if "speed" in parts:
        speed_part(options.python, directory, options.only, report)
    if "small" in parts:
        small_part(options.python, directory, report)
    if "growth" in parts:
        growth_part(options.python, directory, report)
    if "memory" in parts:
        memory_part(options.python, directory, options.memory_bytes, report)
    report.write()
    print("\nwrote", options.output)


if __name__ == "__main__":
    main()
