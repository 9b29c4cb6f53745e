"""What goes wrong is a Python exception that says where; nothing is changed, lost or kept."""

import gc
import signal
import sys
import threading
import time
import unittest

import cells
import tideconv

WRONG = {"bool": 1, "int": True, "float": 1, "complex": 1.0, "bytes": "text", "bytearray": b"x",
         "str": b"x"}


class Sub(int):
    pass


class WrongArguments(unittest.TestCase):
    def test_wrong_container(self):
        """Other containers, and subclasses, which would lose their type."""
        subclasses = {"list": type("L", (list,), {}), "tuple": type("T", (tuple,), {}),
                      "set": type("S", (set,), {}), "frozenset": type("F", (frozenset,), {}),
                      "dict": type("D", (dict,), {})}
        for name, python, _ in cells.cells():
            for alien in (None, 5, "text", range(3), subclasses[python]()):
                with self.assertRaisesRegex(TypeError, "expected a %s, got " % python):
                    getattr(tideconv, name)(alien)

    def test_wrong_element_is_named(self):
        for name, python, kinds in cells.cells():
            for column, kind in enumerate(kinds):
                for count in (0, 1, 200):
                    columns = [[cells.distinct(k, i) for i in range(count + 1)] for k in kinds]
                    columns[column][count] = WRONG[kind]
                    self.check_wrong(name, python, columns, column, kind)

    def check_wrong(self, name, python, columns, column, kind):
        if python == "dict":
            payload = dict(zip(*columns))
            where = "value of dict key " if column else "dict key "
        elif python in ("list", "tuple"):
            payload = cells.MAKE[python](columns[0])
            where = "%s item %d: " % (python, len(columns[0]) - 1)
        else:
            payload = cells.MAKE[python](columns[0][-1:] + columns[0][:-1])
            where = python + " element "
        with self.assertRaises(TypeError) as caught:
            getattr(tideconv, name)(payload)
        message = str(caught.exception)
        self.assertTrue(message.startswith(where), message)
        self.assertTrue(message.endswith("expected %s, got %s" % (
            kind, type(WRONG[kind]).__name__)), message)

    def test_int_out_of_range(self):
        for value in (2 ** 63, -(2 ** 63) - 1, 10 ** 100, -(10 ** 100)):
            with self.assertRaisesRegex(OverflowError, "list item 2: int does not fit in 64 bits"):
                tideconv.new_list_int([1, 2, value])
            with self.assertRaisesRegex(OverflowError, "value of dict key 'k': int does not fit"):
                tideconv.new_dict_str_int({"k": value})
            self.assertRaises(OverflowError, tideconv.new_set_int, {value})
            self.assertRaises(OverflowError, tideconv.new_dict_ordered_int_int, {value: 1})
        self.assertEqual(tideconv.list_x2([3]), [6])  # nothing is left over for a later statement

    def test_surrogates(self):
        for text, at in (("\ud800", 0), ("ab\udfff", 2), ("\U0001f600\udc80", 1)):
            with self.assertRaisesRegex(ValueError, "tuple item 1: surrogate U.* character %d" % at):
                tideconv.new_tuple_str(("fine", text))
            self.assertRaises(ValueError, tideconv.new_dict_ordered_str_int, {text: 1})
            self.assertRaises(ValueError, tideconv.new_set_str, {text})

    def test_subclass_of_element(self):
        self.assertRaises(TypeError, tideconv.new_list_int, [Sub(1)])

    def test_repr_that_fails_or_destroys(self):
        class Key(str):
            def __repr__(self):
                payload.clear()
                raise KeyError("repr")

        payload = {Key("k"): 1}
        self.assertRaises((TypeError, KeyError), tideconv.new_dict_str_int, payload)
        payload = {Key("k"): 1}
        self.assertRaises((TypeError, KeyError), tideconv.new_dict_ordered_str_int, payload)


