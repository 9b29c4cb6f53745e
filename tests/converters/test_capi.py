"""The C interface as C uses it, and a type of a user's that owns memory."""

import unittest

import capi_test


class Interface(unittest.TestCase):
    def test_arrays(self):
        for payload in ([], [b"x"], [b"%d" % i * 100 for i in range(3000)]):
            self.assertIsNone(capi_test.arrays(payload))

    def test_linkeds(self):
        for count in (3, 4, 1000):
            payload = tuple("%d\u20ac" % i for i in range(count))
            expected = ("word", "word") + payload[1:-1][::-1] + ("word",)
            self.assertEqual(capi_test.linkeds(payload), expected)

    def test_hashes(self):
        for count in (0, 1, 8, 9, 1000):
            result = capi_test.hashes({i * 7 - 50: b"%d" % i for i in range(count)})
            self.assertEqual(result, {i: b"value %d" % i for i in range(5000)})

    def test_ordereds(self):
        for count in (1, 2, 3, 1000):
            payload = {"key %d" % (i * 7919 % count): i for i in range(count)}
            result = capi_test.ordereds(payload)
            self.assertEqual(list(result), [""] + sorted(payload) + ["zzzz"])


class Boxed(unittest.TestCase):
    def tearDown(self):
        self.assertEqual(capi_test.live_boxes(), 0)

    def test_round_trips(self):
        for count in (0, 1, 2, 99):
            numbers = [i + 1000 for i in range(count)]
            self.assertEqual(capi_test.boxed("array", numbers), numbers)
            self.assertEqual(capi_test.boxed("linked", numbers), numbers)
            self.assertEqual(capi_test.boxed("hash", set(numbers)), set(numbers))
            pairs = {n: n + 1 for n in numbers}
            self.assertEqual(list(capi_test.boxed("hash", pairs).items()), list(pairs.items()))
            self.assertEqual(list(capi_test.boxed("ordered", pairs).items()),
                             sorted(pairs.items(), key=lambda pair: pair[0] % 100))

    def test_keys_that_meet_natively(self):
        """The first key and the last value stay, as where keys meet in a dict."""
        pairs = {1: 10, 2: 20, 101: 30, 201: 40}
        self.assertEqual(list(capi_test.boxed("hash", pairs).items()), [(1, 40), (2, 20)])
        self.assertEqual(list(capi_test.boxed("ordered", pairs).items()), [(1, 40), (2, 20)])
        many = {i: i for i in range(20, 5020)}
        for native in ("hash", "ordered"):
            result = capi_test.boxed(native, many)
            self.assertEqual(sorted(result), list(range(20, 120)))
            self.assertEqual(sorted(result.values()), list(range(4920, 5020)))
        self.assertEqual(capi_test.boxed("hash", {7, 107, 207}) <= {7, 107, 207}, True)

    def test_failures_of_callbacks(self):
        for count in (0, 1, 50):
            good = list(range(100, 100 + count))
            for bad in (13, 666):
                for native in ("array", "linked"):
                    self.assertRaises(LookupError, capi_test.boxed, native, good + [bad])
                self.assertRaises(LookupError, capi_test.boxed, "hash", set(good + [bad]))
                for native in ("hash", "ordered"):
                    pairs = {n: n for n in good}
                    self.assertRaises(LookupError, capi_test.boxed, native, {**pairs, bad: 1})
                    self.assertRaises(LookupError, capi_test.boxed, native, {**pairs, 1: bad})
            self.assertRaises(TypeError, capi_test.boxed, "array", good + ["text"])
            self.assertRaises(TypeError, capi_test.boxed, "ordered", {1: 1, 2: "text"})


if __name__ == "__main__":
    unittest.main()
