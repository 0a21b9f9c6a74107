# Sourced by dist_train.sh and dist_test.sh: checks GPUS, chooses the interpreter, defines `launch SCRIPT ARGUMENTS...`.
NNODES=${NNODES:-1}
NODE_RANK=${NODE_RANK:-0}
PORT=${PORT:-29500}
MASTER_ADDR=${MASTER_ADDR:-127.0.0.1}

if ! [[ $GPUS =~ ^[1-9][0-9]*$ ]]; then
    echo "error: GPUS needs to be a whole number of 1 or more, got '$GPUS'. It follows the config (and the checkpoint)." >&2
    exit 2
fi

PYTHON=python
if [ -z "${VIRTUAL_ENV:-}${CONDA_PREFIX:-}" ] && [ -x "$HERE/../.venv/bin/python" ]; then
    PYTHON=$HERE/../.venv/bin/python
fi

COUNTED=$("$PYTHON" - <<'END'
import os
import torch
cores = len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count()
gpus = torch.cuda.device_count()
print('GPUs' if gpus else 'cores', gpus or cores, cores)
END
)
read -r KIND COUNT CORES <<< "$COUNTED"
if [ "$GPUS" -gt "$COUNT" ]; then
    if [ "$KIND" = cores ]; then
        FOUND="no GPU and $COUNT CPU cores, one process each"
    else
        FOUND="$COUNT GPUs (CUDA_VISIBLE_DEVICES=${CUDA_VISIBLE_DEVICES:-all})"
    fi
    echo "error: $GPUS processes need $GPUS devices on this machine, got $FOUND. Give at most $COUNT as GPUS." >&2
    exit 2
fi
if [ "$KIND" = cores ]; then
    # Without this every process would use every core, and torchrun would set one.
    export OMP_NUM_THREADS=${OMP_NUM_THREADS:-$((CORES / GPUS))}
fi

launch() {
    PYTHONPATH="$HERE/..${PYTHONPATH:+:$PYTHONPATH}" exec "$PYTHON" -m torch.distributed.run \
        --nnodes="$NNODES" --node_rank="$NODE_RANK" --master_addr="$MASTER_ADDR" --master_port="$PORT" \
        --nproc_per_node="$GPUS" "$@"
}
