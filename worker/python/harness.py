"""Drives one scenario from setup to teardown, and describes scenario files.

    (in tidemark-worker)       harness.py run SCENARIO NAME MODULE PARAMS
    PYTHON -I -B harness.py describe FILE...

`run` is executed by tidemark-worker, in the interpreter whose memory is measured. What it imports
counts into the base of every run and differs between Python releases, so it gets along with
built-in modules: no json, no importlib, no traceback until something has failed.

`describe` is executed by a plain interpreter, without worker, instrument or any extension. It
prints one JSON array: what scenarios there are in the files, and their parameters.

A scenario is a function `peakmem_*`, by asv's conventions: `params`, `param_names`, `setup` and
`teardown` are attributes of the function or else of its module. Ours, found alike: `module` (the
module under test), `expected(*params)` (bytes of original, container and result, counted from
below), `demo` (parameters of a quick run), `limits` (smallest and largest value of each parameter).
"""

import gc
import sys

PREFIX = "peakmem_"
# Memory that the interpreter and malloc hold free at the base, and that new objects may fill before
# RSS rises: arenas of the object allocator (1 MiB from 3.10 on) and what malloc keeps on top.
SLACK = 2 << 20
MESSAGE_MAX, TRACE_MAX = 1000, 4200  # characters: at twelve bytes each they fit one record


class ScenarioError(Exception):
    """The scenario cannot be run or measured as it stands; the message says why."""


def load(path):
    """Execute a scenario file as the module `scenario`."""
    with open(path, "rb") as file:
        source = file.read()
    module = type(sys)("scenario")
    module.__file__ = path
    sys.modules["scenario"] = module
    exec(compile(source, path, "exec"), module.__dict__)
    return module


def attribute(module, function, name, default=None):
    """An attribute of the scenario's function, else of its module, as asv looks it up."""
    return getattr(function, name, getattr(module, name, default))


def parameters(module, function):
    """The pairs (name, values) of a scenario. asv takes a flat list for a single parameter."""
    params = attribute(module, function, "params", [])
    names = attribute(module, function, "param_names", None)
    if params and not isinstance(params[0], (list, tuple)):
        params = [params]
    if names is None:
        names = ["param%d" % (i + 1) for i in range(len(params))]
    if len(names) != len(params):
        raise ScenarioError("%d param_names for %d params" % (len(names), len(params)))
    for name, values in zip(names, params):
        if not values:
            raise ScenarioError("params of %s is empty" % name)
    return list(zip(names, params))


# ---- run ----


def quote(text):
    """A JSON string. Lone surrogates and NUL become U+FFFD: decoders do not agree on them."""
    out = []
    for c in text:
        n = ord(c)
        if c in '"\\':
            out.append("\\" + c)
        elif 0x20 <= n < 0x7F:
            out.append(c)
        elif n > 0xFFFF:
            n -= 0x10000
            out.append("\\u%04x\\u%04x" % (0xD800 | n >> 10, 0xDC00 | n & 0x3FF))
        else:
            out.append("\\u%04x" % (0xFFFD if n == 0 or 0xD800 <= n <= 0xDFFF else n))
    return '"%s"' % "".join(out)


def arguments(module, function, text):
    """The values of the parameters, in order: those of the JSON object, else the first ones."""
    # JSON is Python but for three words. The json module would cost the base some 400 KiB, other in
    # each release. The text is not a stranger's: the daemon has parsed it as JSON before.
    given = eval(text, {"__builtins__": {}, "true": True, "false": False, "null": None})
    if not isinstance(given, dict):
        raise ScenarioError("the parameters are no JSON object")
    pairs = parameters(module, function)
    unknown = sorted(set(given) - {name for name, _ in pairs})
    if unknown:
        raise ScenarioError("no parameter named %s" % ", ".join(unknown))
    return tuple([given.get(name, values[0]) for name, values in pairs])


