#!/bin/sh
# Prints a Python that is new enough for this project, or says what to do. Knows versions, nothing of packages.
set -u

new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

if [ -n "${PYTHON:-}" ]; then
    if new_enough "$PYTHON"; then
        printf '%s\n' "$PYTHON"
        exit 0
    fi
    printf 'PYTHON=%s is not a Python 3.11 or newer. Set PYTHON to one that is, or leave it unset.\n' "$PYTHON" >&2
    exit 2
fi

for candidate in python3 python3.13 python3.12 python3.11; do
    if new_enough "$candidate"; then
        printf '%s\n' "$candidate"
        exit 0
    fi
done
printf 'Python 3.11 or newer is needed, and none was found. Install one, or set PYTHON to its path.\n' >&2
exit 2
