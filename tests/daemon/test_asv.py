"""`tidemark projects add NAME --asv FILE`: suites of asv's, as they stand, become projects."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path
from typing import Any, Dict, List

from daemon import DaemonCase, await_batch, commit_all, git, run_program
from tiny_project import BENCHMARKS, MODULE, SETUP, write

CONF = r"""{
    // The version of the config file format.  Do not change.
    "version": 1,
    "project": "tiny // not a comment, nor /* this */",
    "project_url": "https://example.org/tiny",  /* a homepage,
        over two lines */
    "repo": "..",
    // "repo": "https://example.org/tiny.git",
    "branches": ["main", "stable"], // for git
    "environment_type": "virtualenv",
    "install_timeout": 300,
    "pythons": [%s"2.7", "3.99", "pypy3", "/opt/python/bin/python"],
    "build_command": [
        "return-code=0 sh -ec 'echo \"{commit}\" > built.txt; test -d {env_dir}/.. && echo \"a  b\"'",
        "HOW='by hand' sh {conf_dir}/build.sh python {build_cache_dir}",
        "return-code=any false",
    ],
    "install_command": [
        "in-dir={env_dir} sh {conf_dir}/install.sh {build_cache_dir} {env_dir}",
    ],
    "uninstall_command": ["return-code=any python -mpip uninstall -y {project}"],
    "matrix": {"req": {"numpy": ["1.25", "1.26"], "six": ["", null],},},
    "exclude": [{"python": "3.8", "sys_platform": "win32"},],
    "benchmark_dir": "benchmarks",
    "results_dir": "results",
    "regressions_thresholds": {".*": 0.01,},
    "future_key": true,
}
"""

BUILD = """\
set -eu
test "$HOW" = "by hand"
mkdir -p "$2"
cp tiny.c "$2"
"""

INSTALL = """\
set -eu
test "$(pwd)" = "$(cd "$2" && pwd)"
for python in %s; do
    gcc -shared -fPIC -I"$($python -c 'import sysconfig; print(sysconfig.get_path("include"))')" "$1"/tiny.c \\
        -o "$2/tiny$($python -c 'import sysconfig; print(sysconfig.get_config_var("EXT_SUFFIX"))')"
