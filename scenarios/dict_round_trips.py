"""Dicts round-tripped through a C hash map (bytes) and through an ordered map (str)."""

from ._round_trips import refuse_equal_items, round_trips

module = "tideconv"
param_names = ["count", "length", "repeat"]
params = [[524_288], [1_024], [10]]
demo = {"count": 32_768, "repeat": 3}
limits = {"count": (1, 8_388_608), "length": (2, 1_048_576), "repeat": (1, 1_000)}


def setup(count, length, repeat):
    global new_dict_hash_bytes_bytes, new_dict_ordered_str_str
    refuse_equal_items(count, length)
    from tideconv import new_dict_hash_bytes_bytes, new_dict_ordered_str_str


def peakmem_dict_bytes(count, length, repeat):
    """Round trip of a dict of bytes to bytes through a hash map.

    `repeat` times: build a dict of `count` entries, key and value bytes objects of `length` bytes
    each, turn it into a C hash map and that into a new dict, compare, delete both. The payload is
    2 * count * length bytes, 1 GiB by default, and stands up to three times: original, hash map, new
    dict. A value differs from its key and from every other value.
    """
    round_trips(lambda: {b"%0*d" % (length, i): b"%-*d" % (length, i) for i in range(count)},
                new_dict_hash_bytes_bytes, bytes, repeat)


def peakmem_dict_str(count, length, repeat):
    """Round trip of a dict of str to str through an ordered map.

    `repeat` times: build a dict of `count` entries, key and value str objects of `length` ASCII
    characters each, turn it into a C ordered map and that into a new dict, compare, delete both. The
    payload is 2 * count * length bytes, 1 GiB by default, and stands up to three times: original,
    ordered map, new dict. Keys come in another order than that of the map: "10" is before "9".
    """
    round_trips(lambda: {"%-*d" % (length, i): "%0*d" % (length, i) for i in range(count)},
                new_dict_ordered_str_str, str, repeat)


def expected(count, length, repeat):
    """Bytes of payload, of keys and values: no allocator can hold the objects in less."""
    return 2 * count * length, 2 * count * length, 2 * count * length
