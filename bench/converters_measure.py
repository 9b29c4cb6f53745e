"""What bench/converters.py has measured in fresh processes: payloads and one function a part.

Run as `converters_measure.py '["FUNCTION", [ARGUMENTS]]'` with tideconv and std_reference on the path;
the answer is JSON on standard output. Times are CPU times of this thread, system calls and page
faults included, so that other work on the machine falls on no side of a comparison.
"""

from __future__ import annotations

import gc
import json
import marshal
import math
import pickle
import random
import sys
import time
from statistics import median
from typing import Any, Callable, Dict, List, Sequence, Tuple

import std_reference
import tideconv

Shape = Tuple[str, ...]
Row = Dict[str, Any]

# ---- payloads --------------------------------------------------------------------------------------


def elements(kind: str, size: int, count: int, seed: int) -> List[Any]:
    """`count` distinct objects of one type, in random order; strings are `size` bytes long."""
    rng = random.Random(seed)
    if kind == "bool":
        return [rng.random() < 0.5 for _ in range(count)]
    if kind == "int":
        bits = rng.getrandbits
        return [bits(63) - (1 << 62) for _ in range(count)]
    if kind == "float":
        return [(rng.random() - 0.5) * 2e9 for _ in range(count)]
    if kind == "complex":
        return [complex(rng.random(), rng.random()) for _ in range(count)]
    tail = "".join(rng.choice("abcdefghijklmnop") for _ in range(size))
    texts = ("%016x%s" % (rng.getrandbits(64), tail) for _ in range(count))
    if kind == "str":
        return [text[:size] for text in texts]
    make = bytearray if kind == "bytearray" else bytes
    return [make(text[:size].encode()) for text in texts]


def hostile(kind: str, count: int) -> List[Any]:
    """Keys made to meet: numbers whose hashes in Python end in 32 zero bits, and strings of 40 bytes
    in two families, so that what tells them apart stands beyond the bytes that all share."""
    if kind == "int":
        return [i << 32 for i in range(count)]
    if kind == "float":
        return [float(i << 32) for i in range(count)]
    texts = ("%s a prefix that they share %010d" % ("ab"[i & 1], i) for i in range(count))
    return list(texts) if kind == "str" else [text.encode() for text in texts]


def container(shape: Shape, size: int, count: int, crafted: bool = False) -> Any:
    """The input of a cell: (python, native, type) or ("dict", native, key, value)."""
    keys = hostile(shape[2], count) if crafted else elements(shape[2], size, count, 1)
    if shape[0] == "dict":
        return dict(zip(keys, elements(shape[3], size, count, 2)))
    make = {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset}[shape[0]]
    return make(keys)


def ours(shape: Shape) -> Callable[[Any], Any]:
    return getattr(tideconv, "new_" + "_".join(shape))


def floor(shape: Shape) -> Callable[..., Tuple[Any, float]]:
    return getattr(std_reference, "floor_" + "_".join((shape[0],) + shape[2:]))


# ---- speed -----------------------------------------------------------------------------------------

ROUNDS = 25  # at most, within the seconds for a cell
# Rounds end when the interval of the ratio to the best yardstick is this narrow, or when it is as
# far from 1 as it is wide.
NARROW, ENOUGH = 0.03, 0.15
HOPELESS = 3  # times ours: left at one call


def timed(call: Callable[[Any], Any], argument: Any) -> float:
    """Nanoseconds of one call; its result is dropped outside the timing."""
    start = time.thread_time_ns()
    result = call(argument)
    elapsed = time.thread_time_ns() - start
    del result
    return float(elapsed)


def timed_floor(call: Callable[..., Tuple[Any, float]], argument: Any) -> float:
    result, elapsed = call(argument)
    del result
    return elapsed


def contenders(shape: Shape) -> Dict[str, Callable[[Any], float]]:
    """Everything that is measured for a cell, as functions to nanoseconds; ours comes first."""
    reference = getattr(std_reference, "new_" + "_".join(shape))
    found = {
        "ours": lambda x: timed(ours(shape), x),
        "cpp": lambda x: timed(reference, x),
        "pickle": lambda x: timed(lambda y: pickle.loads(pickle.dumps(y, 5)), x),
        "floor": lambda x: timed_floor(floor(shape), x),
    }
    if "bytearray" not in shape:  # marshal makes bytes of it
        found["marshal"] = lambda x: timed(lambda y: marshal.loads(marshal.dumps(y)), x)
    return found


def interval(ratios: Sequence[float]) -> Tuple[float, float]:
    """Where the median of these lies with some 95 %: order statistics, the extremes where few."""
    ordered = sorted(ratios)
    n = len(ordered)
    reach = int(math.floor(n / 2 - 0.98 * math.sqrt(n)))
    low = max(reach, 0)
    return ordered[low], ordered[n - 1 - low]


def ratios_of(times: Dict[str, List[float]]) -> List[float]:
    """The fastest yardstick over ours, in each round; one that was left at one call stays at that."""
    best = times[min(("cpp", "marshal", "pickle"), key=lambda n: median(times.get(n) or [math.inf]))]
    if len(best) < len(times["ours"]):
        best = [median(best)] * len(times["ours"])
    return [other / our for other, our in zip(best, times["ours"])]


