#!/usr/bin/env bash
# Train on several GPUs or, where there is none, on several CPU processes:
#   tools/dist_train.sh CONFIG GPUS [flags of tools/train.py]
# On several machines, on each of them: NNODES=2 NODE_RANK=0|1 MASTER_ADDR=<machine 0> PORT=29500 tools/dist_train.sh ...
set -euo pipefail
if [ $# -lt 2 ]; then
    echo "error: two arguments are needed, got $#. Usage: tools/dist_train.sh CONFIG GPUS [flags of tools/train.py]" >&2
    exit 2
fi
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tools/find_python.sh
. "$HERE/find_python.sh"
PYTHONPATH="$HERE/..${PYTHONPATH:+:$PYTHONPATH}" exec "$PYTHON" "$HERE/dist_launch.py" "$2" \
    "$HERE/train.py" "$1" --launcher pytorch "${@:3}"
