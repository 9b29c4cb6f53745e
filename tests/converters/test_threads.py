"""Threads that convert at once, also while another one changes what is read.

With the GIL that is a test of little; a variant of the build runs it on every free-threaded Python
that is found, with the GIL off.
"""

import os
import subprocess
import sys
import sysconfig
import threading
import unittest

import cells
import tideconv

THREADS = 4
ROUNDS = 20 if cells.LARGEST >= 9 else 3


def in_threads(*functions):
    """Run the functions at once; the exceptions that they raised."""
    raised = []
    barrier = threading.Barrier(len(functions))

    def guarded(function):
        barrier.wait()
        try:
            function()
        except BaseException as error:  # handed to the caller
            raised.append(error)

    threads = [threading.Thread(target=guarded, args=(f,)) for f in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


class Threads(unittest.TestCase):
    @unittest.skipUnless(sysconfig.get_config_var("Py_GIL_DISABLED"), "this Python has a GIL")
    def test_that_the_gil_is_off(self):
        self.assertFalse(sys._is_gil_enabled())
        # PYTHON_GIL=0 keeps it off whatever is imported; the module itself must not turn it on.
        environment = {k: v for k, v in os.environ.items() if k != "PYTHON_GIL"}
        ask = "import sys, tideconv; sys.exit(sys._is_gil_enabled())"
        self.assertEqual(subprocess.call([sys.executable, "-c", ask], env=environment), 0)

    def test_all_cells_on_shared_containers(self):
        for name, python, kinds in cells.cells():
            payload = cells.container(python, kinds, 300)
            image = cells.image(payload)
            results = []
            raised = in_threads(*[lambda: results.append(getattr(tideconv, name)(payload))]
                                * THREADS)
            self.assertEqual(raised, [], name)
            self.assertEqual([cells.image(result) for result in results], [image] * THREADS)

    def while_changing(self, convert, allowed, change):
        """Convert again and again while another thread changes the container."""
        stop = threading.Event()

        def reader():
            try:
                for _ in range(ROUNDS):
                    try:
                        result = convert()
                    except RuntimeError as error:
                        assert "changed" in str(error), error
                    else:
                        assert set(result) <= allowed
            finally:
                stop.set()

        def writer():
            while not stop.is_set():
                change()

        self.assertEqual(in_threads(reader, writer, writer), [])

    def test_lists_that_change(self):
        allowed = {"%05d" % i for i in range(2000)}
        shared = sorted(allowed)

        def change():
            try:
                shared.append(shared.pop(0))
            except IndexError:
                pass

        for native in (tideconv.new_list_array_str, tideconv.new_list_linked_str):
            self.while_changing(lambda: native(shared), allowed, change)

    def test_sets_that_change(self):
        allowed = {b"%05d" % i for i in range(2000)}
        shared = set(allowed)

        def change():
            try:
                shared.add(shared.pop())
            except KeyError:
                pass

        self.while_changing(lambda: tideconv.new_set_bytes(shared), allowed, change)

    def test_dicts_that_change(self):
        allowed = {"%05d" % i for i in range(2000)}
        shared = {key: key for key in allowed}

        def change():
            try:
                key, value = shared.popitem()
                shared["%05d" % int(key)] = value
            except KeyError:
                pass

        for native in (tideconv.new_dict_hash_str_str, tideconv.new_dict_ordered_str_str):
            self.while_changing(lambda: native(shared), allowed, change)

    @unittest.skipIf(sysconfig.get_config_var("Py_GIL_DISABLED") and sys.version_info < (3, 14),
                     "two threads that change one bytearray crash such a CPython by themselves")
    def test_bytearrays_that_change(self):
        shared = bytearray(b"x" * 1000)
        payload = [shared] * 100

        def change():
            shared.extend(b"x" * 5000)
            del shared[1000:]

        def convert():
            return {bytes(x).strip(b"x") for x in tideconv.new_list_bytearray(payload)}

        self.while_changing(convert, {b""}, change)


if __name__ == "__main__":
    unittest.main()
