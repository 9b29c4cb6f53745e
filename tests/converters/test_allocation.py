"""The nth allocation fails, for every n, on every cell: MemoryError, and nothing is lost."""

import sys
import sysconfig
import unittest

import cells
import tideconv_hooked

try:
    import _testcapi
except ImportError:
    _testcapi = None


class Allocation(unittest.TestCase):
    def setUp(self):
        self.before = tideconv_hooked.live()

    def payload(self, python, kinds):
        """Enough for an index and for several chunks, objects that nothing else refers to."""
        if python == "dict":
            return {cells.distinct(kinds[0], i): cells.distinct(kinds[1], i) for i in range(40)}
        return cells.MAKE[python](cells.distinct(kinds[0], i) for i in range(40))

    def objects(self, payload):
        return list(payload) + (list(payload.values()) if isinstance(payload, dict) else [])

    def every_failure(self, name, payload, arm, disarm):
        """Fail at 1, 2, 3, ... until nothing fails any more; how many conversions failed."""
        function = getattr(tideconv_hooked, name)
        image = cells.image(payload)
        objects = self.objects(payload)
        counts = [sys.getrefcount(x) for x in objects]
        failures = successes = n = 0
        # The interpreter's own allocations around the call fail too: one success is not the end.
        while successes < 5:
            result = None
            n += 1
            try:
                arm(n)
                result = function(payload)
            except MemoryError:
                pass
            finally:
                disarm()
            failures += result is None
            successes = 0 if result is None else successes + 1
            self.assertEqual(tideconv_hooked.live(), self.before, "%s, %d" % (name, n))
        self.assertEqual(cells.image(result), image)
        self.assertEqual(cells.image(payload), image)
        del result
        if not isinstance(objects[0], bool):
            self.assertEqual([sys.getrefcount(x) for x in objects], counts, name)
        return failures

    def test_of_the_library(self):
        for name, python, kinds in cells.cells():
            failed = self.every_failure(name, self.payload(python, kinds),
                                        tideconv_hooked.fail_at,
                                        lambda: tideconv_hooked.fail_at(0))
            self.assertGreaterEqual(failed, 1, name)

    @unittest.skipUnless(hasattr(_testcapi, "set_nomemory"), "CPython without _testcapi")
    @unittest.skipIf(sysconfig.get_config_var("Py_GIL_DISABLED"),
                     "PyList_New() of a free-threaded CPython frees what is not its own when it fails")
    def test_of_python(self):
        for name, python, kinds in cells.cells():
            failed = self.every_failure(name, self.payload(python, kinds),
                                        lambda n: _testcapi.set_nomemory(n - 1, n),
                                        _testcapi.remove_mem_hooks)
            self.assertGreaterEqual(failed, 1, name)

    def test_of_large_blocks(self):
        """Mappings fail too; what huge pages would have served is served by small ones."""
        payload = [b"%0100d" % i for i in range(30000)]
        for huge in (True, False):
            tideconv_hooked.huge_pages(huge)
            failures = 0
            for n in range(1, 60):
                tideconv_hooked.fail_at(n)
                try:
                    self.assertEqual(tideconv_hooked.new_list_bytes(payload), payload)
                except MemoryError:
                    failures += 1
                finally:
                    tideconv_hooked.fail_at(0)
                if not huge:
                    self.assertEqual(tideconv_hooked.live(), self.before)
            self.before = tideconv_hooked.live()
            self.assertGreater(failures, 0)


if __name__ == "__main__":
    unittest.main()
