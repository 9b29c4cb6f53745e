"""The documented examples do what they say."""

import datetime
import random
import unittest

import dates
import scale


class Scale(unittest.TestCase):
    def test_scale(self):
        self.assertEqual(scale.scale([1.0, -2.5], 2.0), [2.0, -5.0])
        self.assertEqual(scale.scale([], 2.0), [])
        self.assertRaises(TypeError, scale.scale, [1], 2.0)


class Dates(unittest.TestCase):
    def setUp(self):
        rng = random.Random(1)
        self.dates = [datetime.date.fromordinal(rng.randrange(1, 3652060)) for _ in range(5000)]
        self.dates += [datetime.date.min, datetime.date.max]

    def test_sequences(self):
        self.assertEqual(dates.new_list_array_date(self.dates), self.dates)
        self.assertEqual(dates.new_tuple_linked_date(tuple(self.dates)), tuple(self.dates))
        self.assertEqual(dates.new_list_array_date([]), [])

    def test_sets_and_dicts(self):
        self.assertEqual(dates.new_set_hash_date(set(self.dates)), set(self.dates))
        named = {date: str(date) for date in self.dates}
        self.assertEqual(list(dates.new_dict_hash_date_str(named).items()), list(named.items()))
        paired = dict(zip(self.dates, reversed(self.dates)))
        self.assertEqual(list(dates.new_dict_ordered_date_date(paired).items()),
                         sorted(paired.items()))

    def test_errors(self):
        with self.assertRaisesRegex(TypeError, "list item 1: expected date, got str"):
            dates.new_list_array_date([datetime.date.min, "today"])
        with self.assertRaisesRegex(TypeError, "expected date, got datetime.datetime"):
            dates.new_set_hash_date({datetime.datetime(2000, 1, 1)})


if __name__ == "__main__":
    unittest.main()
