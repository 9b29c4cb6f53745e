"""An asv suite as others write them: nothing in it knows Tidemark. It allocates up to 96 MiB."""

import time

import an_extension_that_is_not_installed_where_suites_are_described
from an_extension_that_is_not_installed_where_suites_are_described import thing

MIB = 1 << 20


def setup(*args):
    global order
    order = ["module"]


def time_nothing():
    time.sleep(0)


def mem_nothing():
    return [0]


def track_nothing():
    return 1


def peakmem_flat(n):
    return bytearray(n * MIB)


peakmem_flat.params = [32, 8]
peakmem_flat.timeout = 12.5
peakmem_flat.pretty_name = "One flat buffer"


class Suite:
    """Methods, their own setup, parameters without names."""

    params = ([16, 64], ["zero", "one"], [None, dict, (1, 2)])

    def setup(self, n, fill, kind):
        assert order == ["module"]
        order.append("suite")
        self.fill = {"zero": 0, "one": 1}[fill]

    def teardown(self, n, fill, kind):
        assert self.result == n * MIB

    def time_suite(self, n, fill, kind):
        pass

    def peakmem_fill(self, n, fill, kind):
        assert order == ["module", "suite"]
        assert kind in (None, dict, (1, 2))
        self.result = len(bytes([self.fill]) * (n * MIB))

    peakmem_fill.param_names = ["n"]


class Cached:
    """setup_cache: made once, elsewhere; its result is the first argument."""

    params = [1, 2]
    param_names = ["times"]

    def setup_cache(self):
        with open("made", "w") as file:
            file.write("here")
        self.wasted = bytearray(512 * MIB)
        return {"size": 8 * MIB}

    def setup(self, cache, times):
        with open("made") as file:
            assert file.read() == "here"

    def peakmem_cached(self, cache, times):
        return [b"x" * cache["size"] for _ in range(times)]


class _Private:
    def peakmem_private(self):
        raise AssertionError("is not to be found")


class Inherited(Cached):
    def PeakMemOld(self, cache, times):
        return bytearray(cache["size"])


class Skipped:
    def setup(self):
        raise NotImplementedError("not on this machine")

    def peakmem_skipped(self):
        raise AssertionError("is not to be run")