class References(unittest.TestCase):
    """No reference is lost or kept, whether a conversion succeeds or fails."""

    def payload(self, python, kinds, last=None):
        """300 elements that nothing else refers to (but for bool), and one that is wrong."""
        columns = [[cells.distinct(kind, i) for i in range(300)] for kind in kinds]
        if last:
            columns = [column + [last] for column in columns]
        return dict(zip(*columns)) if python == "dict" else cells.MAKE[python](columns[0])

    def counts(self, payload):
        objects = list(payload) + (list(payload.values()) if isinstance(payload, dict) else [])
        counts = [sys.getrefcount(x) for x in objects if not isinstance(x, bool)]
        return counts + [sys.getrefcount(payload)]

    def test_success(self):
        for name, python, kinds in cells.cells():
            payload = self.payload(python, kinds)
            before = self.counts(payload)
            for _ in range(3):
                getattr(tideconv, name)(payload)
            self.assertEqual(self.counts(payload), before, name)

    def test_failure(self):
        for name, python, kinds in cells.cells():
            payload = self.payload(python, kinds, last=Exception)
            before = self.counts(payload)
            for _ in range(3):
                self.assertRaises(TypeError, getattr(tideconv, name), payload)
            self.assertEqual(self.counts(payload)[:300], before[:300], name)

    @unittest.skipUnless(hasattr(sys, "gettotalrefcount"), "needs a debug build of CPython")
    def test_total_of_all_references(self):
        def everything():
            for name, python, kinds in cells.cells():
                getattr(tideconv, name)(cells.container(python, kinds, 50))

        everything()
        totals = []
        for _ in range(4):
            everything()
            gc.collect()
            totals.append(sys.gettotalrefcount())
        self.assertLess(max(totals) - min(totals), 20, totals)


class Interrupted(Exception):
    pass


class Signals(unittest.TestCase):
    """A handler runs in the middle of a conversion, whatever it does."""

    def run_with(self, handler, name, payload, after=0.002):
        def handle(signum, frame):
            handler()

        old = signal.signal(signal.SIGALRM, handle)
        signal.setitimer(signal.ITIMER_REAL, after)
        try:
            return getattr(tideconv, name)(payload)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, old)

    def test_interrupt_answers_soon(self):
        def interrupt():
            fired.append(time.perf_counter())
            raise Interrupted()

        count, tries = (300000, 20) if cells.LARGEST >= 20 else (100000, 12)
        for name, python, kinds in (("new_list_array_int", "list", ("int",)),
                                    ("new_tuple_linked_str", "tuple", ("str",)),
                                    ("new_set_hash_bytes", "set", ("bytes",)),
                                    ("new_dict_hash_float_str", "dict", ("float", "str")),
                                    ("new_dict_ordered_bytes_int", "dict", ("bytes", "int"))):
            payload = cells.container(python, kinds, count)
            whole = time.perf_counter()
            getattr(tideconv, name)(payload)
            whole = time.perf_counter() - whole
            caught, lags = 0, []
            for i in range(tries):
                fired, start = [], time.perf_counter()
                after = whole * (i + 1) / (2 * tries)
                try:
                    self.run_with(interrupt, name, payload, max(after, 0.0005))
                except Interrupted:
                    caught += 1
                    lags.append(fired[0] - start - after)
            self.assertGreater(caught, tries // 4, name)
            # The machine may be busy: what counts is that it does not wait for the end.
            self.assertLess(sorted(lags)[len(lags) // 4], 0.02, name)

    def test_containers_changed_by_a_handler(self):
        for name, python, kinds in cells.cells():
            if python in ("tuple", "frozenset") or kinds == ("bool",) or len(set(kinds)) > 1:
                continue
            whole = cells.container(python, kinds, 60000)
            for change in ("clear", "pop", "grow"):
                self.check_changed(name, python, whole.copy(), change)

    def check_changed(self, name, python, payload, change):
        def handler():
            changed.append(1)
            if change == "clear":
                payload.clear()
            elif change == "pop":
                payload.popitem() if python == "dict" else payload.pop()
            elif python == "list":
                payload.extend(payload[:100000])
            elif python == "set":
                payload.update(range(100000))
            else:
                payload.update((i, i) for i in range(100000))

        changed = []
        before = len(payload)
        try:
            result = self.run_with(handler, name, payload, 0.001)
        except RuntimeError as error:
            self.assertIn("changed during conversion", str(error))
            self.assertTrue(changed)
        except TypeError:
            self.assertEqual(change, "grow")  # by ints, just before the conversion began
        else:
            # On a busy machine the handler may run just before the conversion, or after it.
            self.assertIn(len(result), (before, len(payload)))

    def test_elements_replaced_by_another_thread(self):
        """A handler lets other threads in, which swap the very objects that are being read."""
        payload = [b"%050d" % i for i in range(200000)]
        stop = threading.Event()

        def swap():
            while not stop.is_set():
                for i in range(0, len(payload), 997):
                    payload[i] = b"swapped %d" % i

        thread = threading.Thread(target=swap)
        thread.start()
        try:
            for _ in range(10):
                result = self.run_with(lambda: time.sleep(0.002), "new_list_bytes", payload)
                self.assertEqual(len(result), len(payload))
                self.assertEqual({type(x) for x in result}, {bytes})
        finally:
            stop.set()
            thread.join()


if __name__ == "__main__":
    unittest.main()
