"""Scenarios for tests/worker, one behaviour each. None has a payload that is counted (0 bytes)."""

import _thread
import gc
import os
import signal
import subprocess
import sys
import time

from tidemark import iterations, mark, meta

MIB = 1 << 20


def setup(*params):
    global tidetest
    import tidetest


# ---- events ----


def measured(items):
    return len(items)


def numbers():
    yield 1
    yield 2


class Box:
    def put(self, item):
        self.items = [item]
        self.items.append(item)


def peakmem_events():
    measured([1])
    for _ in numbers():
        pass
    Box().put(3)
    try:
        tidetest.fail()
    except ValueError:
        pass


def peakmem_names():
    """Names in other scripts, long ones, and ones that are no text at all."""
    space = {}
    exec("def größe_λ(): pass", space)
    space["größe_λ"]()
    function = measured
    for name in ("🌊", "n" * 70000, "\udc80", "a\0b"):
        code = function.__code__.replace(co_name=name)
        if hasattr(code, "co_qualname"):
            code = code.replace(co_qualname=name)
        type(function)(code, globals())([])


def peakmem_many_names():
    """More functions than the table of names holds."""
    code = measured.__code__
    kind = type(measured)
    for line in range(30000):
        kind(code.replace(co_firstlineno=line + 1), globals())(())


def peakmem_many_events(count):
    for _ in iterations(1):
        for _ in range(count):
            abs(1)


peakmem_many_events.params = [[100000]]
peakmem_many_events.param_names = ["count"]


# ---- what every CPython reports alike ----


def wait_for_threads():
    while _thread._count():
        time.sleep(0.01)


def beside(lock):
    measured([2])
    lock.release()


def lines(n):
    total = 0
    for i in range(n):
        total += i
    return total


class Row(list):
    pass


def raise_again():
    try:
        tidetest.fail()
    finally:
        measured([1])


def spread(function, *arguments, **named):
    return function(*arguments, **named)


def peakmem_standard():
    gc.disable()
    measured([1])
    lines(2)
    for _ in numbers():
        pass
    try:
        tidetest.fail()
    except ValueError:
        pass
    thrown = numbers()
    next(thrown)
    try:
        thrown.throw(KeyError)
    except KeyError:
        pass
    try:
        raise_again()
    except ValueError:
        pass
    row = Row()
    row.append(1)
    list.append(row, 2)
    put = row.append
    put(3)
    spread(max, 1, 2)
    spread(sorted, row, reverse=True)
    spread(row.insert, 0, 4)
    "a b".split(sep=" ")
    dict.fromkeys(row)
    gc.collect()
    lock = _thread.allocate_lock()
    lock.acquire()
    _thread.start_new_thread(beside, (lock,))
    lock.acquire()
    wait_for_threads()


def peakmem_foreign(count):
    """Threads that C code makes and lets in: each calls measured()."""
    for _ in range(count):
        tidetest.foreign(measured, [1])


peakmem_foreign.params = [[5]]
peakmem_foreign.param_names = ["count"]


def peakmem_crowd(count):
    """Threads that all live at the same time."""
    import threading
    crowd = threading.Barrier(count + 1)

    def wait():
        crowd.wait()
        measured([1])
        crowd.wait()

    threads = [threading.Thread(target=wait) for _ in range(count)]
    for thread in threads:
        thread.start()
    crowd.wait()
    crowd.wait()
    for thread in threads:
        thread.join()


peakmem_crowd.params = [[140]]
peakmem_crowd.param_names = ["count"]


