"""Lists of bytes, round-tripped through a contiguous C array."""

from ._round_trips import refuse_equal_items, round_trips

module = "tideconv"


def setup(count, length, repeat):
    global new_list_bytes
    refuse_equal_items(count, length)
    from tideconv import new_list_bytes


def peakmem_list_bytes(count, length, repeat):
    """Round trip of a list of distinct bytes objects.

    `repeat` times: build a list of `count` bytes objects of `length` bytes each, turn it into a C
    array and that into a new list, compare, delete both. The payload is count * length bytes, 1 GiB
    by default, and stands up to three times: original, C array, new list.
    """
    # An operator and no call, so that no event is paid for per item. Every item is another number: a
    # constant such as b" " * 1024 would be one object, held count times.
    round_trips(lambda: [b"%0*d" % (length, i) for i in range(count)], new_list_bytes, bytes, repeat)


def expected(count, length, repeat):
    """Bytes of payload: no allocator can hold the objects in less."""
    return count * length, count * length, count * length


peakmem_list_bytes.param_names = ["count", "length", "repeat"]
peakmem_list_bytes.params = [[1_048_576], [1_024], [10]]
peakmem_list_bytes.demo = {"count": 65_536, "repeat": 3}
# CPython keeps bytes objects of one byte as singletons: two is the least that makes them distinct.
peakmem_list_bytes.limits = {
    "count": (1, 16_777_216),
    "length": (2, 1_048_576),
    "repeat": (1, 1_000),
}
