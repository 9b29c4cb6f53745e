"""Lists of float, round-tripped through a contiguous C array and through a doubly linked list."""

from ._round_trips import round_trips

module = "tideconv"
param_names = ["count", "repeat"]
params = [[33_554_432], [10]]
demo = {"count": 2_097_152, "repeat": 3}
limits = {"count": (1, 268_435_456), "repeat": (1, 1_000)}

# What CPython needs for one item of a list of float on a 64-bit machine: the float, the pointer to it.
PYTHON_ITEM = 24 + 8
ARRAY_ITEM = 8
LINKED_ITEM = 8 + 2 * 8


def setup(count, repeat):
    global new_list_array_float, new_list_linked_float
    from tideconv import new_list_array_float, new_list_linked_float


def halves(count):
    """Every item is computed, so every item is an object of its own."""
    return [i * 0.5 for i in range(count)]


def peakmem_list_float_array(count, repeat):
    """Round trip of a list of distinct floats through a contiguous array.

    `repeat` times: build a list of `count` floats, turn it into a C array and that into a new list,
    compare, delete both. The payload is 8 * count bytes of doubles, 256 MiB by default. As Python
    objects (24 bytes each and 8 for the pointer) it takes 32 * count bytes, 1 GiB by default, twice:
    original and new list.
    """
    round_trips(lambda: halves(count), new_list_array_float, float, repeat)


def expected_array(count, repeat):
    """Bytes that list and floats, array, new list and floats take at the least."""
    return count * PYTHON_ITEM, count * ARRAY_ITEM, count * PYTHON_ITEM


def peakmem_list_float_linked(count, repeat):
    """Round trip of a list of distinct floats through a doubly linked list.

    As list_float_array, but each double stands in a node of its own with two links: at least
    24 * count bytes, 768 MiB by default, between original and new list of 1 GiB each.
    """
    round_trips(lambda: halves(count), new_list_linked_float, float, repeat)


def expected_linked(count, repeat):
    """Bytes that list and floats, linked list, new list and floats take at the least."""
    return count * PYTHON_ITEM, count * LINKED_ITEM, count * PYTHON_ITEM


peakmem_list_float_array.expected = expected_array
peakmem_list_float_linked.expected = expected_linked