def settled(times: Dict[str, List[float]]) -> bool:
    ratios = ratios_of(times)
    if len(ratios) < 5:
        return len(ratios) > 2 and min(ratios) > 1 + ENOUGH and max(ratios) < 1.15 * min(ratios)
    low, high = interval(ratios)
    width = high / low - 1
    return width < NARROW or (width < ENOUGH and (low > 1 + width or high < 1 - width))


def measure_cell(shape: Shape, payload: Any, seconds: float) -> Row:
    """ns per object of ours and of every yardstick: medians of interleaved rounds.

    Every timed call follows directly on an untimed one of its own kind: a virtual machine may give
    free memory back to its host, and a first touch then costs up to 40 times a later one. One that
    takes more than three times as long as ours is left at one such pair, or at the first of the two:
    it cannot become the fastest yardstick, and some take seconds a call.
    """
    calls = contenders(shape)
    times: Dict[str, List[float]] = {name: [] for name in calls}
    start = time.monotonic()
    while len(times["ours"]) < ROUNDS:
        for name, call in calls.items():
            limit = HOPELESS * median(times["ours"] or [math.inf])
            if times[name] and median(times[name]) > limit:
                continue
            warm = call(payload)
            times[name].append(warm if warm > 2 * limit else call(payload))
        if settled(times) or time.monotonic() - start > seconds and len(times["ours"]) > 1:
            break
    row: Row = {name: median(values) / len(payload) for name, values in times.items()}
    row["low"], row["high"] = interval(ratios_of(times))
    row["rounds"] = len(times["ours"])
    return row


def measure_speed(shapes: Sequence[Shape], size: int, count: int, seconds: float) -> List[Row]:
    """The cells of one payload after the other. Sets and tuples are made of the first one's."""
    payload = container(shapes[0], size, count)
    gc.disable()
    rows = []
    for shape in shapes:
        if shape[0] != type(payload).__name__:
            payload = {"tuple": tuple, "frozenset": frozenset}[shape[0]](payload)
        rows.append(measure_cell(shape, payload, seconds))
    return rows


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


def copy_in_python(payload: Any, shape: Shape) -> Any:
    """A new container of new objects, made by Python alone."""
    new: Callable[[Any], Any] = {
        "bytes": lambda x: bytes(memoryview(x)),
        "str": lambda x: x.encode().decode(),
    }[shape[2]]
    if shape[0] == "dict":
        return {new(k): new(v) for k, v in payload.items()}
    return type(payload)(new(x) for x in payload)


def measure_memory(shape: Shape, size: int, total: int, native: bool) -> Row:
    """Peak of a round trip over the original, and what is left after all is deleted."""
    count = total // size // (2 if shape[0] == "dict" else 1)
    start = status("VmRSS")
    payload = container(shape, size, count)
    gc.collect()
    before = status("VmRSS")
    reset_peak()
    result = ours(shape)(payload) if native else copy_in_python(payload, shape)
    peak = status("VmHWM")
    assert len(result) == len(payload)
    del result, payload
    gc.collect()
    return {"ratio": (peak - before) / (before - start), "left": status("VmRSS") - start}


# ---- small containers and growth -------------------------------------------------------------------


def measure_small(shape: Shape) -> Row:
    """ns beyond the floor for one element of 1,024 bytes, results dropped inside both timings.

    What the interpreter takes to call any function is not counted: len() stands for it.
    """
    payload = container(shape, 1024, 1)
    repeat = 50_000

    def loop(call: Callable[[Any], Any]) -> float:
        start = time.thread_time_ns()
        for _ in range(repeat):
            call(payload)
        return (time.thread_time_ns() - start) / repeat

    over = [loop(ours(shape)) - loop(len) - floor(shape)(payload, repeat)[1] for _ in range(15)]
    low, high = interval(over)
    return {"over": median(over), "low": low, "high": high}


def measure_growth(shape: Shape, crafted: bool, powers: int) -> Row:
    """ns per element at 1, 10, 100 ..., ours and the floor's: medians of interleaved calls."""
    per_element: Dict[int, float] = {}
    floors: Dict[int, float] = {}
    gc.disable()
    for power in range(powers + 1):
        count = 10**power
        payload = container(shape, 16, count, crafted)
        rounds = max(3, min(1000, 10**6 // count))
        ours(shape)(payload)
        times = [(timed(ours(shape), payload), timed_floor(floor(shape), payload))
                 for _ in range(rounds)]
        per_element[count] = median(t[0] for t in times) / count
        floors[count] = median(t[1] for t in times) / count
        del payload
    return {"per_element": per_element, "floor": floors}


def repeat_cell(shape: Shape, size: int, count: int, times: int, native: bool) -> Row:
    """Convert, or build the floor, that often: for a counter that stands outside."""
    payload = container(shape, size, count)
    gc.disable()
    for _ in range(times):
        result = ours(shape)(payload) if native else floor(shape)(payload)
        del result
    return {}


def with_tuples(value: Any) -> Any:
    return tuple(map(with_tuples, value)) if isinstance(value, list) else value


def main() -> None:
    function, arguments = json.loads(sys.argv[1])
    json.dump(globals()[function](*map(with_tuples, arguments)), sys.stdout)


if __name__ == "__main__":
    main()
