"""Round trips through every cell give back what went in, to the type and the bit."""

import random
import unittest

import cells
import tideconv


def sizes():
    """0 to 3, every 2^k - 1, 2^k, 2^k + 1 up to 2^10, then one around 2^13; 2^20 has its own test."""
    rng = random.Random(cells.SEED)
    small = {0, 1, 2, 3}
    for power in range(2, min(10, cells.LARGEST) + 1):
        small |= {2 ** power - 1, 2 ** power, 2 ** power + 1}
    if cells.LARGEST >= 13:
        small.add(2 ** 13 + rng.randrange(-1, 2))
    return sorted(small)


class RoundTrip(unittest.TestCase):
    def check(self, name, python, kinds, count):
        payload = cells.container(python, kinds, count)
        before = cells.image(payload)
        result = getattr(tideconv, name)(payload)
        message = "%s, n = %d, seed %d" % (name, count, cells.SEED)
        self.assertTrue(cells.image(result) == before, message)
        self.assertTrue(cells.image(payload) == before, message + ": the input was changed")
        if "_hash_" in name and python == "dict":
            self.assertEqual(list(map(cells.exact, result)), list(map(cells.exact, payload)),
                             message)
        if "_ordered_" in name:
            order = [cells.total_order(key) for key in result]
            self.assertTrue(order == sorted(order), message + ": not in key order")
        if payload and python in ("list", "tuple", "dict"):
            self.assertIsNot(result, payload)

    def test_every_cell_at_every_size(self):
        for name, python, kinds in cells.cells():
            for count in sizes():
                self.check(name, python, kinds, count)

    def test_largest(self):
        """2^20 elements and one around it, for each type and each native container once."""
        if cells.LARGEST < 20:
            self.skipTest("a variant of the build")
        count = 2 ** 20 + random.Random(cells.SEED).randrange(-1, 2)
        for kind in cells.TYPES:
            items = cells.values(kind, count, 1)
            payloads = {"list": items}
            if kind in cells.SET_TYPES:
                payloads["set"] = set(items)
            if kind in cells.DICT_TYPES:
                payloads["dict"] = dict(zip(items, reversed(items)))
            for name, python, kinds in cells.cells():
                if python in payloads and set(kinds) == {kind}:
                    self.check_largest(name, payloads[python], kind)

    def check_largest(self, name, payload, kind):
        result = getattr(tideconv, name)(payload)
        # Equality does not tell True from 1: the types are compared beside it.
        self.assertTrue(result == payload, name)
        self.assertEqual(set(map(type, result)), set(map(type, payload)), name)
        if "_ordered_" in name:
            by_parts = (lambda z: (z.real, z.imag)) if kind == "complex" else None
            self.assertTrue(list(result) == sorted(payload, key=by_parts), name)
        elif isinstance(payload, dict):
            self.assertTrue(list(result) == list(payload), name)

    def test_sorted_and_reversed_and_shared_prefixes(self):
        """Orders and strings that favour or trip a sort by prefix."""
        rng = random.Random(cells.SEED)
        for count in (10, 100, 5000):
            words = [b"a common and long prefix " + b"%08d" % i + b"tail" * 5
                     for i in range(count)]
            for keys in (words, words[::-1], rng.sample(words, count),
                         [w[: rng.randrange(len(w))] for w in words]):
                payload = {key: i for i, key in enumerate(keys)}
                result = tideconv.new_dict_ordered_bytes_int(payload)
                self.assertEqual(list(result.items()), sorted(payload.items()))
            texts = {"\u4e2d\u6587%d" % i: float(i) for i in range(count)}
            self.assertEqual(list(tideconv.new_dict_ordered_str_float(texts).items()),
                             sorted(texts.items()))

    def test_long_strings(self):
        for size in (255, 1024, 4095, 4096, 65536, 300000, 3 << 20):
            text = "\xe9" + "a" * size
            wide = "\U0001f600" + "\u20ac" * size
            payload = [text, "a" * size, wide, ""]
            self.assertEqual(tideconv.new_list_str(payload), payload)
            self.assertEqual(tideconv.new_list_linked_str(payload), payload)
            self.assertEqual(tideconv.new_set_str(set(payload)), set(payload))
            both = {text.encode(): b"x" * size, b"": wide.encode()}
            self.assertEqual(tideconv.new_dict_bytes_bytes(both), both)
            self.assertEqual(tideconv.new_dict_ordered_bytes_bytes(both), both)

    def test_large_results_in_huge_pages(self):
        """Large enough for the heap and the arenas to be grown in huge pages, again and again."""
        if cells.LARGEST < 20:
            self.skipTest("a variant of the build")
        small = [b"%0100d" % i for i in range(100000)]
        large = ["%01200d" % i for i in range(70000)]
        for _ in range(3):
            result = tideconv.new_list_bytes(small)
            self.assertEqual(result, small)
            other = tideconv.new_list_str(large)
            self.assertEqual(other, large)
            del result
            self.assertEqual(tideconv.new_set_str(set(large)), set(large))
            self.assertEqual(other, large)


