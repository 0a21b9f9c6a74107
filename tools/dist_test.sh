#!/usr/bin/env bash
# Test a checkpoint on several GPUs or, where there is none, on several CPU processes:
#   tools/dist_test.sh CONFIG CHECKPOINT GPUS [flags of tools/test.py]
# On several machines: NNODES, NODE_RANK, MASTER_ADDR and PORT as for dist_train.sh.
set -euo pipefail
if [ $# -lt 3 ]; then
    echo "error: three arguments are needed, got $#. Usage: tools/dist_test.sh CONFIG CHECKPOINT GPUS [flags of tools/test.py]" >&2
    exit 2
fi
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tools/find_python.sh
. "$HERE/find_python.sh"
PYTHONPATH="$HERE/..${PYTHONPATH:+:$PYTHONPATH}" exec "$PYTHON" "$HERE/dist_launch.py" "$3" \
    "$HERE/test.py" "$1" "$2" --launcher pytorch "${@:4}"
