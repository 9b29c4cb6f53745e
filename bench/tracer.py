"""Measure what the instrument costs, in one run.

    python3 bench/tracer.py --tidemark PROGRAM --probe PROBE --dump DUMP [--pythons 3.8,3.12] [--rounds N]

Compiles the worker for each CPython, then runs two million Python calls and two million C calls
that do nothing, and the scenario list_bytes, in every mode in turn; a round holds each mode once, so
that what else the machine does falls on all of them. Prints a table of medians and writes
bench/results/tracer.json, a list of rows of name, value, unit, goal and met.

Times are CPU times of the measured process. What a mode adds is its time less that of the recording
`marks`, which has no hook, in the same round. Ratios near 1 come from many pairs of runs, the two in
turn first: the median of the pairs' ratios, and a 95 % interval of that median by the percentile
bootstrap (Efron 1979). A goal is met, or not, when the whole interval lies on one side of it. `stored` is the stream with each payload compressed, as
the daemon puts it into the database; samples and names are counted with it.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "tests", "worker"))
import test_worker as driver  # noqa: E402
import tracer_database  # noqa: E402

BENCH = os.path.join(ROOT, "bench")
SCENARIOS = os.path.join(BENCH, "tracer_scenarios.py")
CALLS = 2_000_000
EVENTS = 2 * CALLS
MODES = {
    "none": ("--recording", "marks"),
    "bounded": ("--recording", "changes", "--precision", "bounded"),
    "exact": ("--recording", "changes", "--precision", "exact"),
    "all bounded": ("--recording", "all", "--precision", "bounded"),
}
PAIRS = 6  # a round
DRAWS = 2000  # of the bootstrap
STUDY = {  # of the study's scenarios one with large containers and one with small ones
    "list_bytes": ("list_bytes.py", '{"count":65536,"length":1024,"repeat":3}'),
    "list_one_item": ("one_item.py", '{"length":1024,"repeat":200000}'),
}


def usage(data):
    """META usage, found without decoding millions of events."""
    at = data.rindex(b'{"cpu_ns":')
    return json.loads(data[at:data.index(b"}", at) + 1])


def run(command):
    """CPU nanoseconds of the scenario's function, and its stream."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode:
        raise RuntimeError(done.stderr.decode())
    return usage(done.stdout)["cpu_ns"], done.stdout


def compile_c(folder, name, *more):
    program = os.path.join(folder, name)
    driver.check(["cc", "-std=gnu11", "-O2", "-I" + os.path.join(ROOT, "worker"),
                  os.path.join(BENCH, name + ".c"), *more, "-o", program])
    return program


class Table:
    def __init__(self):
        self.rows = []

    def put(self, row, met, note):
        self.rows.append({**row, "value": round(row["value"], 4), "met": met})
        print("%-52s %12.3f %-12s %s" % (row["name"], row["value"], row["unit"], note), flush=True)

    def add(self, name, value, unit, goal=None, at_least=False):
        met = None if goal is None else (value >= goal if at_least else value <= goal)
        note = "" if goal is None else "%s %g  %s" % (">=" if at_least else "<=", goal,
                                                      "met" if met else "NOT MET")
        self.put({"name": name, "value": value, "unit": unit, "goal": goal}, met, note)

    def add_ratios(self, name, ratios, goal):
        low, high = interval(ratios)
        met = True if high <= goal else False if low > goal else None
        word = {True: "met", False: "NOT MET", None: "undecided"}[met]
        self.put({"name": name, "value": median(ratios), "unit": "ratio", "goal": goal,
                  "interval": [round(low, 4), round(high, 4)], "pairs": len(ratios)}, met,
                 "%.3f to %.3f, %d pairs  <= %g  %s" % (low, high, len(ratios), goal, word))