def peakmem_threading():
    import threading
    threads = [threading.Thread(target=peakmem_grow, args=(20, 4096)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


# ---- recordings and precisions ----


def peakmem_grow(count, size):
    for _ in range(count):
        tidetest.touch(size)
        abs(1)


peakmem_grow.params = [[300], [4096]]
peakmem_grow.param_names = ["count", "size"]


def peakmem_true():
    """RSS as it was at each of many events, while it grows in steps of many sizes."""
    seen = []
    for i in range(400):
        tidetest.touch(4096 << i % 7)
        for _ in range(i % 5):
            abs(1)
        seen.append(tidetest.statm())
    meta("seen", str(seen))


# ---- peaks ----


def peakmem_large_peak():
    tidetest.peak(128 * MIB)



def peakmem_peak():
    mark("before")
    tidetest.peak(64 * MIB)
    mark("after")
    mark("quiet")


def peakmem_nested():
    """A peak of 32 MiB in a callback of one call, and one of 16 MiB behind it."""
    def inside():
        tidetest.peak(32 * MIB)

    tidetest.call(inside)
    tidetest.peak(16 * MIB)
    mark("nested")


def peakmem_split():
    """A call that spans a mark: what came before the mark is not of the phase after it."""
    def inside():
        tidetest.peak(32 * MIB)
        mark("middle")

    tidetest.call(inside)
    mark("late")


# ---- endings ----


def peakmem_spin():
    tidetest.spin(300)


def peakmem_crash():
    tidetest.crash(48 * MIB)


def peakmem_kill():
    measured([1])
    os.kill(os.getpid(), signal.SIGKILL)


def peakmem_leave():
    measured([1])
    os._exit(9)


def peakmem_hang():
    measured([1])
    while True:
        pass


class OddError(Exception):
    """What caused it cannot be looked at, which the module traceback does."""

    @property
    def __cause__(self):
        raise ZeroDivisionError


def peakmem_odd_error():
    raise OddError("odd")


def peakmem_error():
    raise ValueError('no "good"\n\udc80 \x00 \u20ac 🌊')


def peakmem_exit():
    sys.exit("early")


def peakmem_children():
    """A child that goes on tracing, one that stays behind, one that leaves the group."""
    child = os.fork()
    if child == 0:
        mark("child")
        measured([1])
        os._exit(0)
    os.waitpid(child, 0)
    left = subprocess.Popen(["sleep", "600"])
    away = subprocess.Popen(["sleep", "600"], start_new_session=True)
    meta("children", "[%d,%d]" % (left.pid, away.pid))
    mark("parent")


def peakmem_family():
    """A child that holds 32 MiB, and a child of a child."""
    code = "import time; held = bytearray(b'x') * (32 << 20); time.sleep(0.5)"
    child = subprocess.Popen([sys.executable, "-I", "-c", code])
    shell = subprocess.Popen(["sh", "-c", "sleep 0.5; true"])
    child.wait()
    shell.wait()
    time.sleep(0.1)
    meta("family", "[%d,%d]" % (child.pid, shell.pid))


def peakmem_exec():
    measured([1])
    os.execv("/bin/sh", ["sh", "-c", "sleep 0.1; exit 7"])


def peakmem_surroundings():
    """What a child of the scenario gets to see."""
    listed = subprocess.run(["ls", "/proc/self/fd"], stdout=subprocess.PIPE, close_fds=False)
    meta("descriptors", "[%s]" % ",".join(listed.stdout.decode().split()))
    meta("ring", "true" if "TIDEMARK_RING_FD" in os.environ else "false")
    meta("input", '"%s"' % os.readlink("/proc/self/fd/0"))
    meta("isolated", "%d" % sys.flags.isolated)
    meta("hash", "%d" % hash("tidemark"))


# ---- payload ----


def peakmem_shared():
    """One constant, held 65,536 times: 64 MiB by count, none by weight."""
    held = [b" " * 1024 for _ in range(65536)]
    mark("original")
    del held


peakmem_shared.expected = lambda: (64 * MIB, 0, 0)


def peakmem_too_large():
    raise AssertionError("ran")


peakmem_too_large.expected = lambda: (1 << 50, 0, 0)


def peakmem_idle():
    time.sleep(30)
