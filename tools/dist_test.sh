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
CONFIG=$1
CHECKPOINT=$2
GPUS=$3
shift 3
. "$HERE/dist_common.sh"
launch "$HERE/test.py" "$CONFIG" "$CHECKPOINT" --launcher pytorch "$@"