class Collisions(unittest.TestCase):
    """What Python holds equal, or equal to nothing."""

    def test_each_nan_is_kept(self):
        nans = [cells.nan_with(i) for i in range(1, 50)] + [float("nan") for _ in range(50)]
        self.assertEqual(len(tideconv.new_set_float(set(nans))), 99)
        payload = {nan: i for i, nan in enumerate(nans)}
        self.assertEqual(list(tideconv.new_dict_float_int(payload).values()), list(range(99)))
        ordered = tideconv.new_dict_ordered_float_int({1.0: -1, **payload, float("inf"): -2})
        self.assertEqual(list(ordered.values())[:2], [-1, -2])
        self.assertEqual(sorted(ordered.values())[2:], list(range(99)))

    def test_many_nans_are_not_quadratic(self):
        payload = [float("nan") for _ in range(200000)]
        self.assertEqual(len(tideconv.new_list_float(payload)), len(payload))
        kept = {complex(i, float("nan")) for i in range(20000)}
        self.assertEqual(len(tideconv.new_set_complex(kept)), len(kept))

    def test_zeros_are_equal_and_keep_their_sign(self):
        for zero in (0.0, -0.0):
            for function in (tideconv.new_set_float, tideconv.new_frozenset_float):
                make = set if function is tideconv.new_set_float else frozenset
                (back,) = function(make([zero]))
                self.assertEqual(str(back), str(zero))
            (key,) = tideconv.new_dict_ordered_float_int({zero: 1, 5.0: 2}.keys() and {zero: 1})
            self.assertEqual(str(key), str(zero))

    def test_one_and_true_and_one_point_zero(self):
        """One type a container: the others are refused, not converted."""
        self.assertEqual(list(map(type, tideconv.new_set_int({1}))), [int])
        for function, alien in ((tideconv.new_set_int, True), (tideconv.new_set_int, 1.0),
                                (tideconv.new_set_bool, 1), (tideconv.new_set_float, 1)):
            with self.assertRaises(TypeError):
                function({alien})

    def test_hashes_are_those_of_new_objects(self):
        """Cached hashes are carried along: they must be the right ones."""
        for payload in ({b"abc", b"", b"x" * 100}, {"abc", "", "\u20ac" * 50}):
            name = type(next(iter(payload))).__name__
            for x in payload:
                hash(x)
            result = getattr(tideconv, "new_set_" + name)(payload)
            for x in result:
                fresh = bytes(bytearray(x)) if name == "bytes" else (x + "z")[:-1]
                self.assertEqual(hash(x), hash(fresh))
                self.assertIn(fresh, result)


