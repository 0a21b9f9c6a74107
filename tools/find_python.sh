# Sourced by the launchers: sets PYTHON to the interpreter that runs the tools, or ends with one sentence.
# The caller's own PYTHON; else the first with torch of: the active environment's, the checkout's .venv, python3, python.
if [ -n "${PYTHON:-}" ]; then
    CANDIDATES=("$PYTHON")
else
    CANDIDATES=(
        ${VIRTUAL_ENV:+"$VIRTUAL_ENV/bin/python"} ${CONDA_PREFIX:+"$CONDA_PREFIX/bin/python"}
        "$(dirname "${BASH_SOURCE[0]}")/../.venv/bin/python" python3 python
    )
fi
PYTHON=
for CANDIDATE in "${CANDIDATES[@]}"; do
    if "$CANDIDATE" -c 'import importlib.util as i, sys; sys.exit(i.find_spec("torch") is None)' 2>/dev/null; then
        PYTHON=$CANDIDATE
        break
    fi
done
if [ -z "$PYTHON" ]; then
    echo "error: A Python with torch is needed, got none of: ${CANDIDATES[*]}. Run 'make demo' once, activate an environment, or set PYTHON." >&2
    exit 2
fi
