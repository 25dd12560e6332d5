#!/usr/bin/env bash
# Makes the shipped weights of timemoe-mini, on one core; DEVICE=cuda for a GPU. Stopped? The same command with RESUME=1
# goes on; MINUTES is the budget of the whole schedule. STEPS=2 TINY=1: the twin that CI runs in seconds.
set -euo pipefail
cd "$(dirname "$0")/.."
PYTHON=${PYTHON:-.venv/bin/python}
RUN=${RUN:-runs/mini}
COMMAND="python -m foretell.training.train_mini --minutes ${MINUTES:-104} --steps ${STEPS:-0} --seed ${SEED:-1}"
if [ -n "${TINY:-}" ]; then
    COMMAND="$COMMAND --pool 0.02 --width 16 --layers 1 --heads 2 --inner 16 --points 2560"
    TARGET=${TARGET:-$RUN/weights}
fi
export OMP_NUM_THREADS=${THREADS:-1}
nice -n 10 "$PYTHON" ${COMMAND#python } --out "$RUN" --device "${DEVICE:-cpu}" --threads "${THREADS:-1}" \
    ${RESUME:+--resume} ${OPTIONS:-}
"$PYTHON" -m foretell.training.export "$RUN" --model timemoe-mini --command "$COMMAND ${OPTIONS:-}" \
    --target "${TARGET:-src/foretell/models/weights/timemoe-mini}"
