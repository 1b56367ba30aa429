#!/bin/sh
# The heart of the suite on every supported Python that this machine has, each in an environment of its own.
set -u
state="${LOCAL_DIR:-.local}/pythons"
suites="tests/api tests/test_checks.py tests/memory/test_auto_downgrade.py tests/memory/test_mirror.py tests/memory/test_pii.py
    tests/deploy/test_headers.py tests/deploy/test_secrets_in_files.py tests/acceptance/test_conversations.py"
mkdir -p "$state"

interpreter() {
    for candidate in "python$1" "${PYENV_ROOT:-$HOME/.pyenv}/versions/$1".*/bin/python; do
        if "$candidate" -c "import sys; sys.exit('%d.%d' % sys.version_info[:2] != '$1')" 2> /dev/null; then
            echo "$candidate"
            return
        fi
    done
}

failed=0
for version in 3.11 3.12 3.13; do
    python=$(interpreter "$version")
    if [ -z "$python" ]; then
        echo "$version: not installed"
        continue
    fi
    venv="$state/$version"
    { [ -x "$venv/bin/python" ] || "$python" -m venv "$venv"; } \
        && "$venv/bin/python" -m pip install --quiet --require-hashes --requirement requirements-dev.lock \
        && "$venv/bin/python" -m pytest -q -p no:cacheprovider -m "not fresh_clone and not monitoring" $suites > "$venv.log" 2>&1
    if [ $? -eq 0 ]; then
        echo "$version: $(tail -n 1 "$venv.log")"
    else
        echo "$version: FAILED"
        tail -n 40 "$venv.log"
        failed=1
    fi
done
exit $failed
