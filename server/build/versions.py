"""Make the released versions that stand in a folder into commits: `versions.py DIR STATE COMMAND...`.

A version is an sdist (NAME-1.2.tar.gz, .tgz, .tar.bz2, .tar.xz, .zip), a wheel (NAME-1.2-TAGS.whl) or an unpacked
folder (NAME-1.2). Each is one commit, whose subject and tag are the version as the name has it, on one line in PEP 440's
order; wheels stand in it as files beside what the sdist of the version holds. Of several sdists of a version the first by
name is taken. What else stands in DIR is the commit of refs/tidemark/beside: scenarios are found there.

COMMAND is `git fast-import`, which gets all of it on its standard input: nothing is unpacked to a disk. The same folder
gives the same commits. STATE is a file that says what was imported last; when that is what DIR holds nothing is done.
Standard error says what is wrong with DIR, and the exit status is 1.
"""

import calendar
import hashlib
import json
import os
import posixpath
import re
import stat
import subprocess
import sys
import tarfile
import zipfile

FORMAT = 1
VERSION_MAX = 1 << 30  # bytes that a version may hold unpacked
FILES_MAX = 100000     # files of a version
BESIDE_MAX = 1 << 20   # bytes of a file that stands beside the versions
HEAD, BESIDE, TAGS = "refs/tidemark/HEAD", "refs/tidemark/beside", "refs/tags/"
NOBODY = "0" * 40
SDISTS = (".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".zip")

PEP440 = re.compile(
    r"v?(?:(?P<epoch>\d+)!)?(?P<release>\d+(?:\.\d+)*)"
    r"(?:[-_.]?(?P<pre>alpha|beta|preview|pre|a|b|c|rc)[-_.]?(?P<pre_n>\d*))?"
    r"(?:-(?P<post_implied>\d+)|[-_.]?(?P<post>post|rev|r)[-_.]?(?P<post_n>\d*))?"
    r"(?:[-_.]?(?P<dev>dev)[-_.]?(?P<dev_n>\d*))?"
    r"(?:\+(?P<local>[a-z0-9]+(?:[-_.][a-z0-9]+)*))?", re.IGNORECASE | re.ASCII)


class Wrong(Exception):
    """What whoever keeps the folder can mend."""


def order(version):
    """A key by which versions sort as PEP 440 wants it; None for what is no version."""
    found = PEP440.fullmatch(version)
    if not found:
        return None
    g = found.groupdict()
    release = [int(part) for part in g["release"].split(".")]
    while release and not release[-1]:
        release.pop()
    word = (g["pre"] or "").lower()
    stage = {"alpha": 0, "a": 0, "beta": 1, "b": 1}.get(word, 2)
    is_post = g["post"] is not None or g["post_implied"] is not None
    if word:
        pre = (0, stage, int(g["pre_n"] or 0))
    else:
        pre = (-1,) if g["dev"] and not is_post else (1,)
    post = int(g["post_implied"] or g["post_n"] or 0) if is_post else -1
    dev = (0, int(g["dev_n"] or 0)) if g["dev"] else (1,)
    local = [(1, int(part), "") if part.isdigit() else (0, 0, part.lower())
             for part in re.split(r"[-_.]", g["local"])] if g["local"] else []
    return int(g["epoch"] or 0), release, pre, post, dev, local


def split(name):
    """The project and the version that a name without its ending tells of; None for none."""
    if order(name):
        return "", name
    for dash in re.finditer("-", name):
        if order(name[dash.end():]):
            return name[:dash.start()], name[dash.end():]
    return None


class Release:
    """One version: what it is made of."""

    def __init__(self, version):
        self.version = version
        self.source = None  # path of its sdist or its folder
        self.wheels = []


def find(folder):
    """The versions in the folder, oldest first, and the names of what is none."""
    releases, rest, projects = {}, [], {}
    for name in sorted(os.listdir(folder)):
        path = os.path.join(folder, name)
        wheel = name.endswith(".whl") and os.path.isfile(path)
        ending = next((end for end in SDISTS if name.endswith(end)), "")
        told = None
        if name.startswith("."):
            continue
        if wheel:
            parts = name.split("-")
            told = (parts[0], parts[1]) if len(parts) in (5, 6) and order(parts[1]) else None
        elif os.path.isdir(path):
            told = split(name)
        elif ending:
            told = split(name[:-len(ending)])
        if not told:
            rest.append(name)
            continue
        projects.setdefault(re.sub(r"[-_.]+", "-", told[0]).lower(), name)
        release = releases.setdefault(repr(order(told[1])), Release(told[1]))
        if wheel:
            release.wheels.append(path)
        elif not release.source:
            release.source = path
    named = {project: name for project, name in projects.items() if project}
    if len(named) > 1:
        raise Wrong("%s holds versions of several projects, such as %s: give each a folder of its own"
                    % (folder, " and ".join(list(named.values())[:2])))
    if not releases:
        raise Wrong("%s holds no version: an sdist like NAME-1.2.tar.gz, a wheel or a folder NAME-1.2" % folder)
    return sorted(releases.values(), key=lambda r: order(r.version)), rest


# ---- what versions hold: (path, mode, bytes) ----

def check_path(path, where):
    """The path as git has it; refused when it leaves the version."""
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if path.startswith("/") or ".." in parts or "\0" in path or "\n" in path:
        raise Wrong("%s has a file outside of itself: %s" % (where, path[:200]))
    if any(part.lower() == ".git" for part in parts):
        raise Wrong("%s has a .git folder: %s" % (where, path[:200]))
    return "/".join(parts)


def check_link(path, target, where):
    """A symbolic link may not lead out of the version."""
    reached = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
    if target.startswith("/") or reached == ".." or reached.startswith("../"):
        raise Wrong("%s has a link that leads outside: %s to %s" % (where, path[:200], target[:200]))
    return target.encode("utf-8", "surrogateescape")


def read_tar(path, where):
    """The files of a tar archive."""
    left = VERSION_MAX
    with tarfile.open(path) as archive:
        for member in archive:
            name = check_path(member.name, where)
            left -= max(member.size, 0)
            if left < 0:
                raise Wrong("%s holds more than %d bytes" % (where, VERSION_MAX))
            if member.isdir() or not name:
                continue
            if member.issym():
                yield name, "120000", check_link(name, member.linkname, where), member.mtime
            elif member.isfile() or member.islnk():
                if member.islnk():
                    check_path(member.linkname, where)
                yield (name, "100755" if member.mode & 0o100 else "100644", archive.extractfile(member).read(),
                       member.mtime)
            else:
                raise Wrong("%s holds what is no file: %s" % (where, name[:200]))


def zip_time(info):
    """Seconds since 1970 of a zip's member, read as UTC."""
    try:
        return calendar.timegm(info.date_time + (0, 0, 0))
    except ValueError:
        return 0


def read_zip(path, where):
    """The files of a zip archive."""
    left = VERSION_MAX
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            name = check_path(info.filename.replace("\\", "/"), where)
            left -= info.file_size
            if left < 0:
                raise Wrong("%s holds more than %d bytes" % (where, VERSION_MAX))
            if info.is_dir() or not name:
                continue
            mode = info.external_attr >> 16
            data = archive.read(info)
            if stat.S_ISLNK(mode):
                yield name, "120000", check_link(name, data.decode("utf-8", "surrogateescape"), where), zip_time(info)
            else:
                yield name, "100755" if mode & 0o100 else "100644", data, zip_time(info)


def read_folder(path, where, most=VERSION_MAX):
    """The files of a folder; the insides of a repository are left out."""
    for folder, folders, names in os.walk(path):
        folders[:] = sorted(name for name in folders if name.lower() != ".git" and name != "__pycache__")
        links = [name for name in folders if os.path.islink(os.path.join(folder, name))]
        for name in sorted(names + links):
            place = os.path.join(folder, name)
            relative = check_path(os.path.relpath(place, path), where)
            facts = os.lstat(place)
            if stat.S_ISLNK(facts.st_mode):
                yield relative, "120000", check_link(relative, os.readlink(place), where), facts.st_mtime
            elif stat.S_ISREG(facts.st_mode) and facts.st_size <= most:
                with open(place, "rb") as file:
                    yield (relative, "100755" if facts.st_mode & 0o100 else "100644", file.read(),
                           facts.st_mtime)


def without_top(files):
    """Without the one folder that everything stands in, as in an sdist."""
    tops = {name.split("/")[0] for name, _, _, _ in files}
    if len(tops) != 1 or any("/" not in name for name, _, _, _ in files):
        return files
    return [(name.split("/", 1)[1], mode, data, when) for name, mode, data, when in files]


def read_source(path):
    """The files of an sdist or of a folder, from their top."""
    where = os.path.basename(path)
    if os.path.isdir(path):
        files = list(read_folder(path, where))
    else:
        try:
            files = without_top(list((read_zip if path.endswith(".zip") else read_tar)(path, where)))
        except Wrong:
            raise
        except Exception as e:  # each way of packing has errors of its own
            raise Wrong("%s cannot be read: %s" % (where, e)) from None
    if len(files) > FILES_MAX:
        raise Wrong("%s holds more than %d files" % (where, FILES_MAX))
    return files


def read_wheel(path):
    """A wheel as the file that it is, dated by the newest of what it holds."""
    try:
        with zipfile.ZipFile(path) as archive:
            when = max((zip_time(info) for info in archive.infolist()), default=0)
    except zipfile.BadZipFile as e:
        raise Wrong("%s cannot be read: %s" % (os.path.basename(path), e)) from None
    with open(path, "rb") as file:
        return os.path.basename(path), "100644", file.read(), when


# ---- commits ----

def quote(path):
    """As fast-import takes a path that may hold anything."""
    raw = path.encode("utf-8", "surrogateescape").replace(b"\\", b"\\\\").replace(b'"', b'\\"')
    return b'"' + raw + b'"'


def put_commit(out, ref, mark, subject, made_of, who, when, parent, files):
    """One commit in fast-import's language, holding these files and nothing of its parent's."""
    message = ("%s\n\n%s\n" % (subject, made_of)).encode("utf-8", "surrogateescape")
    out.write(b"commit %s\nmark :%d\ncommitter %s <> %d +0000\ndata %d\n%s\n"
              % (ref.encode(), mark, who.encode(), when, len(message), message))
    if parent:
        out.write(b"from :%d\n" % parent)
    out.write(b"deleteall\n")
    seen = set()
    for name, mode, data, _ in files:
        if name not in seen:
            out.write(b"M %s inline %s\ndata %d\n%s\n" % (mode.encode(), quote(name), len(data), data))
        seen.add(name)
    out.write(b"\n")


def put_all(out, folder, releases, rest, gone):
    """Every version as a commit, the tags, and what stands beside them."""
    when, parent = 0, 0
    who = re.sub(r"[^\w.-]", "", os.path.basename(folder)) or "versions"
    for ref in (HEAD, BESIDE):
        out.write(b"reset %s\n\n" % ref.encode())
    for mark, release in enumerate(releases, 1):
        files = read_source(release.source) if release.source else []
        files += [read_wheel(path) for path in release.wheels]
        if not files:
            raise Wrong("version %s holds nothing" % release.version)
        when = max(when + 1, int(max(file[3] for file in files)))
        paths = ([release.source] if release.source else []) + release.wheels
        made_of = " ".join(os.path.basename(path) for path in paths)
        put_commit(out, HEAD, mark, release.version, made_of, who, when, parent, files)
        out.write(b"reset %s%s\nfrom :%d\n\n" % (TAGS.encode(), release.version.encode(), mark))
        parent = mark
    beside = []
    for name in rest:
        path = os.path.join(folder, name)
        if os.path.isdir(path) and not os.path.islink(path):
            beside += [(name + "/" + file[0],) + file[1:] for file in read_folder(path, name, BESIDE_MAX)]
    put_commit(out, BESIDE, parent + 1, "beside the versions", folder, "beside", 0, 0, beside)
    for version in gone:
        out.write(b"reset %s%s\nfrom %s\n\n" % (TAGS.encode(), version.encode(), NOBODY.encode()))
    out.write(b"done\n")


def fingerprint(folder, names):
    """What says whether something in the folder has changed: names, sizes and times of all files."""
    digest = hashlib.sha256()

    def add(path):
        facts = os.lstat(path)
        digest.update(("%s %o %d %d\n" % (path, facts.st_mode, facts.st_size, facts.st_mtime_ns)).encode(
            "utf-8", "surrogateescape"))

    for name in names:
        path = os.path.join(folder, name)
        add(path)
        if os.path.isdir(path) and not os.path.islink(path):
            for below, folders, files in os.walk(path):
                folders.sort()
                for file in sorted(files + folders):
                    if file != "__pycache__":
                        add(os.path.join(below, file))
    return digest.hexdigest()


def load(path):
    """What was imported last."""
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError):
        return {}


def save(path, state):
    """Whole or not at all."""
    with open(path + ".new", "w", encoding="utf-8") as file:
        json.dump(state, file)
    os.replace(path + ".new", path)


def main():
    """Import what has changed."""
    folder, state_path, command = sys.argv[1], sys.argv[2], sys.argv[3:]
    releases, rest = find(folder)
    old = load(state_path)
    new = {"format": FORMAT, "folder": folder,
           "print": fingerprint(folder, sorted(name for name in os.listdir(folder) if not name.startswith("."))),
           "versions": [release.version for release in releases]}
    if old == new:
        return
    gone = sorted(set(old.get("versions", [])) - set(new["versions"]))
    git = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    try:
        put_all(git.stdin, folder, releases, rest, gone)
        git.stdin.close()
    except BaseException:
        git.kill()
        git.wait()
        raise
    if git.wait():
        sys.exit(1)
    save(state_path, new)


try:
    main()
except Wrong as wrong:
    sys.exit("fatal: %s" % wrong)
