#!/usr/bin/env bash
# Trains what ships as `lite` and `lite-plus`: bash scripts/train_lite.sh MANIFEST.csv IMAGES OUT [LICENCES.csv]
#
# Killed at any time, the same command goes on. LICENCES.csv has the columns `set` and `licence`. RECIPE, STEPS and SEED
# change the run, PARTS the steps of the local head. The results are OUT/lite and OUT/lite-plus; how long it takes, and
# how to judge a recipe by a twin first, is in docs/training.md.
set -euo pipefail
: "${BIN:=.venv/bin}" "${RECIPE:=lite-long}" "${STEPS:=}" "${SEED:=}" "${PARTS:=1000}"
[ $# -ge 3 ] || { sed -n '2s/^# //p' "$0" >&2; exit 2; }
data=("$1" --root "$2")
out=$3

licences=()
if [ $# -gt 3 ]; then
  while IFS= read -r said; do licences+=(--licence "$said"); done < <("$BIN/python" -c '
import csv, sys
for row in csv.DictReader(open(sys.argv[1], encoding="utf-8", newline="")):
    print(row["set"], row["licence"], sep="=")' "$4")
fi

"$BIN/sketchseek" train "${data[@]}" --all-labels "${licences[@]}" \
  --recipe "$RECIPE" ${STEPS:+--steps "$STEPS"} ${SEED:+--seed "$SEED"} --out "$out/run"
"$BIN/sketchseek" train-parts "${data[@]}" --all-labels "${licences[@]}" \
  --model "$out/run/model" --steps "$PARTS" --out "$out/parts"
[ -d "$out/lite" ] || cp -r "$out/parts/model" "$out/lite"
[ -d "$out/lite-plus" ] || "$BIN/sketchseek" looks "$out/lite" --out "$out/lite-plus" --name lite-plus
grep -q bank.safetensors "$out/lite-plus/card.json" || "$BIN/sketchseek" bank "$out/lite-plus" "${data[@]}"
