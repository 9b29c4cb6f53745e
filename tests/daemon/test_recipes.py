"""Each recipe builds and is measured; builds are shared, seen at work, and ended."""

from __future__ import annotations

import unittest
from typing import Any, Dict

from daemon import await_batch, eventually
from tiny_project import BENCHMARKS, CMAKE, COMMAND, MODULE, SETUP, ProjectCase, commit, repository


class Recipes(ProjectCase):
    """By each kind of recipe, on real CPythons."""

    def recipe(self, files: Dict[str, str], modules: str, recipe: Any = None, most: int = 2) -> None:
        """Build and measure by a recipe on up to two pythons that have the modules."""
        daemon = self.started()
        pythons = self.pythons_with(daemon, modules)
        chosen = [pythons[0], pythons[-1]][:most] if len(pythons) > 1 else pythons
        source = repository(self.folder / "tiny", dict(files, **{
            "tiny.c": MODULE, "benchmarks/__init__.py": "", "benchmarks/copies.py": BENCHMARKS}))
        wish = {} if recipe is None else {"recipe": recipe}
        project = self.add(daemon, name="tiny", repo=str(source), scenarios="benchmarks", **wish)
        self.assertEqual(project["left_out"], [])
        runs = self.measure(daemon, project="tiny", scenarios=["Copies.copy"], pythons=chosen)
        self.assertEqual(len(runs), len(chosen))
        self.assert_done(runs)
        for run in runs:
            build = daemon.get("/api/v1/builds/%d" % run["build"]["id"]).json()
            self.assertEqual(build["project"], "tiny")
            self.assertTrue(build["steps"])
            self.assertEqual({step["exit"] for step in build["steps"]}, {0})
            log = daemon.get("/api/v1/builds/%d/log" % run["build"]["id"]).body.decode()
            self.assertIn("$ " + build["steps"][0]["command"], log)
            tail = daemon.get("/api/v1/builds/%d/log?from=%d" % (run["build"]["id"], len(log) - 5))
            self.assertEqual(tail.body.decode(), log[-5:])
        self.stop(daemon)

    def test_cmake_is_told_from_the_tree(self) -> None:
        self.recipe({"CMakeLists.txt": CMAKE}, "sys")

    def test_cmake_installs_into_the_prefix(self) -> None:
        """Where the rule names the interpreter's own site-packages, nothing is written there."""
        self.recipe({"CMakeLists.txt": CMAKE + "install(TARGETS tiny DESTINATION ${Python_SITEARCH})\n"
                                               "set_target_properties(tiny PROPERTIES "
                                               "LIBRARY_OUTPUT_DIRECTORY deep/below)\n"}, "sys")

    def test_setup_py(self) -> None:
        self.recipe({"setup.py": SETUP}, "setuptools")

    def test_pip(self) -> None:
        self.recipe({"setup.py": SETUP, "pyproject.toml":
                     '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'},
                    "setuptools, wheel, pip", "pip")

    def test_command(self) -> None:
        self.recipe({}, "sys", {"kind": "command", "commands": [COMMAND]})

    # -- builds --

    def test_the_same_tree_is_built_once(self) -> None:
        daemon = self.started()
        source = repository(self.folder / "tiny", {"ext/CMakeLists.txt": CMAKE, "ext/tiny.c": MODULE,
                                                   "benchmarks/copies.py": BENCHMARKS})
        commit(source, {"README": "words\n"}, "words")
        third = commit(source, {"ext/tiny.c": MODULE + "\n"}, "a line")
        self.add(daemon, name="tiny", repo=str(source), recipe={"folder": "ext"}, scenarios="benchmarks")
        runs = self.measure(daemon, project="tiny", scenarios=["Copies.copy"],
                            commits=["HEAD~2", "HEAD~1", "HEAD"], pythons=daemon.usable_pythons()[:1])
        self.assert_done(runs)
        builds = {run["commit"]["sha"]: run["build"]["id"] for run in runs}
        self.assertEqual(len(builds), 3)
        self.assertEqual(len(set(builds.values())), 2)
        self.assertEqual(list(builds.values()).count(builds[third]), 1)
        self.stop(daemon)

    def test_only_the_folder_is_seen(self) -> None:
        daemon = self.started()
        source = repository(self.folder / "tiny", {
            "ext/CMakeLists.txt": CMAKE.replace("tiny.c", "../tiny.c"), "tiny.c": MODULE,
            "benchmarks/copies.py": BENCHMARKS})
        self.add(daemon, name="tiny", repo=str(source), recipe={"folder": "ext"}, scenarios="benchmarks")
        run, = self.measure(daemon, project="tiny", scenarios=["Copies.copy"],
                            pythons=daemon.usable_pythons()[:1])
        self.assertEqual(run["status"], "failed")
        self.assertIn("Cannot find source file", run["error"])
        build = daemon.get("/api/v1/builds/%d" % run["build"]["id"]).json()
        self.assertEqual(build["status"], "failed")
        self.assertIn(1, [step["exit"] for step in build["steps"]])
        self.stop(daemon)

    def test_a_deadline_ends_a_step(self) -> None:
        daemon = self.started()
        source = repository(self.folder / "tiny", {"benchmarks/copies.py": BENCHMARKS})
        self.add(daemon, name="tiny", repo=str(source), scenarios="benchmarks",
                 recipe={"kind": "command", "commands": ["echo begun; sleep 600"], "deadline_s": 1})
        run, = self.measure(daemon, project="tiny", scenarios=["Copies.copy"],
                            pythons=daemon.usable_pythons()[:1])
        self.assertIn("deadline of 1 s", run["error"])
        self.assertIn("begun", daemon.get("/api/v1/builds/%d/log" % run["build"]["id"]).body.decode())
        self.stop(daemon)

    def test_a_log_grows_while_it_is_built_and_a_kill_leaves_nothing(self) -> None:
        daemon = self.started()
        source = repository(self.folder / "tiny", {"benchmarks/copies.py": BENCHMARKS})
        go = self.folder / "go"
        self.add(daemon, name="tiny", repo=str(source), scenarios="benchmarks",
                 recipe={"kind": "command", "commands": [
                     "echo waiting for it; while ! test -e %s; do sleep 0.1; done; echo here it is" % go]})
        request = {"project": "tiny", "scenarios": ["Copies.copy"], "pythons": daemon.usable_pythons()[:1]}
        answer = daemon.post("/api/v1/runs", request)
        self.assertEqual(answer.status, 202, answer.body)
        batch = answer.json()["id"]

        def said() -> str:
            run = daemon.get("/api/v1/runs?batch=%d" % batch).json()["runs"][0]
            if not run["build"]:
                return ""
            return daemon.get("/api/v1/builds/%d/log" % run["build"]["id"]).body.decode()

        found = eventually(lambda: "\nwaiting for it" in said() or None, 60)
        self.assertTrue(found, said())
        self.assertNotIn("\nhere it is", said())
        children = daemon.children()
        daemon.kill()
        self.assertEqual([line for line in daemon.leftovers(children) if "worktree" not in line], [])
        go.write_text("")
        daemon.start().await_discovery()
        await_batch(daemon, batch, 240)
        self.assertEqual(list((daemon.data / "cache" / "tmp").iterdir()), [])
        self.assertIn("\nhere it is", said())
        self.assertIn("left nothing in the prefix", self.runs(daemon, batch)[0]["error"])
        self.stop(daemon)


if __name__ == "__main__":
    unittest.main()
