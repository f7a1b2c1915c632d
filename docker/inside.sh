#!/bin/sh
# What docker/check.sh runs in the image: read-only, without a network, as a user without rights.
set -eu
echo "user $(id -u), $(sketchseek --version)"
for where in / /opt /usr /etc; do
  ! touch "$where/written" 2>/dev/null || { echo "$where can be written to"; exit 1; }
done
! python3 -c 'import socket; socket.create_connection(("1.1.1.1", 53), 2)' 2>/dev/null \
  || { echo "the network can be reached"; exit 1; }

sketchseek index --quiet --config /etc/sketchseek/demo.toml
export SKETCHSEEK_ALLOW_ANYONE=true SKETCHSEEK_ALLOWED_HOSTS=localhost,127.0.0.1 SKETCHSEEK_PORT=8000
sketchseek serve 2>/dev/null &
server=$!
trap 'kill $server' EXIT
for _ in $(seq 60); do
  if ready=$(python3 /opt/healthcheck.py 2>/dev/null); then break; fi
  sleep 0.5
done
echo "${ready:?the service did not become ready}"

python3 - <<'PYTHON'
import io

import httpx
from PIL import Image, ImageDraw

sheet = Image.new("RGB", (400, 400), "white")
ImageDraw.Draw(sheet).ellipse((60, 80, 340, 320), outline="black", width=6)
drawing = io.BytesIO()
sheet.save(drawing, "PNG")
answer = httpx.post("http://127.0.0.1:8000/search?k=5", files={"sketch": drawing.getvalue()}).raise_for_status()
results = answer.json()["results"]
assert len(results) == 5, answer.text
print("a circle finds", ", ".join(result["path"] for result in results))
thumbnail = httpx.get(f"http://127.0.0.1:8000{results[0]['thumbnail_url']}").raise_for_status()
assert thumbnail.headers["content-type"] == "image/webp", thumbnail.headers
PYTHON
trap - EXIT
kill -TERM $server
# By the signal, once it has answered what it was asked.
wait $server || [ $? = 143 ]
echo "it stopped when it was told to"
