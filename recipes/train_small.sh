#!/usr/bin/env bash
# Makes the shipped weights of foretell-small: two runs from one beginning, on a core each, about 75 minutes, averaged.
# They begin from the weights in FROM (a folder with model.safetensors and recipe.json; "" begins from nothing, and then
# one run with SEEDS=1 and about 180 MINUTES is the better use of the time: runs that shared no beginning have no mean).
# REAL is the file of real series, gathered first if it is not there (recipes/open_series.sh); "" trains on synthetic
# ones alone. With a GPU: DEVICE=cuda, and more minutes pay. Stopped? The same command with RESUME=1 goes on; MINUTES is
# the budget of the whole schedule, so a larger one restarts the fall of the learning rate. KEEP is the share of the
# weights in FROM that stays in the mean. It and WIDENING (short contexts, longer ones): docs/decisions.md.
set -euo pipefail
cd "$(dirname "$0")/.."
export PYTHON=${PYTHON:-.venv/bin/python}
RUN=${RUN:-runs/small}
FROM=${FROM-src/foretell/models/weights/foretell-small}
REAL=${REAL-runs/open.npz}
KEEP=${KEEP-${FROM:+0.15}} KEEP=${KEEP:-0}
COMMAND="python -m foretell.training.train --minutes ${MINUTES:-72} --rate ${RATE:-1.5e-3} --decay ${DECAY:-0.7}"
COMMAND="$COMMAND ${REAL:+--real $REAL} ${OPTIONS:-}"
export OMP_NUM_THREADS=${THREADS:-1}
if [ -n "$REAL" ] && [ ! -f "$REAL" ]; then FOLDER=${REAL%.npz} recipes/open_series.sh; fi
runs=() jobs=()
for seed in ${SEEDS:-61 62}; do
    runs+=("$RUN-$seed")
    if [ -z "${RESUME:-}" ] && [ -n "$FROM" ]; then "$PYTHON" -m foretell.training.grow "$FROM" "$RUN-$seed"; fi
    nice -n 10 "$PYTHON" ${COMMAND#python } --seed "$seed" --out "$RUN-$seed" --device "${DEVICE:-cpu}" \
        --threads "$OMP_NUM_THREADS" ${RESUME:+--resume} ${FROM:+--resume} &
    jobs+=($!)
done
for job in "${jobs[@]}"; do wait "$job"; done
"$PYTHON" -m foretell.training.export "${runs[@]}" --target "${TARGET:-src/foretell/models/weights/foretell-small}" \
    --command "$COMMAND" --widening ${WIDENING:-1.1 0.97} --keep "$KEEP"