def interval(values):
    """95 % of the median, by the percentile bootstrap; the same for the same values."""
    draw = random.Random(len(values))
    medians = sorted(median(draw.choices(values, k=len(values))) for _ in range(DRAWS))
    return medians[DRAWS // 40], medians[-DRAWS // 40 - 1]


def paired(count, first, second):
    """CPU of second over that of first, each pair run in the other order than the one before."""
    ratios = []
    for i in range(count):
        cpu = {command: run(command)[0]
               for command in ((first, second) if i % 2 else (second, first))}
        ratios.append(cpu[second] / cpu[first])
    return ratios


def measure_calls(table, python, rounds, pread, stored):
    """What each mode adds to an event, on calls that do nothing."""
    for scenario in ("python", "c"):
        added = {mode: [] for mode in MODES}
        ratios, sizes, packed = [], [], []
        for _ in range(rounds):
            bare = pread()
            base = None
            for mode, options in MODES.items():
                cpu, stream = run(python.command(scenario, scenario=SCENARIOS, module="",
                                               worker=options))
                base = cpu if base is None else base
                added[mode].append((cpu - base) / EVENTS)
                if mode == "exact":
                    ratios.append(added[mode][-1] / bare)
                if mode == "all bounded":
                    sizes.append(len(stream) / EVENTS)
                    packed.append(int(subprocess.check_output([stored], input=stream)) / EVENTS)
        name = "%s, %s calls: " % (python.version, scenario)
        table.add(name + "bounded adds", median(added["bounded"]), "ns/event", 60)
        table.add(name + "exact adds", median(added["exact"]), "ns/event")
        table.add(name + "exact / pread", median(ratios), "ratio", 1.25)
        table.add(name + "all, bounded adds", median(added["all bounded"]), "ns/event")
        table.add(name + "all, stream", median(sizes), "bytes/event")
        table.add(name + "all, stored", median(packed), "bytes/event", 4)


def measure_study(table, python, rounds):
    for name, (file, params) in STUDY.items():
        file = os.path.join(ROOT, "scenarios", file)
        commands = [tuple(python.command(name, scenario=file, module="tideconv", params=params,
                                         worker=MODES[mode]))
                    for mode in ("none", "bounded")]
        table.add_ratios("%s, %s: bounded / untraced" % (python.version, name),
                         paired(rounds * PAIRS, *commands), 1.02)


def measure_sampling(table, python, rounds):
    commands = [tuple(python.command("c", scenario=SCENARIOS, module="", worker=MODES["none"],
                                     params='{"count":10000000}', probe=["--interval-us", us]))
                for us in ("1000000", "1000")]
    table.add_ratios(python.version + ": sampled every ms / every s",
                     paired(rounds * PAIRS, *commands), 1.005)


def measure_marks(table, python, rounds):
    """How far a sample stands above the mark that the kernel kept of the same run."""
    file, _ = STUDY["list_bytes"]
    command = python.command("list_bytes", scenario=os.path.join(ROOT, "scenarios", file),
                             module="tideconv", worker=MODES["none"],
                             params='{"count":16384,"length":1024,"repeat":3}')
    above = []
    for _ in range(rounds * PAIRS * 2):
        stream, _ = driver.run(command)
        above.append((max(r["rss"] for r in stream.of("SAMPLE"))
                      - max(r["peak"] for r in stream.of("MARK"))) // os.sysconf("SC_PAGE_SIZE"))
    table.add(python.version + ": sample above the run's mark, most", max(above), "pages",
              driver.COUNTERS_ERROR // os.sysconf("SC_PAGE_SIZE"))


def measure_flood(table, flood, rounds):
    rates = []
    for _ in range(rounds):
        probe = subprocess.Popen([driver.options.probe, "--", flood], stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE)
        while os.read(probe.stdout.fileno(), 1 << 20):
            pass
        rates.append(float(probe.stderr.read()))
        probe.wait()
    table.add("probe and pipe", median(rates) / 1e6, "M events/s", 5, at_least=True)


def measure_database(table, tidemark, rounds):
    for row in tracer_database.bench(tidemark, rounds):
        note = "" if row["goal"] is None else "goal %g  %s" % (row["goal"],
                                                               "met" if row["met"] else "NOT MET")
        table.put(row, row["met"], note)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tidemark", type=Path, required=True)
    parser.add_argument("--probe", required=True)
    parser.add_argument("--dump", required=True)
    parser.add_argument("--pythons", default="")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    driver.options.probe = os.path.abspath(arguments.probe)
    driver.options.dump = os.path.abspath(arguments.dump)
    driver.options.source = ROOT
    wanted = set(filter(None, arguments.pythons.split(",")))
    table = Table()
    with tempfile.TemporaryDirectory(prefix="tidemark-bench-") as folder:
        driver.options.build = folder
        bare = compile_c(folder, "tracer_pread")
        flood = compile_c(folder, "tracer_flood", os.path.join(ROOT, "worker", "ring.c"))

        stored = compile_c(folder, "tracer_stored", os.path.join(ROOT, "worker", "stream.c"),
                           "-lzstd")

        def pread():
            return float(subprocess.check_output([bare]))

        table.add("one bare pread of statm", median(pread() for _ in range(arguments.rounds)), "ns")
        measure_flood(table, flood, arguments.rounds)
        measure_database(table, arguments.tidemark.resolve(), arguments.rounds)
        seen = set()
        for facts in driver.discover():
            if facts["version"] in seen or (wanted and facts["version"] not in wanted):
                continue
            seen.add(facts["version"])
            python = driver.Python(facts)
            python.build()
            measure_calls(table, python, arguments.rounds, pread, stored)
            measure_study(table, python, arguments.rounds)
        # No matter of versions: of the last one.
        measure_sampling(table, python, arguments.rounds)
        measure_marks(table, python, arguments.rounds)
    results = os.path.join(BENCH, "results")
    os.makedirs(results, exist_ok=True)
    with open(os.path.join(results, "tracer.json"), "w", encoding="utf-8") as file:
        json.dump(table.rows, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()
