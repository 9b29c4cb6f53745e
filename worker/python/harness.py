"""Drives one scenario from setup to teardown, and describes scenario files.

    (in tidemark-worker)       harness.py run SCENARIO NAME MODULE PARAMS
    PYTHON -I -B harness.py describe FILE...
    PYTHON -I -B harness.py need SCENARIO NAME PARAMS

`run` is executed by tidemark-worker, in the interpreter whose memory is measured. What it imports
counts into the base of every run and differs between Python releases, so it gets along with
built-in modules: no json, no importlib, no traceback until something has failed.

`describe` is executed by a plain interpreter, without worker, instrument or any extension. It
prints one JSON array: what scenarios there are in the files, and their parameters. `need`, executed alike,
prints the memory that a scenario says it needs: {"floor": bytes that it counts, "memory": that it states}.

A scenario is a function `peakmem_*`, or such a method of a class, by asv's conventions
(docs/SCENARIOS.md): `params`, `param_names`, `setup_cache`, `timeout` and `pretty_name` are looked up on
the function, then on the object, then in the module; every `setup` and `teardown` found there is
called. Ours, found alike: `module` (the module under test; a list of names where it was renamed),
`expected(*params)` (bytes of original, container and result, counted from below), `memory` (bytes that a
run needs in all, where `expected` cannot tell: a number, or a function of the parameters), `demo` (parameters
of a quick run), `limits` (smallest and largest value of each parameter).
"""

import gc
import sys

PREFIX = "peakmem_"
# Memory that the interpreter and malloc hold free at the base, and that new objects may fill before
# RSS rises: arenas of the object allocator (1 MiB from 3.10 on) and what malloc keeps on top.
SLACK = 2 << 20
TIMEOUT_MAX = 7 * 24 * 3600
MESSAGE_MAX, TRACE_MAX = 1000, 4200  # characters: at twelve bytes each they fit one record


class ScenarioError(Exception):
    """The scenario cannot be run or measured as it stands; the message says why."""


def load(path):
    """Execute a scenario file: as the module `scenario`, or in its package if it is part of one."""
    with open(path, "rb") as file:
        source = file.read()
    folder, _, stem = path.rpartition("/")
    name = "scenario"
    if exists(folder + "/__init__.py"):
        name = import_package(folder) + "." + stem[:-len(".py")]
    module = type(sys)(name)
    module.__file__ = path
    module.__package__ = name.rpartition(".")[0]
    sys.modules[name] = module
    exec(compile(source, path, "exec"), module.__dict__)
    return module


def import_package(folder):
    """Import the package that a suite is, and return its name. The folder it stands in is searched
    for nothing else: a repository's own sources may lie there, which were not built."""
    above, _, package = folder.rpartition("/")
    sys.path.insert(0, above)
    try:
        __import__(package)
    finally:
        sys.path.remove(above)
    return package


def exists(path):
    try:
        open(path, "rb").close()
    except OSError:
        return False
    return True


def is_scenario(name):
    """asv takes both spellings: peakmem_list and PeakMemList."""
    return name.startswith(PREFIX) or name.startswith("PeakMem")


def short_name(name):
    return name[len(PREFIX):] if name.startswith(PREFIX) else name


class Scenario:
    """A function with what stands around it: its object if it is a method, and its module."""

    def __init__(self, module, owner, name):
        holder = module if owner is None else owner()
        self.function = getattr(holder, name)
        self.sources = [self.function, holder] + ([] if owner is None else [module])
        self.name = short_name(name) if owner is None else owner.__name__ + "." + short_name(name)

    def get(self, name, default=None):
        """An attribute, from the innermost place that has it."""
        for source in self.sources:
            if hasattr(source, name):
                return getattr(source, name)
        return default

    def every(self, name):
        """The attribute of every place that has it, innermost first."""
        return [getattr(source, name) for source in self.sources if hasattr(source, name)]

    def parameters(self):
        """The pairs (name, values). asv takes a flat list for a single parameter, and makes up
        the names that are missing."""
        params = list(self.get("params", []))
        names = list(self.get("param_names", []))[:len(params) or None]
        if params and not isinstance(params[0], (list, tuple)):
            params = [params]
        names = names[:len(params)]
        names += ["param%d" % (i + 1) for i in range(len(names), len(params))]
        for name, values in zip(names, params):
            if not values:
                raise ScenarioError("params of %s is empty" % name)
        return [(name, list(values)) for name, values in zip(names, params)]


def find(module, wanted):
    """The scenario of that name: `list_bytes`, or `Suite.list_bytes` for a method."""
    first, dot, last = wanted.rpartition(".")
    owner = getattr(module, first, None) if dot else None
    holder = owner if dot else module
    for name in (PREFIX + last, last):
        if holder is not None and is_scenario(name) and hasattr(holder, name):
            return Scenario(module, owner, name)
    raise ScenarioError("no scenario %s in %s" % (wanted, module.__file__))


