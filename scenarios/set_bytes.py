"""Sets of bytes, round-tripped through a C hash set."""

from ._round_trips import refuse_equal_items, round_trips

module = "tideconv"


def setup(count, length, repeat):
    global new_set_bytes
    refuse_equal_items(count, length)
    from tideconv import new_set_bytes


def peakmem_set_bytes(count, length, repeat):
    """Round trip of a set of bytes objects.

    `repeat` times: build a set of `count` bytes objects of `length` bytes each, turn it into a C
    hash set and that into a new set, compare, delete both. The payload is count * length bytes,
    1 GiB by default, and stands up to three times: original, hash set, new set.
    """
    round_trips(lambda: {b"%0*d" % (length, i) for i in range(count)}, new_set_bytes, bytes, repeat)


def expected(count, length, repeat):
    """Bytes of payload: no allocator can hold the objects in less."""
    return count * length, count * length, count * length


peakmem_set_bytes.param_names = ["count", "length", "repeat"]
peakmem_set_bytes.params = [[1_048_576], [1_024], [10]]
peakmem_set_bytes.demo = {"count": 65_536, "repeat": 3}
peakmem_set_bytes.limits = {
    "count": (1, 16_777_216),
    "length": (2, 1_048_576),
    "repeat": (1, 1_000),
}
