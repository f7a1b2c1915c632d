#!/usr/bin/env bash
# Trains what ships as `lite` and `lite-plus`: bash scripts/train_lite.sh MANIFEST.csv IMAGES OUT [LICENCES.csv]
#
# Killed at any time, the same command goes on. LICENCES.csv has the columns `set` and `licence`. RECIPES, STEPS and
# PARTS (steps of the local head) change what is done. The results are OUT/lite and OUT/lite-plus; what it takes, and
# how to judge recipes by twins first, is in docs/training.md.
set -euo pipefail
: "${BIN:=.venv/bin}" "${RECIPES:=lite-rich lite-bold lite-long}" "${STEPS:=}" "${PARTS:=1000}"
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

models=() first=
for recipe in $RECIPES; do
  run=$out/$recipe
  if [ -n "$first" ] && [ ! -e "$run/seen.f16" ]; then
    # These recipes show the same views, and none makes them anew in the course of its run.
    mkdir -p "$run"
    ln "$first/seen.f16" "$run/seen.f16"
    cp "$first/seen.done" "$run/seen.done"
  fi
  "$BIN/sketchseek" train "${data[@]}" --all-labels "${licences[@]}" \
    --recipe "$recipe" ${STEPS:+--steps "$STEPS"} --out "$run"
  first=${first:-$run}
  models+=("$run/model")
done

[ -e "$out/blend" ] || "$BIN/sketchseek" blend "${models[@]}" --name lite --out "$out/blend"
grep -q bank.safetensors "$out/blend/card.json" || "$BIN/sketchseek" bank "$out/blend" "${data[@]}"
"$BIN/sketchseek" train-parts "${data[@]}" --all-labels "${licences[@]}" \
  --model "$out/blend" --steps "$PARTS" --out "$out/parts"
ln -sfn parts/model "$out/lite"
[ -e "$out/lite-plus" ] || "$BIN/sketchseek" looks "$out/lite" --name lite-plus --out "$out/lite-plus"
grep -q bank.safetensors "$out/lite-plus/card.json" || "$BIN/sketchseek" bank "$out/lite-plus" "${data[@]}"