done
"""


class Asv(DaemonCase):
    """Each test has a repository and a name of its own."""

    def setUp(self) -> None:
        self.place = Path(tempfile.mkdtemp(prefix="tidemark-asv-")).resolve()
        self.addCleanup(shutil.rmtree, str(self.place), True)

    def repository(self, files: Dict[str, str]) -> Path:
        """A checkout with a suite of asv's in `ci`."""
        source = self.place / "tiny"
        source.mkdir()
        git(source, "init", "-q", "-b", "main")
        write(source, dict({"tiny.c": MODULE, "setup.py": SETUP, "ci/benchmarks/__init__.py": "",
                            "ci/benchmarks/copies.py": BENCHMARKS}, **files))
        commit_all(source, "first")
        return source

    def add(self, name: str, source: Path, conf: str, *arguments: str, code: int = 0) -> Any:
        """`projects add --asv`; the answer as JSON, or what it said of why not."""
        (source / "ci" / "asv.conf.json").write_text(conf)
        done = run_program(self.folder, "projects", "add", name, "--asv", str(source / "ci" / "asv.conf.json"), "--json",
                           "--data", str(self.daemon.data), *arguments)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        self.assertNotIn("Sanitizer", done.stderr)
        return done.stderr if code else json.loads(done.stdout)

    def recipe(self, name: str, source: Path, **keys: Any) -> Any:
        """The recipe that these keys amount to."""
        project = self.add(name, source, json.dumps(dict({"version": 1, "project": "tiny", "repo": ".."}, **keys)))
        return project["recipe"]

    def test_a_whole_file_is_measured(self) -> None:
        """Comments of both kinds, commas too many, every key; built and installed by its own commands."""
        chosen = self.daemon.usable_pythons()[0]
        program = next(p["program"] for p in self.daemon.get("/api/v1/pythons").json()["pythons"]
                       if p["name"] == chosen)
        version = ".".join(subprocess.run([program, "-c", "import platform; print(platform.python_version())"],
                                          stdout=subprocess.PIPE, universal_newlines=True).stdout.split(".")[:2])
        source = self.repository({"ci/build.sh": BUILD, "ci/install.sh": INSTALL % program})
        git(source, "branch", "stable")
        project = self.add("whole", source, CONF % ('"%s", ' % version))
        self.assertEqual((project["repo"], project["branch"], project["scenarios"], project["pythons"]),
                         (str(source), "main", "ci/benchmarks", [version]))
        self.assertEqual((project["recipe"]["kind"], project["recipe"]["deadline_s"]), ("command", 300))
        self.assertEqual(project["left_out"], [])
        left = {entry["key"]: entry["why"] for entry in project["not_carried_over"]}
        self.assertEqual(sorted(left), ["branches: stable", "exclude", "future_key", "matrix",
                                        "pythons: /opt/python/bin/python", "pythons: 2.7", "pythons: 3.99",
                                        "pythons: pypy3", "regressions_thresholds", "uninstall_command"])
        self.assertTrue(all(left.values()))
        answer = self.daemon.post("/api/v1/runs", {"project": "whole", "scenarios": ["Copies.copy"], "pythons": [chosen]})
        self.assertEqual(answer.status, 202, answer.body)
        await_batch(self.daemon, answer.json()["id"], 240)
        run, = self.daemon.get("/api/v1/runs?batch=%d" % answer.json()["id"]).json()["runs"]
        self.assertEqual(run["status"], "done", run["error"])
        log = self.daemon.get("/api/v1/builds/%d/log" % run["build"]["id"]).body.decode()
        self.assertIn("\na  b\n", log)

    def test_wheels_are_the_recipe_pip(self) -> None:
        """What builds a wheel and installs it, in each of the ways that are usual."""
        source = self.repository({})
        install = "in-dir={env_dir} python -mpip install {wheel_file}"
        held = ["python setup.py build",
                "PIP_NO_BUILD_ISOLATION=false python -mpip wheel --no-deps --no-index -w {build_cache_dir} {build_dir}"]
        self.assertEqual(self.recipe("a", source, build_command=held, install_command=[install]), {"kind": "pip"})
        self.assertEqual(self.recipe("b", source, build_command=held[1]), {"kind": "pip"})
        open_ = "python -m build --wheel -o {build_cache_dir} {build_dir}"
        self.assertEqual(self.recipe("c", source, build_command=["python -m pip install build", open_])["kind"], "command")
        self.assertEqual(self.recipe("d", source, build_command=[open_], install_timeout=60, repo_subdir="ci"),
                         {"kind": "pip", "isolation": True, "network": True, "deadline_s": 60, "folder": "ci"})
        self.assertEqual(self.recipe("e", source), {"kind": "setup.py"})
        for name in "abcde":
            self.assertEqual(self.daemon.get("/api/v1/projects/" + name).json()["scenarios"], "ci/benchmarks")

    def commands(self, name: str, source: Path, **keys: Any) -> List[str]:
        """The lines of a recipe `command`."""
        recipe = self.recipe(name, source, **keys)
        self.assertEqual(recipe["kind"], "command")
        return recipe["commands"]

    def test_placeholders(self) -> None:
        source = self.repository({})
        lines = self.commands("f", source, project="my tiny", build_command=["A='x y' python3 tool.py {build_dir}/out '{project} {commit}'"],
                              install_command=["return-code=0,3 pip install --no-deps {wheel_file}"])
        self.assertEqual(lines, [
            "mkdir -p {src}/.tidemark-wheels", "A='x y' {python} tool.py {src}/out 'my tiny'' '{commit}",
            "PIP_TARGET={prefix} {python} -m pip install --no-deps {src}/.tidemark-wheels/*.whl"
            " || case $? in 0|3) ;; *) exit 1 ;; esac"])
        lines = self.commands("g", source, build_command=["make {conf_dir}"])
        self.assertEqual(lines[1:], ["make %s/ci" % source,
                                     "cd {prefix} && PIP_TARGET={prefix} {python} -mpip install --no-deps "
                                     "{src}/.tidemark-wheels/*.whl"])

    def test_options_come_first(self) -> None:
        source = self.repository({})
        git(source, "branch", "other")
        conf = json.dumps({"repo": "..", "branches": ["main"], "build_command": ["conda build"]})
        project = self.add("h", source, conf, "--branch", "other", "--recipe", "setup.py")
        self.assertEqual((project["branch"], project["recipe"]), ("other", {"kind": "setup.py"}))
        self.assertIn("the recipe is told on the command line", json.dumps(project["not_carried_over"]))

    def test_what_cannot_be_carried_over_is_refused(self) -> None:
        source = self.repository({})
        for text, hint in (('{"repo": ".."', "line 1"), ("[]", "no JSON object"), ("{}", 'names no "repo"'),
                           ('{"repo": "hg+https://example.org/x"}', "Mercurial")):
            self.assertIn(hint, self.add("no", source, text, code=2))
        for command, hint in (("python setup.py install", "into the interpreter itself"),
                              ("python setup.py develop", "into the interpreter itself"),
                              ("python -m pip install -e .", "editable"), ("conda build .", "conda"),
                              ("make {env_name}", "an environment of asv's"), ("make 'x", "quote"),
                              ("A=1", "runs nothing"), ("", "is empty")):
            said = self.add("no", source, json.dumps({"repo": "..", "build_command": [command]}), code=2)
            self.assertIn(hint, said)
        done = run_program(self.folder, "projects", "add", "no", "--asv", "/nowhere.json", "--data", str(self.daemon.data))
        self.assertEqual(done.returncode, 2)
        self.assertIn("there is no file /nowhere.json", done.stderr)
        self.assertEqual(self.daemon.get("/api/v1/projects/no").status, 404)


if __name__ == "__main__":
    unittest.main()
