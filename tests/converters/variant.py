"""Configure and build the converters in another way, and run their tests on that build.

    variant.py --cmake CMAKE --compiler CC --source DIR --build DIR --python PYTHON
               [--define NAME=VALUE] [--sanitize] [--install]
"""

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parent
MODULES = ("test_roundtrip", "test_errors", "test_allocation", "test_capi", "test_examples",
           "test_threads")


def run(*command, **options):
    print("+", " ".join(map(str, command)), flush=True)
    return subprocess.run([str(word) for word in command], check=True, **options)


def configure_and_build(options, directory, source, *definitions):
    run(options.cmake, "-S", source, "-B", directory, "-DPython_EXECUTABLE=" + options.python,
        "-DCMAKE_C_COMPILER=" + options.compiler, *definitions, stdout=subprocess.DEVNULL)
    run(options.cmake, "--build", directory, stdout=subprocess.DEVNULL)


def test_installed(options):
    """Install, then build the examples by the CMake package and by pkg-config."""
    prefix = options.build / "prefix"
    configure_and_build(options, options.build, options.source,
                        "-DCMAKE_INSTALL_PREFIX=%s" % prefix, "-DCMAKE_INSTALL_LIBDIR=lib")
    run(options.cmake, "--install", options.build, stdout=subprocess.DEVNULL)
    examples = options.build / "examples"
    configure_and_build(options, examples, options.source / "examples",
                        "-DCMAKE_PREFIX_PATH=%s" % prefix)
    test = "import scale; assert scale.scale([1.0, 2.0], 4.0) == [4.0, 8.0]"
    run(options.python, "-c", test, env=dict(os.environ, PYTHONPATH=str(examples)))
    if not shutil.which("pkg-config"):
        print("pkg-config is not installed: its file was not tried")
        return
    by_hand = options.build / "by-hand"
    by_hand.mkdir(exist_ok=True)
    include = run(options.python, "-c", "import sysconfig; print(sysconfig.get_path('include'))",
                  stdout=subprocess.PIPE, universal_newlines=True).stdout.strip()
    flags = run("pkg-config", "--cflags", "--libs", "tideconv", stdout=subprocess.PIPE,
                universal_newlines=True, env=dict(
                    os.environ, PKG_CONFIG_PATH=str(prefix / "lib/pkgconfig"))).stdout.split()
    run(options.compiler, "-shared", "-fPIC", "-I" + include, "-o", by_hand / "scale.so",
        options.source / "examples" / "scale.c", *flags)
    run(options.python, "-c", test, env=dict(os.environ, PYTHONPATH=str(by_hand)))


def sanitizer_environment(options):
    """For a sanitized module in an ordinary interpreter: its runtime has to be loaded first."""
    runtime = run(options.compiler, "-print-file-name=libasan.so", stdout=subprocess.PIPE,
                  universal_newlines=True).stdout.strip()
    return {"LD_PRELOAD": runtime, "PYTHONMALLOC": "malloc",
            # The interpreter leaks at exit by design: only what the library allocated counts. That
            # no object is leaked, the tests say by reference counts.
            "ASAN_OPTIONS": "detect_leaks=1:exitcode=0:allocator_may_return_null=1:"
                            "malloc_context_size=10",
            "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1", "TIDECONV_TEST_MAX": "6"}


def check_sanitizer_report(log):
    """A leak is ours when the library stands in its stack; any other report is a failure."""
    for block in log.split("\n\n"):
        leak = "leak of" in block and ("tideconv" in block or "capi_test" in block)
        if leak or "ERROR: AddressSanitizer" in block or "runtime error:" in block:
            sys.exit("a sanitizer report:\n" + block)


def free_threaded(python):
    """Whether that Python can run without the GIL."""
    ask = "import sysconfig; print(sysconfig.get_config_var('Py_GIL_DISABLED') or 0)"
    return run(python, "-c", ask, stdout=subprocess.PIPE,
               universal_newlines=True).stdout.strip() == "1"


def test_variant(options):
    definitions = ["-DTIDECONV_TESTS=ON", "-DTIDECONV_VARIANTS=OFF",
                   "-DCMAKE_NO_SYSTEM_FROM_IMPORTED=ON"]  # headers of a debug Python are links
    definitions += ["-D" + definition for definition in options.define]
    environment = dict(os.environ, PYTHONDONTWRITEBYTECODE="1", TIDECONV_TEST_MAX="9",
                       PYTHONPATH="%s:%s" % (options.build, options.build / "test-modules"))
    if free_threaded(options.python):
        environment["PYTHON_GIL"] = "0"
    if options.sanitize:
        definitions += ["-DTIDECONV_SANITIZE=address,undefined", "-DCMAKE_BUILD_TYPE=Debug",
                        "-DCMAKE_C_FLAGS_DEBUG=-g -O1"]
        environment.update(sanitizer_environment(options))
    configure_and_build(options, options.build, options.source, *definitions)
    done = subprocess.run([options.python, "-m", "unittest"] + list(MODULES), cwd=str(TESTS),
                          env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          universal_newlines=True)
    print(done.stdout)
    if options.sanitize:
        check_sanitizer_report(done.stdout)
    if "\nOK" not in done.stdout or done.returncode != 0:
        sys.exit("the tests failed with %d" % done.returncode)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cmake", required=True)
    parser.add_argument("--compiler", required=True)
    parser.add_argument("--source", required=True, type=Path)
    parser.add_argument("--build", required=True, type=Path)
    parser.add_argument("--python", required=True)
    parser.add_argument("--define", action="append", default=[])
    parser.add_argument("--sanitize", action="store_true")
    parser.add_argument("--install", action="store_true")
    options = parser.parse_args()
    if options.install:
        test_installed(options)
    else:
        test_variant(options)


if __name__ == "__main__":
    main()
