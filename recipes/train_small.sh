#!/usr/bin/env bash
# Makes the shipped weights of foretell-small: about 90 minutes on one core. With a GPU: DEVICE=cuda, and more minutes
# pay. Stopped? The same command with RESUME=1 goes on; MINUTES is the budget of the whole schedule, so a larger one
# restarts the fall of the learning rate. WIDENING: docs/decisions.md.
set -euo pipefail
cd "$(dirname "$0")/.."
PYTHON=${PYTHON:-.venv/bin/python}
RUN=${RUN:-runs/small}
COMMAND="python -m foretell.training.train --minutes ${MINUTES:-91} --seed ${SEED:-1}"
export OMP_NUM_THREADS=${THREADS:-1}
nice -n 10 "$PYTHON" ${COMMAND#python } --out "$RUN" --device "${DEVICE:-cpu}" --threads "${THREADS:-1}" \
    ${RESUME:+--resume} ${OPTIONS:-}
"$PYTHON" -m foretell.training.export "$RUN" --target "${TARGET:-src/foretell/models/weights/foretell-small}" \
    --command "$COMMAND ${OPTIONS:-}" --widening "${WIDENING:-1.1}"