def kind_of(value):
    """The type of a value that JSON has a word for, else None."""
    for kind, word in ((bool, "boolean"), (int, "integer"), (float, "number"), (str, "string")):
        if isinstance(value, kind):
            finite = kind is not float or value - value == 0
            return word if finite else None
    return None


def type_of(values):
    """The one type that all values have. None: they are named by their repr, as asv does."""
    kinds = {kind_of(value) for value in values}
    if kinds == {"integer", "number"}:
        return "number"
    return kinds.pop() if len(kinds) == 1 else None


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


def choose(name, values, given):
    """The value of a parameter that a request gave, or the first one."""
    if name not in given:
        return values[0]
    if type_of(values) is not None:
        return given[name]
    for value in values:
        if repr(value) == given[name]:
            return value
    raise ScenarioError("parameter %s has no value %s" % (name, given[name]))


def arguments(scenario, text):
    """The values of the parameters, in order: those of the JSON object, else the first ones."""
    # JSON is Python but for three words. The json module would cost the base some 400 KiB, other in
    # each release. The text is not a stranger's: the daemon has parsed it as JSON before.
    given = eval(text, {"__builtins__": {}, "true": True, "false": False, "null": None})
    if not isinstance(given, dict):
        raise ScenarioError("the parameters are no JSON object")
    pairs = scenario.parameters()
    unknown = sorted(set(given) - {name for name, _ in pairs})
    if unknown:
        raise ScenarioError("no parameter named %s" % ", ".join(unknown))
    return tuple([choose(name, values, given) for name, values in pairs])


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


class Cache:
    """What `setup_cache` prepared: made by a child, so that its memory is not the measured one's.

    As in asv, it runs in an empty folder that the scenario then runs in, and its result, if not
    None, is pickled and given to the scenario as first argument.
    """

    def __init__(self, make):
        import os
        import tempfile

        self.back = os.getcwd()
        self.folder = tempfile.mkdtemp(prefix="tidemark-")
        os.chdir(self.folder)
        child = os.fork()
        if not child:
            self.prepare(make)
        if os.waitpid(child, 0)[1]:
            self.close()
            raise ScenarioError("setup_cache failed; what it printed is in the log")

    def prepare(self, make):
        import os
        import pickle
        import traceback

        failed = 1
        try:
            with open("cache.pickle", "wb") as file:
                pickle.dump(make(), file, 4)
            failed = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(failed)

    def arguments(self):
        import pickle

        with open("cache.pickle", "rb") as file:
            made = pickle.load(file)
        return () if made is None else (made,)

    def close(self):
        import os
        import shutil

        os.chdir(self.back)
        shutil.rmtree(self.folder, ignore_errors=True)


def measure_prepared(tidemark, scenario, params):
    for setup in reversed(scenario.every("setup")):
        setup(*params)
    gc.collect()
    tidemark.mark("base")
    try:
        tidemark._trace(scenario.function, params)
    finally:
        for teardown in scenario.every("teardown"):
            teardown(*params)
        gc.collect()
        tidemark.mark("end")


def measure(tidemark, path, name, text):
    scenario = find(load(path), name)
    params = arguments(scenario, text)
    expected = scenario.get("expected")
    floor = None
    if expected is not None:
        floor = tuple([int(size) for size in expected(*params)])
        tidemark.meta("expected", '{"original":%d,"container":%d,"result":%d}' % floor)
        check_memory(floor)
    make = scenario.get("setup_cache")
    if make is None:
        measure_prepared(tidemark, scenario, params)
    else:
        cache = Cache(make)
        try:
            measure_prepared(tidemark, scenario, cache.arguments() + params)
        finally:
            cache.close()
    if floor is not None:
        check_payload(tidemark, floor[0])


def report(tidemark, error):
    """META "error". The traceback keeps its end, where the cause stands.

    The module traceback runs code of others: CPython 3.15 imports the parent of a module that is not
    there once more, to say what may be meant, and that raises again.
    """
    import traceback

    try:
        lines = traceback.format_exception(type(error), error, error.__traceback__)
    except Exception:
        lines = traceback.format_tb(error.__traceback__)
        lines.append("%s: %s\n" % (type(error).__name__, error))
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


