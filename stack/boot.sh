# Sourced by ./run, ./test and .ci/run with $root set. Defines `stack`, which runs the Python package of that name
# with the first Python that is new enough. Everything else is written in Python, with its standard library alone.

# A Python counts when it can install: Debian's has pip without ensurepip, others have ensurepip without pip.
new_enough='
import importlib.util, sys
installer = any(importlib.util.find_spec(name) for name in ("pip", "ensurepip"))
sys.exit(sys.version_info < (3, 11) or not installer)
'

find_python() {
    for candidate in ${HAIGIO_PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
        if command -v "$candidate" >/dev/null 2>&1 && "$candidate" -c "$new_enough" >/dev/null 2>&1; then
            python=$candidate
            return 0
        fi
    done
    echo "Python 3.11 or newer with pip is needed (Debian, Ubuntu: sudo apt install python3 python3-pip)." >&2
    return 1
}

stack() {
    find_python || exit 1
    # -P keeps the caller's folder out of the module path but leaves it the current one, for file names in arguments.
    PYTHONPATH=$root exec "$python" -P -m stack "$@"
}
