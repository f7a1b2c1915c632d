#!/usr/bin/env bash
# make demo: a gallery (your PHOTOS, or Debian's Tux Paint stamps), its index, and the page.
set -euo pipefail
: "${BIN:=.venv/bin}" "${PHOTOS:=}" "${INDEX:=.demo/index}" "${PORT:=8000}"

if [ -z "$PHOTOS" ]; then
  PHOTOS=.demo/photos
  [ -d "$PHOTOS" ] || "$BIN/python" scripts/demo_gallery.py "$PHOTOS"
elif [ "$INDEX" = .demo/index ]; then
  # Your own pictures get a separate index, so that they do not mix with the demo's.
  INDEX=.demo/index-$(printf %s "$(realpath "$PHOTOS")" | sha256sum | cut -c1-12)
fi

"$BIN/sketchseek" index "$PHOTOS" --index "$INDEX"
exec "$BIN/sketchseek" serve --index "$INDEX" --port "$PORT"