class Absent(type):
    """Stands for whatever a missing module has: base class, function, decorator, constant."""

    def __call__(cls, *args, **kwargs):
        return args[0] if len(args) == 1 and callable(args[0]) else cls

    def __getattr__(cls, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return Absent(name, (), {})


class StandIns:
    """Finds every module that is not installed here: a suite imports the extension it measures.

    The standard library is let alone: it tries modules that it can do without.
    """

    def __init__(self):
        import os

        self.library = os.path.dirname(os.__file__)

    def find_spec(self, name, path=None, target=None):
        from importlib.machinery import ModuleSpec

        caller = sys._getframe(1)
        while "importlib" in caller.f_code.co_filename and caller.f_back:
            caller = caller.f_back
        if caller.f_code.co_filename.startswith(self.library):
            return None
        return ModuleSpec(name, self, is_package=True)

    def create_module(self, spec):
        module = type(sys)(spec.name)
        module.__getattr__ = Absent("module", (), {}).__getattr__
        return module

    def exec_module(self, module):
        pass


def describe_parameter(name, values, demo, limits):
    kind = type_of(values)
    if kind is None:
        values = [repr(value) for value in values]
    described = {"name": name, "type": kind or "string", "default": values[0]}
    described["demo"] = demo.get(name, values[0])
    if type_of([values[0], described["demo"]]) != described["type"]:
        raise ScenarioError("parameter %s: demo and default differ in type" % name)
    if len(values) > 1 or kind is None:
        described["values"] = values
    if name in limits:
        described["minimum"], described["maximum"] = limits[name]
    return described


def list_modules(given):
    """The names of the module under test: one, or several where it was renamed."""
    names = given if isinstance(given, (list, tuple)) else [given or ""]
    if not all(isinstance(name, str) and "," not in name for name in names):
        raise ScenarioError("module is %r, not a name or a list of names" % (given,))
    return names


def describe_scenario(path, module, scenario):
    import inspect

    text = inspect.getdoc(scenario.function) or inspect.getdoc(module) or ""
    title, _, rest = text.strip().partition("\n")
    demo, limits = scenario.get("demo", {}), scenario.get("limits", {})
    pairs = scenario.parameters()
    for word, given in (("demo", demo), ("limits", limits)):
        unknown = sorted(set(given) - {key for key, _ in pairs})
        if unknown:
            raise ScenarioError("%s names no parameter: %s" % (word, ", ".join(unknown)))
    described = {
        "name": scenario.name,
        "file": path,
        "title": str(scenario.get("pretty_name") or title.strip()),
        "description": rest.strip(),
        "module": ",".join(list_modules(scenario.get("module"))),
        "params": [describe_parameter(key, values, demo, limits) for key, values in pairs],
    }
    timeout = scenario.get("timeout")
    if timeout is not None:
        if kind_of(timeout) not in ("integer", "number") or not 0 < timeout <= TIMEOUT_MAX:
            raise ScenarioError("timeout of %s is %r, not seconds up to %d"
                                % (scenario.name, timeout, TIMEOUT_MAX))
        described["timeout_s"] = int(timeout) + (timeout > int(timeout))
    return described


def scenarios_of(module):
    """Functions, then methods, by name; those whose name begins with an underscore are private."""
    import inspect

    found = []
    public = [pair for pair in sorted(vars(module).items()) if not pair[0].startswith("_")]
    for name, value in public:
        if is_scenario(name) and callable(value) and not inspect.isclass(value):
            found.append(Scenario(module, None, name))
    for _, value in public:
        if not inspect.isclass(value) or inspect.isabstract(value) or isinstance(value, Absent):
            continue
        for name, method in inspect.getmembers(value):
            if is_scenario(name) and inspect.isroutine(method):
                found.append(Scenario(module, value, name))
    return found


def take_neighbours(module):
    """Files of the suite that this one imported, for its version is theirs too. Their modules go, so
    that what the next file imports is told for itself."""
    package, _, _ = module.__name__.partition(".")
    inside = [name for name in sys.modules if name == package or name.startswith(package + ".")]
    files = {getattr(sys.modules.pop(name), "__file__", None) for name in inside}
    return sorted(files - {None, module.__file__})


def describe_file(path):
    module = load(path)
    found = scenarios_of(module)
    if not found:
        raise ScenarioError("no function or method named %s..." % PREFIX)
    described = [describe_scenario(path, module, scenario) for scenario in found]
    neighbours = take_neighbours(module)
    for scenario in described:
        scenario["imports"] = neighbours
    return described


def describe(paths):
    import json

    out, sys.stdout = sys.stdout, sys.stderr  # a file that prints must not spoil the answer
    sys.modules["tidemark"] = stand_in()
    sys.meta_path.append(StandIns())
    described = []
    for path in paths:
        if path.rpartition("/")[2].startswith("_"):
            continue  # private, as a name is; __init__.py too
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


def need(path, name, text):
    """What a run is to have free; nothing of it is executed."""
    import json

    out, sys.stdout = sys.stdout, sys.stderr
    sys.modules["tidemark"] = stand_in()
    sys.meta_path.append(StandIns())
    scenario = find(load(path), name)
    params = arguments(scenario, text)
    expected, memory = scenario.get("expected"), scenario.get("memory", 0)
    floor = sum(int(size) for size in expected(*params)) if expected is not None else 0
    json.dump({"floor": floor, "memory": int(memory(*params) if callable(memory) else memory)}, out)
    return 0


def main(argv):
    if len(argv) == 5 and argv[0] == "run":
        return run(*argv[1:])
    if len(argv) == 4 and argv[0] == "need":
        return need(*argv[1:])
    if len(argv) >= 2 and argv[0] == "describe":
        return describe(argv[1:])
    sys.stderr.write(__doc__)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
