#!/usr/bin/env bash
# Makes the shipped weights of foretell-small: two runs from one beginning, on a core each, about 90 minutes, averaged.
# They begin from the weights in FROM (a folder with model.safetensors and recipe.json; "" begins from nothing, and then
# one run with SEEDS=1 and about 180 MINUTES is the better use of the time: runs that shared no beginning have no mean).
# With a GPU: DEVICE=cuda, and more minutes pay. Stopped? The same command with RESUME=1 goes on; MINUTES is the budget
# of the whole schedule, so a larger one restarts the fall of the learning rate. KEEP is the share of the weights in FROM
# that stays in the mean. It and WIDENING: docs/decisions.md.
set -euo pipefail
cd "$(dirname "$0")/.."
PYTHON=${PYTHON:-.venv/bin/python}
RUN=${RUN:-runs/small}
FROM=${FROM-src/foretell/models/weights/foretell-small}
KEEP=${KEEP-${FROM:+0.15}} KEEP=${KEEP:-0}
COMMAND="python -m foretell.training.train --minutes ${MINUTES:-84} --rate ${RATE:-1.5e-3} --decay ${DECAY:-0.7}"
export OMP_NUM_THREADS=${THREADS:-1}
runs=() jobs=()
for seed in ${SEEDS:-31 32}; do
    runs+=("$RUN-$seed")
    if [ -z "${RESUME:-}" ] && [ -n "$FROM" ]; then "$PYTHON" -m foretell.training.grow "$FROM" "$RUN-$seed"; fi
    nice -n 10 "$PYTHON" ${COMMAND#python } --seed "$seed" --out "$RUN-$seed" --device "${DEVICE:-cpu}" \
        --threads "$OMP_NUM_THREADS" ${RESUME:+--resume} ${FROM:+--resume} ${OPTIONS:-} &
    jobs+=($!)
done
for job in "${jobs[@]}"; do wait "$job"; done
"$PYTHON" -m foretell.training.export "${runs[@]}" --target "${TARGET:-src/foretell/models/weights/foretell-small}" \
    --command "$COMMAND ${OPTIONS:-}" --widening ${WIDENING:-1.1 0.97} --keep "$KEEP"