class Results(unittest.TestCase):
    """Sets and dicts that come back are CPython's own in every use."""

    def sizes(self, kind):
        """Around where a dict is first given room, and for each width of its index."""
        large = (30000, 44000) if kind in ("int", "str") and cells.LARGEST >= 9 else ()
        return (1, 5, 6, 16, 17, 18, 85, 86, 300) + large

    def lookups(self, result, present, absent):
        for key in present:
            self.assertIn(key, result)
        for key in absent:
            self.assertNotIn(key, result)

    def keys(self, kind, count):
        """Distinct keys twice over, equal but not the same objects, and as many others."""
        return ([cells.distinct(kind, i) for i in range(count)],
                [cells.distinct(kind, i) for i in range(count)],
                [cells.distinct(kind, i) for i in range(count, 2 * count)])

    def test_dicts(self):
        for kind in ("int", "float", "bytes", "str"):
            for count in self.sizes(kind):
                keys, same, others = self.keys(kind, count)
                payload = dict(zip(keys, range(count)))
                for native in ("hash", "ordered"):
                    result = getattr(tideconv, "new_dict_%s_%s_int" % (native, kind))(payload)
                    self.lookups(result, same, others)
                    self.use_dict(result, payload, same, others)

    def use_dict(self, result, payload, same, others):
        self.assertEqual(result.copy(), payload)
        expected = dict(payload)
        for d in (result, expected):
            for key in same[::3]:
                del d[key]
            d.update(zip(others, range(len(others))))
            d.update(zip(same, range(len(same))))
            d[None] = d[1.25] = "other types"
        self.assertEqual(result, expected)
        for key in others:
            del result[key]
        self.lookups(result, same, others)
        result.clear()
        self.assertEqual(result, {})

    def test_sets(self):
        for kind in ("int", "float", "bytes", "str"):
            for count in self.sizes(kind):
                keys, same, others = self.keys(kind, count)
                frozen = getattr(tideconv, "new_frozenset_" + kind)(frozenset(keys))
                self.assertEqual(hash(frozen), hash(frozenset(same)))
                result = getattr(tideconv, "new_set_" + kind)(set(keys))
                self.lookups(result, same, others)
                result -= set(same[::3])
                result.update(others, same, (None,))
                self.assertEqual(result, set(keys) | set(others) | {None})
                for key in others:
                    result.remove(key)
                self.lookups(result, same, others)

    def test_keys_whose_hashes_meet(self):
        """Ints that share the low bits of their hashes, or all of them."""
        for count in (100, 3000):
            for step in (2 ** 20, 2 ** 32, 2 ** 61 - 1):
                keys = [i * step for i in range(count) if i * step < 2 ** 63]
                result = tideconv.new_set_int(set(keys))
                self.lookups(result, keys, [key + 1 for key in keys])
                for native in (tideconv.new_dict_int_int, tideconv.new_dict_ordered_int_int):
                    result = native(dict(zip(keys, keys)))
                    self.lookups(result, keys, [key + 1 for key in keys])


class Examples(unittest.TestCase):
    def test_list_x2(self):
        self.assertEqual(tideconv.list_x2([1, -2, 2 ** 62 - 1]), [2, -4, 2 ** 63 - 2])
        self.assertEqual(tideconv.list_x2([1.5, -2.0]), [3.0, -4.0])
        self.assertEqual(tideconv.list_x2([]), [])
        self.assertRaises(OverflowError, tideconv.list_x2, [1, 2 ** 62])
        self.assertRaises(TypeError, tideconv.list_x2, ["a"])

    def test_tuple_reverse(self):
        for payload in ((), (1,), (1, 2), tuple("abcde"), (b"x" * 5000, b"", b"z")):
            self.assertEqual(tideconv.tuple_reverse(payload), payload[::-1])
        large = tuple(b"%0100d" % i for i in range(50000))
        self.assertEqual(tideconv.tuple_reverse(large), large[::-1])

    def test_dict_inc(self):
        self.assertEqual(tideconv.dict_inc({"a": 1, "b": -1}), {"a": 2, "b": 0})
        self.assertEqual(tideconv.dict_inc({1.5: 0.5}), {1.5: 1.5})
        self.assertEqual(tideconv.dict_inc({}), {})
        self.assertRaises(OverflowError, tideconv.dict_inc, {"a": 2 ** 63 - 1})

    def test_names_and_help(self):
        for name, python, kinds in cells.cells():
            function = getattr(tideconv, name)
            self.assertIn(python, function.__doc__)
            for kind in kinds:
                self.assertIn(kind, function.__doc__)
            self.assertEqual(function.__text_signature__, "($module, %s, /)" % python)
            short = name.replace("_array_", "_").replace("_hash_", "_")
            self.assertTrue(callable(getattr(tideconv, short)))


if __name__ == "__main__":
    unittest.main()
