#!/usr/bin/env bash
# The small twin of train_small.sh: the same loop in about three minutes, into runs/tiny, for whoever changes the
# recipe. CI runs it with STEPS=5: it must end, and its weights must load.
set -euo pipefail
cd "$(dirname "$0")/.."
PYTHON=${PYTHON:-.venv/bin/python}
STEPS=${STEPS:-900}
export OMP_NUM_THREADS=1
RUN=${RUN:-runs/tiny}
OPTIONS="--steps $STEPS"
if [ "$STEPS" -lt 100 ]; then OPTIONS="$OPTIONS --pool 0.02 --width 32 --depth 1"; fi
"$PYTHON" -m foretell.training.train $OPTIONS --out "$RUN"
"$PYTHON" -m foretell.training.export "$RUN" --target "$RUN/weights" --command "recipes/train_tiny.sh"
