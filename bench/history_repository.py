"""Gives the made-up project of bench/history_database.c a repository that holds its commits.

    python3 bench/history_repository.py DATABASE FOLDER

The database names commits that no repository has, so that nothing that asks git could be measured on it. Here the
commits of the project's line are made, empty ones with the same dates and subjects, and the database takes their
hashes over. The same database gives the same hashes. Nothing is done where FOLDER is there already.
"""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

PROJECT = "made-up"


def write_commits(folder: Path, commits: list[tuple[int, str, int]]) -> list[str]:
    """Their hashes, oldest first, once they are the branch `main` of a new repository."""
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main", str(folder)], check=True)
    stream = []
    for _, subject, committed_ns in commits:
        message = subject.encode()
        stream.append(b"commit refs/heads/main\ncommitter Ann <ann@example.org> %d +0000\ndata %d\n%s\n"
                      % (committed_ns // 10**9, len(message), message))
    subprocess.run(["git", "-C", str(folder), "fast-import", "--quiet"], input=b"".join(stream), check=True)
    listed = subprocess.run(["git", "-C", str(folder), "rev-list", "--reverse", "main"], check=True,
                            stdout=subprocess.PIPE, universal_newlines=True).stdout
    return listed.split()


def main() -> None:
    database, folder = Path(sys.argv[1]), Path(sys.argv[2]).resolve()
    if folder.exists():
        return
    with sqlite3.connect(str(database)) as db:
        commits = db.execute("SELECT c.id, c.subject, c.committed_ns FROM commits c JOIN line l ON l.commit_id = c.id"
                             " JOIN projects p ON p.id = l.project WHERE p.name = ? ORDER BY l.position",
                             (PROJECT,)).fetchall()
        hashes = write_commits(folder, commits)
        assert len(hashes) == len(commits), "git has %d of %d commits" % (len(hashes), len(commits))
        db.executemany("UPDATE commits SET sha = ? WHERE id = ?", [(sha, row[0]) for sha, row in zip(hashes, commits)])
        db.execute("UPDATE projects SET repo = ? WHERE name = ?", (str(folder), PROJECT))


if __name__ == "__main__":
    main()
