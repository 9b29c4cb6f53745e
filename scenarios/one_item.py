"""Containers of one item, round-tripped millions of times: what stays resident is a leak.

The payload is `length` bytes (the dict: twice that), 1,024 by default, and never grows. Each round
trip is an iteration, so RSS at the marks between them follows what was retained: one leaked object
of 1,024 bytes a round trip would be 10 GiB at the end, one byte 10 MB.
"""

from tidemark import iterations, mark

module = "tideconv"
param_names = ["repeat", "length"]
params = [[10_000_000], [1_024]]
demo = {"repeat": 200_000}
limits = {"repeat": (1, 1_000_000_000), "length": (2, 1_048_576)}


def setup(repeat, length):
    global new_list_bytes, new_set_bytes, new_dict_bytes_bytes
    from tideconv import new_dict_bytes_bytes, new_list_bytes, new_set_bytes


def convert_often(convert, original, repeat):
    mark("original")
    for _ in iterations(repeat):
        result = convert(original)
        if result != original:
            raise AssertionError("the new container differs from the original")


def peakmem_list_one_item(repeat, length):
    """Round trip of a list of one bytes object, `repeat` times.

    The payload is `length` bytes; original, C array and new list hold it once each.
    """
    convert_often(new_list_bytes, [b"%0*d" % (length, 1)], repeat)


def peakmem_set_one_item(repeat, length):
    """Round trip of a set of one bytes object, `repeat` times.

    The payload is `length` bytes; original, hash set and new set hold it once each.
    """
    convert_often(new_set_bytes, {b"%0*d" % (length, 1)}, repeat)


def peakmem_dict_one_item(repeat, length):
    """Round trip of a dict of one bytes object to another, `repeat` times.

    The payload is 2 * `length` bytes; original, hash map and new dict hold it once each.
    """
    convert_often(new_dict_bytes_bytes, {b"%0*d" % (length, 1): b"%0*d" % (length, 2)}, repeat)


def expected(repeat, length):
    """Bytes of payload."""
    return length, length, length


def expected_dict(repeat, length):
    """Bytes of payload, of key and value."""
    return 2 * length, 2 * length, 2 * length


peakmem_dict_one_item.expected = expected_dict