def memory_available():
    """MemAvailable in bytes (proc_meminfo(5)), None when the kernel does not tell."""
    try:
        with open("/proc/meminfo", "rb") as file:
            for line in file:
                if line.startswith(b"MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return None


def check_memory(expected):
    needed, available = sum(expected), memory_available()
    if available is not None and needed > available:
        raise ScenarioError(
            "the scenario holds %d MiB at its peak and %d MiB are available: "
            "choose smaller parameters" % (needed >> 20, available >> 20)
        )


def check_payload(tidemark, original):
    """Where less memory came than the payload has bytes, its objects are not distinct."""
    base, reached = tidemark._rss_at("base"), tidemark._rss_at("original")
    if reached is None or reached - base + SLACK >= original:
        return
    raise ScenarioError(
        "the payload is not made of distinct objects: it counts %d bytes and RSS rose by %d "
        "(from %d to %d)" % (original, reached - base, base, reached)
    )


def measure(tidemark, path, name, text):
    module = load(path)
    function = getattr(module, PREFIX + name, None)
    if function is None:
        raise ScenarioError("no function %s%s in %s" % (PREFIX, name, path))
    params = arguments(module, function, text)
    expected = attribute(module, function, "expected")
    setup = attribute(module, function, "setup")
    teardown = attribute(module, function, "teardown")
    floor = None
    if expected is not None:
        floor = tuple([int(size) for size in expected(*params)])
        tidemark.meta("expected", '{"original":%d,"container":%d,"result":%d}' % floor)
        check_memory(floor)
    if setup is not None:
        setup(*params)
    gc.collect()
    tidemark.mark("base")
    try:
        tidemark._trace(function, params)
    finally:
        if teardown is not None:
            teardown(*params)
        gc.collect()
        tidemark.mark("end")
    if floor is not None:
        check_payload(tidemark, floor[0])


def report(tidemark, error):
    """META "error". The traceback keeps its end, where the cause stands."""
    import traceback

    lines = traceback.format_exception(type(error), error, error.__traceback__)
    message, trace = str(error)[:MESSAGE_MAX], "".join(lines)[-TRACE_MAX:]
    text = (quote(type(error).__name__[:200]), quote(message), quote(trace))
    tidemark.meta("error", '{"type":%s,"message":%s,"traceback":%s}' % text)
    sys.stderr.write("".join(lines))


def run(path, name, _module, text):
    import tidemark

    try:
        measure(tidemark, path, name, text)
    except BaseException as error:  # SystemExit too: who leaves early has not been measured
        report(tidemark, error)
        return 1
    return 0


# ---- describe ----


def stand_in():
    """The module `tidemark` for scenario files that are looked at, not run."""
    module = type(sys)("tidemark")
    module.mark = lambda name, value=0: None
    module.iterations = range
    return module


def type_of(name, value):
    for kind, word in ((bool, "boolean"), (int, "integer"), (float, "number"), (str, "string")):
        if isinstance(value, kind):
            return word
    raise ScenarioError("parameter %s is %s, not an integer, number, string or boolean"
                        % (name, type(value).__name__))


def describe_parameter(name, values, demo, limits):
    described = {"name": name, "type": type_of(name, values[0]), "default": values[0]}
    described["demo"] = demo.get(name, values[0])
    if type_of(name, described["demo"]) != described["type"]:
        raise ScenarioError("parameter %s: demo and default differ in type" % name)
    if name in limits:
        described["minimum"], described["maximum"] = limits[name]
    return described


def describe_function(path, module, name, function):
    import inspect

    text = inspect.getdoc(function) or inspect.getdoc(module) or ""
    title, _, rest = text.strip().partition("\n")
    demo = attribute(module, function, "demo", {})
    limits = attribute(module, function, "limits", {})
    pairs = parameters(module, function)
    for word, given in (("demo", demo), ("limits", limits)):
        unknown = sorted(set(given) - {key for key, _ in pairs})
        if unknown:
            raise ScenarioError("%s names no parameter: %s" % (word, ", ".join(unknown)))
    return {
        "name": name[len(PREFIX):],
        "file": path,
        "title": title.strip(),
        "description": rest.strip(),
        "module": attribute(module, function, "module", "") or "",
        "params": [describe_parameter(key, values, demo, limits) for key, values in pairs],
    }


def describe_file(path):
    module = load(path)
    found = [(name, value) for name, value in sorted(vars(module).items())
             if name.startswith(PREFIX) and callable(value)]
    if not found:
        raise ScenarioError("no function named %s..." % PREFIX)
    return [describe_function(path, module, name, function) for name, function in found]


def describe(paths):
    import json

    out, sys.stdout = sys.stdout, sys.stderr  # a file that prints must not spoil the answer
    sys.modules["tidemark"] = stand_in()
    described = []
    for path in paths:
        try:
            found = describe_file(path)
            json.dumps(found, allow_nan=False)
            described += found
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            described.append({"file": path, "error": "%s: %s" % (type(error).__name__, error)})
    json.dump(described, out, allow_nan=False)
    out.write("\n")
    return 0


def main(argv):
    if len(argv) == 5 and argv[0] == "run":
        return run(*argv[1:])
    if len(argv) >= 2 and argv[0] == "describe":
        return describe(argv[1:])
    sys.stderr.write(__doc__)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
