"""What the tests share: every cell of tideconv, and random payloads for it."""

import marshal
import os
import random
import struct
import sys

TYPES = ("bool", "int", "float", "complex", "bytes", "bytearray", "str")
SET_TYPES = ("bool", "int", "float", "complex", "bytes", "str")
DICT_TYPES = ("int", "float", "complex", "bytes", "str")
MAKE = {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset}

SEED = int(os.environ.get("TIDECONV_TEST_SEED", random.SystemRandom().randrange(1 << 32)))
# The largest container is 2 ** LARGEST + 1; variants of the build are content with less.
LARGEST = int(os.environ.get("TIDECONV_TEST_MAX", "20"))
print("TIDECONV_TEST_SEED=%d" % SEED, file=sys.stderr)


def cells():
    """Every cell as (function name, python container, element types)."""
    for kind in TYPES:
        for python in ("list", "tuple"):
            for native in ("array", "linked"):
                yield "new_%s_%s_%s" % (python, native, kind), python, (kind,)
    for kind in SET_TYPES:
        for python in ("set", "frozenset"):
            yield "new_%s_hash_%s" % (python, kind), python, (kind,)
    for native in ("hash", "ordered"):
        for key in DICT_TYPES:
            for value in DICT_TYPES:
                yield "new_dict_%s_%s_%s" % (native, key, value), "dict", (key, value)


def nan_with(payload):
    """A NaN with these low bits, quiet and of either sign."""
    bits = 0x7FF8000000000000 | payload | (payload & 1) << 63
    return struct.unpack("d", struct.pack("Q", bits))[0]


def random_float(rng):
    pick = rng.randrange(20)
    if pick == 0:
        return rng.choice((0.0, -0.0, float("inf"), float("-inf"), 5e-324, 1.0))
    if pick == 1:
        return nan_with(rng.getrandbits(40))
    return struct.unpack("d", struct.pack("Q", rng.getrandbits(62)))[0]


def random_int(rng):
    if rng.randrange(10) == 0:
        return rng.choice((0, 1, -1, 2 ** 63 - 1, -(2 ** 63), 2 ** 30, -(2 ** 30), 2 ** 60, 255))
    return rng.getrandbits(rng.randrange(1, 64)) * rng.choice((1, -1))


def random_text(rng):
    alphabet = rng.choice(("abc", "ab\0", "a\xe9\xff", "a\u0100\u20ac", "\u4e2d\U0001f600z"))
    return "".join(rng.choice(alphabet) for _ in range(rng.randrange(12)))


def random_bytes(rng):
    size = rng.choice((0, 1, 7, 8, 9, 15, 16, 17, 40))
    return rng.getrandbits(8 * size).to_bytes(size, "little") if size else b""


def one(rng, kind):
    """One random value of a type, the awkward ones often among them."""
    return {
        "bool": lambda: rng.random() < 0.5,
        "int": lambda: random_int(rng),
        "float": lambda: random_float(rng),
        "complex": lambda: complex(random_float(rng), random_float(rng)),
        "bytes": lambda: random_bytes(rng),
        "bytearray": lambda: bytearray(random_bytes(rng)),
        "str": lambda: random_text(rng),
    }[kind]()


def distinct(kind, i):
    """The ith of distinct values (of bool there are two), each an object of its own."""
    return {"bool": i % 2 == 0, "int": 2 ** 40 + i, "float": i + 10.5, "complex": i + 10.5j,
            "bytes": b"%030d" % i, "bytearray": bytearray(b"%030d" % i),
            "str": "%015d\u20ac" % i if i % 2 else "%030d" % i}[kind]


POOLS = {}


def values(kind, count, salt):
    """`count` random values. Large ones are made of a smaller pool, each element its own object."""
    pool = POOLS.get(kind)
    if not pool:
        rng = random.Random(SEED)
        pool = POOLS[kind] = [one(rng, kind) for _ in range(5000)]
    start = random.Random(SEED + salt).randrange(len(pool))
    if count <= len(pool):
        return (pool[start:] + pool[:start])[:count]
    if kind in ("bytes", "bytearray", "str"):
        encode = str if kind == "str" else lambda n: b"%d" % n
        return [pool[(i + start) % len(pool)] + encode(i) for i in range(count)]
    if kind == "int":
        return [(i + start) * 2654435761 - 2 ** 50 for i in range(count)]
    if kind == "bool":
        return [pool[(i + start) % len(pool)] for i in range(count)]
    if kind == "float":
        return [(i + start) * 1.25e-3 for i in range(count)]
    return [complex(i + start, -i) for i in range(count)]


def container(python, kinds, count):
    """A random container of up to `count` elements (fewer where keys meet)."""
    if python == "dict":
        return dict(zip(values(kinds[0], count, 1), values(kinds[1], count, 2)))
    return MAKE[python](values(kinds[0], count, 1))


def exact(value):
    """Bytes that agree only for values of the same type, bits and order."""
    return marshal.dumps(value, 2)


def image(value):
    """The same for a container: sets and maps in key order lose theirs, types of bytearrays count."""
    if isinstance(value, (set, frozenset)):
        return type(value), sorted(map(exact, value))
    if isinstance(value, dict):
        return sorted(zip(map(exact, value.keys()), map(exact, value.values())))
    return type(value), exact(value), {type(x) for x in value}


def total_order(key):
    """The documented order of keys: NaN after all numbers, by bits."""
    if isinstance(key, float):
        bits = struct.unpack("Q", struct.pack("d", key))[0]
        return (1, bits) if key != key else (0, key)
    if isinstance(key, complex):
        return total_order(key.real), total_order(key.imag)
    return key
