#!/bin/sh
# check.sh - formatting, static analysis, banned functions, JavaScript; what `make check` runs. Every
# check runs to its end; what failed is listed last, and the exit status tells.
#
# converters/ and worker/python/ are compiled against one Python at a time and so stand in no
# compile_commands.json of ours: they are formatted and searched here, analysed by their own tests.
set -u
cd "$(dirname "$0")/.." || exit 1

missing=
for program in clang-format clang-tidy; do # each is in the Debian package of its name
    command -v "$program" >/dev/null 2>&1 || missing="$missing $program"
done
if [ -n "$missing" ]; then
    echo "make check needs these Debian packages: apt-get install$missing" >&2
    exit 1
fi

failed=
# check NAME COMMAND...: run it, note its failure.
check() {
    name=$1
    shift
    echo "== $name"
    "$@" || failed="$failed
  $name"
}

c_files() {
    git ls-files --cached --others --exclude-standard '*.c' '*.h' | while read -r file; do
        [ ! -f "$file" ] || printf '%s\0' "$file"
    done
}

check_format() {
    c_files | xargs -0 clang-format --dry-run -Werror
}

check_banned() {
    ! c_files | xargs -0 grep -nE \
        '(^|[^A-Za-z0-9_])(v?sprintf|strcpy|strcat|atoi|gets|system)[[:space:]]*\('
}

check_tidy() {
    cmake -S . -B build/check -DCMAKE_BUILD_TYPE=Debug >build/check.log 2>&1 || {
        cat build/check.log
        return 1
    }
    # One file a process: the analyser's idea of va_list does not survive from file to file.
    sed -n 's/^ *"file": "\(.*\.c\)",\{0,1\}$/\1/p' build/check/compile_commands.json |
        grep -v "^$PWD/build/" | sort -u | tr '\n' '\0' |
        xargs -0 -n 1 -P "$(nproc)" clang-tidy -p build/check --quiet 2>build/tidy.log
    status=$?
    # Notes on suppressed warnings of system headers come on standard error; real errors do too.
    grep -vE '^[0-9]+ warnings? (generated|treated)|^Suppressed|^Use -header-filter' build/tidy.log
    return $status
}

mkdir -p build
check "formatting (clang-format -i FILE mends it)" check_format
check "banned functions: sprintf, strcpy, strcat, atoi, gets, system" check_banned
check "static analysis (clang-tidy)" check_tidy
if [ -d node_modules ]; then
    check "JavaScript (npm run check)" npm run --silent check
else
    echo "== JavaScript: skipped, there is no node_modules (make build installs it)"
fi

if [ -n "$failed" ]; then
    echo "make check failed:$failed" >&2
    exit 1
fi
echo "All checks passed."
