#!/bin/sh
# deps.sh run|test|check... - install the Debian packages that are missing for these purposes
# (cmake/debian-packages.txt); `make run` and `make test` begin with it. It does nothing where all is there.
# Without root and sudo it prints the one command that an administrator must run, and fails.
set -eu
cd "$(dirname "$0")"
wanted=" ${*:-run test check} "

# A program that came from elsewhere (a newer node, say) is as good as its package.
has() {
    case $1 in
    nodejs) command -v node >/dev/null 2>&1 || command -v nodejs >/dev/null 2>&1 ;;
    npm | cmake | git | python3 | gzip | chromium | clang-format | clang-tidy) command -v "$1" >/dev/null 2>&1 ;;
    *) dpkg-query -W -f '${Status}' "$1" 2>/dev/null | grep -q '^install ok installed$' ;;
    esac
}

missing=
while read -r purpose package; do
    case $wanted in *" $purpose "*) ;; *) continue ;; esac
    has "$package" || missing="$missing $package"
done <debian-packages.txt
[ -n "$missing" ] || exit 0

command="apt-get install -y --no-install-recommends$missing"
if ! command -v apt-get >/dev/null 2>&1; then
    echo "Tidemark needs these Debian packages, or their like on this system:$missing" >&2
    exit 1
fi
if [ "$(id -u)" = 0 ]; then
    sudo=
elif command -v sudo >/dev/null 2>&1 && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
    sudo=sudo
else
    echo "Some packages are missing. An administrator must run:" >&2
    echo "    apt-get update && $command" >&2
    exit 1
fi
echo "Installing:$missing"
# These bring a service along that would begin to listen on port 80; the tests start the programs themselves.
for service in nginx caddy; do
    case "$missing" in *" $service"*) ;; *) continue ;; esac
    [ -d /run/systemd/system ] || continue
    $sudo systemctl --quiet mask "$service.service"
    echo "The service $service stays off: systemctl unmask $service lets it start"
done
$sudo apt-get update -qq
DEBIAN_FRONTEND=noninteractive $sudo $command
