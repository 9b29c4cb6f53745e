"""Completion in the shells themselves: each is started on a terminal, the script is loaded, TAB is pressed."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import signal
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from daemon import PROGRAM, environment, run_program

ESCAPES = re.compile(r"\033(\[[0-9;?<>=]*[a-zA-Z]|\][^\007\033]*(\007|\033\\)|[()][A-Z0-9]|[=>78NMc])|\r|\007")
DEADLINE_S = 20


class Terminal:
    """A shell on a terminal."""

    def __init__(self, folder: Path, *command: str, **variables: str) -> None:
        self.ours, terminal = pty.openpty()
        scripts = {"HOME": str(folder), "PATH": "%s:%s" % (PROGRAM.parent, os.environ["PATH"]), "TERM": "dumb",
                   "PS1": "ready> ", "INPUTRC": "/dev/null", **variables}
        self.process = subprocess.Popen(command, stdin=terminal, stdout=terminal, stderr=terminal, cwd=str(folder),
                                        env={**environment(folder), **scripts}, start_new_session=True)
        os.close(terminal)
        self.shown = ""

    def until(self, pattern: str) -> str:
        """What is shown from the last look on, once it has this."""
        end = time.monotonic() + DEADLINE_S
        while not re.search(pattern, self.shown):
            if time.monotonic() > end:
                raise AssertionError("no %r within %d s in: %r" % (pattern, DEADLINE_S, self.shown))
            if select.select([self.ours], [], [], 0.2)[0]:
                self.shown += ESCAPES.sub("", os.read(self.ours, 65536).decode("utf-8", "replace"))
        seen, self.shown = self.shown, ""
        return seen

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self.ours, keys.encode())

    def close(self) -> None:
        """Hang up."""
        os.close(self.ours)
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


class Completion(unittest.TestCase):
    """The same presses in each shell."""

    def setUp(self) -> None:
        scratch = tempfile.TemporaryDirectory(prefix="tidemark-test-")
        self.addCleanup(scratch.cleanup)
        self.folder = Path(scratch.name).resolve()
        (self.folder / "run12.tide").write_text("")
        (self.folder / "database folder").mkdir()
        for shell in ("bash", "zsh", "fish"):
            self.assertTrue(shutil.which(shell), "%s is missing: make deps" % shell)
            script = run_program(self.folder, "completion", shell)
            self.assertEqual(script.returncode, 0)
            (self.folder / ("script." + shell)).write_text(script.stdout)

    def press(self, terminal: Terminal) -> None:
        """A command's name, an option's, its values, a list, a file, what fits several. Ctrl-O is bound to show
        the line in <...>."""
        for typed, wanted in (("tidemark sce", "tidemark scenarios "),
                              ("tidemark run --detac", "tidemark run --detach "),
                              ("tidemark run --recording ma", "tidemark run --recording marks "),
                              ("tidemark run --size=f", "tidemark run --size=full "),
                              ("tidemark run --allocator malloc,je", "tidemark run --allocator malloc,jemalloc "),
                              ("tidemark projects ren", "tidemark projects rename "),
                              ("tidemark import run1", "tidemark import run12.tide "),
                              ("tidemark run --rec", "tidemark run --recording "),
                              ("tidemark run --re", "tidemark run --re")):
            with self.subTest(typed=typed):
                terminal.type(typed + "\t")
                terminal.type("\x0f")
                self.assertEqual(re.findall("<(.*)>", terminal.until("<.*>"))[-1], wanted)
                terminal.type("\x15")  # Ctrl-U: begin anew

    def test_bash(self) -> None:
        """Readline replaces words piecewise: '=' and '@' split them."""
        terminal = Terminal(self.folder, "bash", "--norc", "--noprofile", "-i")
        self.addCleanup(terminal.close)
        terminal.type("""bind 'set bell-style none'; bind -x '"\\C-o": echo "<$READLINE_LINE>"'; source script.bash; """
                      "echo load''ed\n")
        terminal.until("loaded")
        self.press(terminal)

    def test_zsh(self) -> None:
        """Loaded from a folder of fpath, as it is installed."""
        functions = self.folder / "functions"
        functions.mkdir()
        shutil.copy(str(self.folder / "script.zsh"), str(functions / "_tidemark"))
        terminal = Terminal(self.folder, "zsh", "-f", "-i")
        self.addCleanup(terminal.close)
        terminal.type("fpath=($PWD/functions $fpath); autoload -Uz compinit; compinit -u -D; unsetopt auto_menu; "
                      "show() { print -r -- \"<$BUFFER>\" }; zle -N show; bindkey '^O' show; echo load''ed\n")
        terminal.until("loaded")
        self.press(terminal)

    def test_fish(self) -> None:
        """By `complete -C`, which is what TAB shows."""
        fish = shutil.which("fish")
        assert fish

        def candidates(line: str) -> "list[str]":
            done = subprocess.run(
                [fish, "--no-config", "-c", "source script.fish; complete -C %r" % line], cwd=str(self.folder),
                env={**environment(self.folder), "HOME": str(self.folder),
                     "PATH": "%s:%s" % (PROGRAM.parent, os.environ["PATH"])},
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True, timeout=60)
            self.assertEqual(done.stderr, "")
            return done.stdout.splitlines()

        self.assertEqual(candidates("tidemark sce"),
                         ["scenarios\tlist the scenarios of a project; one with its parameters"])
        self.assertEqual(sorted(line.partition("\t")[0] for line in candidates("tidemark run --re")),
                         ["--recording", "--repo", "--retry-failed"])
        self.assertEqual(candidates("tidemark run --recording ma"), ["marks"])
        self.assertEqual(candidates("tidemark run --size=f"), ["--size=full"])
        self.assertEqual(candidates("tidemark run --allocator malloc,je"), ["malloc,jemalloc"])
        self.assertEqual(candidates("tidemark import run1"), ["run12.tide"])
        self.assertEqual(candidates("tidemark gc --data data"), ["database folder/\tDirectory"])


if __name__ == "__main__":
    unittest.main()
