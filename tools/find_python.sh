#!/bin/sh
# Print the path of a CPython that runs, has one of the wanted versions and can make virtual
# environments.
#
#   tools/find_python.sh 3.11 3.12      the versions, most wanted first
#
# Being on PATH is not enough: a version manager's shim may be there and refuse to run, so every
# candidate is tried. The base interpreter is printed, never that of an active environment.

probe='
import ensurepip, sys, venv
wanted = tuple(int(part) for part in sys.argv[1].split("."))
if sys.implementation.name != "cpython" or sys.version_info[:2] != wanted:
    raise SystemExit(1)
print(getattr(sys, "_base_executable", sys.executable))
'

candidates() {
    echo "python$1"
    echo python3
    echo python
    uv python find --system --no-python-downloads "$1" 2>/dev/null
    for root in "$(pyenv root 2>/dev/null)" "${PYENV_ROOT:-}" "$HOME/.pyenv"; do
        for python in "$root"/versions/"$1"*/bin/python; do
            echo "$python"
        done
    done
}

for version in "$@"; do
    found=$(candidates "$version" | while IFS= read -r python; do
        "$python" -c "$probe" "$version" 2>/dev/null && break
    done)
    if [ -n "$found" ]; then
        echo "$found"
        exit 0
    fi
done

echo "find_python: no working CPython of version $* with venv and ensurepip was found" >&2
exit 1
