#!/usr/bin/env bash
# Trains what ships as `lite` and `lite-plus`: bash scripts/train_lite.sh MANIFEST.csv IMAGES OUT [LICENCES.csv]
#
# Killed at any time, the same command goes on. LICENCES.csv has the columns `set` and `licence`. LITE and PLUS (the
# recipes of each), STEPS and PARTS (steps of the local head) change what is done. The results are OUT/lite and
# OUT/lite-plus; what it takes, and how to judge recipes by twins first, is in docs/training.md.
set -euo pipefail
: "${BIN:=.venv/bin}" "${LITE:=lite-rich lite-bold lite-long}" "${PLUS:=lite-plus}" "${STEPS:=}" "${PARTS:=1000}"
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

# made NAME RECIPE...: OUT/NAME, a run of the recipe, or the mean of several, with a bank and a local head.
made() {
  local name=$1 first="" models=() recipe run
  shift
  for recipe in "$@"; do
    run=$out/runs/$recipe
    if [ -n "$first" ] && [ ! -e "$run/seen.f16" ]; then
      # The recipes of one model show the same views, and none makes them anew in the course of its run.
      mkdir -p "$run"
      ln "$first/seen.f16" "$run/seen.f16"
      # Runs of earlier versions have none.
      [ ! -e "$first/seen.said" ] || ln -f "$first/seen.said" "$run/seen.said"
      cp "$first/seen.done" "$run/seen.done"
    fi
    "$BIN/sketchseek" train "${data[@]}" --all-labels "${licences[@]}" \
      --recipe "$recipe" ${STEPS:+--steps "$STEPS"} --out "$run"
    first=${first:-$run}
    models+=("$run/model")
  done
  local tower=${models[0]}
  if [ ${#models[@]} -gt 1 ]; then
    tower=$out/runs/$name-blend
    [ -e "$tower" ] || "$BIN/sketchseek" blend "${models[@]}" --name "$name" --out "$tower"
    grep -q bank.safetensors "$tower/card.json" || "$BIN/sketchseek" bank "$tower" "${data[@]}"
  fi
  "$BIN/sketchseek" train-parts "${data[@]}" --all-labels "${licences[@]}" \
    --model "$tower" --steps "$PARTS" --out "$out/runs/$name-parts"
  ln -sfn "runs/$name-parts/model" "$out/$name"
}

# shellcheck disable=SC2086  # recipes are several words
made lite $LITE
# shellcheck disable=SC2086
made lite-plus $PLUS
