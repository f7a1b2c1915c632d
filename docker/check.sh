#!/usr/bin/env bash
# Builds the images with docker or buildah, runs what they are for, and says how large they are. make containers calls it.
#   GPU=build|resolve|no   the gpu target: all of it (10 GB), whether its packages can be had (default), or nothing
#   PIP_INDEX_URL=...      a mirror of PyPI
#   CA_FILE=...            certificates that the build shall trust, with buildah  [the machine's own]
set -euo pipefail
cd "$(dirname "$0")/.."
: "${GPU:=resolve}" "${CA_FILE:=/etc/ssl/certs/ca-certificates.crt}" "${MOST_MB:=700}"
BASE=$(sed -n 's/^ARG BASE=//p' docker/Dockerfile)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

main() {
  if docker info >/dev/null 2>&1; then
    tool=docker
  elif [ "$(id -u)" = 0 ] && command -v buildah >/dev/null; then
    tool=buildah
  else
    echo "SKIPPED: no Docker engine runs here, and there is no buildah (apt-get install buildah debootstrap, as root)"
    exit 0
  fi
  echo "== with $tool"
  "base_$tool"
  build cpu
  build demo
  build cluster
  case $GPU in
    build) build gpu ;;
    resolve) resolve_gpu ;;
  esac
  echo "== running it read-only, without a network"
  "confined_$tool" <docker/inside.sh | tee "$scratch/said"
  grep -q "^it stopped when it was told to" "$scratch/said"
  client
  sizes
  compose
  echo "== containers: all is well"
}

base_docker() { :; }

# Where no registry of images can be reached, the base is made of the packages that it consists of anyway.
base_buildah() {
  buildah inspect --type image "$BASE" >/dev/null 2>&1 && return
  timeout 120 buildah pull --quiet "$BASE" 2>/dev/null && return
  echo "== $BASE cannot be pulled: debootstrap makes one like it"
  local release=${BASE##*:} root=$scratch/base container
  debootstrap --variant=minbase "${release%-slim}" "$root" "${DEBIAN_MIRROR:-http://deb.debian.org/debian}" \
    >"$scratch/debootstrap.log" || { tail "$scratch/debootstrap.log"; exit 1; }
  rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/*.bin "$root"/var/cache/apt/archives/*.deb \
    "$root"/usr/share/{doc,man,info,locale}/*
  container=$(buildah from scratch)
  buildah add --quiet "$container" "$root" / >/dev/null
  buildah config --cmd bash "$container"
  buildah commit --quiet --rm "$container" "$BASE" >/dev/null
  rm -rf "$root"
}

build() {
  echo "== building $1"
  local options=(--file docker/Dockerfile --target "$1" --tag "sketchseek:$1")
  options+=(--build-arg "REVISION=$(git rev-parse HEAD 2>/dev/null || echo unknown)")
  [ -z "${PIP_INDEX_URL:-}" ] || options+=(--build-arg "PIP_INDEX_URL=$PIP_INDEX_URL")
  if [ $tool = docker ]; then
    docker build "${options[@]}" .
    return
  fi
  [ ! -f "$CA_FILE" ] || options+=(--volume "$CA_FILE:/run/host.crt:ro" --build-arg PIP_CERT=/run/host.crt)
  buildah build --isolation chroot --format docker --layers --pull-never "${options[@]}" . \
    >"$scratch/build.log" 2>&1 || { tail -n 40 "$scratch/build.log"; exit 1; }
}

# Without fetching gigabytes: pip is asked whether the packages exist for the image's Python and fit one another.
resolve_gpu() {
  echo "== gpu: which packages it would install (GPU=build builds it)"
  build build-cpu
  local ask='python3 requirements.py gpu raw >/tmp/gpu.txt && python3 -m venv /tmp/pip &&
    /tmp/pip/bin/pip install --quiet --dry-run --ignore-installed --report /tmp/plan.json -r /tmp/gpu.txt >&2 &&
    python3 -c "
import json
plan = [item[\"metadata\"] for item in json.load(open(\"/tmp/plan.json\"))[\"install\"]]
print(len(plan), \"packages,\", *(p[\"name\"] + \" \" + p[\"version\"] for p in plan if p[\"name\"].startswith((\"torch\", \"faiss\"))))"'
  if [ $tool = docker ]; then
    docker run --rm --entrypoint sh sketchseek:build-cpu -c "$ask"
    return
  fi
  local container
  container=$(buildah from --pull-never localhost/sketchseek:build-cpu)
  buildah run --isolation chroot --volume "$CA_FILE:/run/host.crt:ro" "$container" -- sh -c "$ask" || exit 1
  buildah rm "$container" >/dev/null
}

confined_docker() {
  docker run --rm --interactive --read-only --network none --cap-drop ALL --security-opt no-new-privileges \
    --tmpfs /tmp --tmpfs /index:mode=1777 --entrypoint sh sketchseek:demo -s
}

# buildah runs commands, but knows neither read-only roots nor no network: both are asked of the kernel.
confined_buildah() {
  local container root
  container=$(buildah from --pull-never localhost/sketchseek:demo)
  buildah run --isolation chroot "$container" -- sketchseek --version </dev/null
  root=$(buildah mount "$container")
  local environment
  environment=$(buildah inspect --format '{{range .OCIv1.Config.Env}}{{.}} {{end}}' "$container")
  # shellcheck disable=SC2086
  unshare --mount --net --pid --fork --kill-child sh -euc '
    root=$1; shift
    ip link set lo up 2>/dev/null || python3 -c "
import fcntl, socket, struct
fcntl.ioctl(socket.socket(), 0x8914, struct.pack(\"16sh14x\", b\"lo\", 1))"
    mount --bind "$root" "$root"
    mount --options remount,bind,ro "$root"
    mount --types tmpfs tmpfs "$root/tmp"
    mount --types tmpfs --options mode=1777 tmpfs "$root/index"
    mount --types proc proc "$root/proc"
    mount --rbind /dev "$root/dev"
    mount --rbind /sys "$root/sys"
    exec env --ignore-environment "$@" "$(command -v chroot)" --userspec=10001:10001 "$root" /bin/sh -s
  ' sh "$root" $environment
  buildah rm "$container" >/dev/null
}

# Milvus is not started here; tests do so elsewhere.
client() {
  echo "== the client of Milvus"
  local container ask=(/opt/sketchseek/bin/python3 -c
    'import pymilvus, sys; sys.path.append("/opt"); import milvus_users; print("pymilvus", pymilvus.__version__)')
  if [ $tool = docker ]; then
    docker run --rm --read-only --network none --entrypoint "${ask[0]}" sketchseek:cluster "${ask[@]:1}"
    return
  fi
  container=$(buildah from --pull-never localhost/sketchseek:cluster)
  buildah run --isolation chroot "$container" -- "${ask[@]}" </dev/null
  buildah rm "$container" >/dev/null
}

sizes() {
  echo "== sizes"
  local name megabytes
  for name in cpu demo cluster gpu; do
    megabytes=$("megabytes_$tool" "sketchseek:$name") || megabytes=
    [ -z "$megabytes" ] || echo "$name: $megabytes MB"
    if [ $name = cpu ] && [ "$megabytes" -gt "$MOST_MB" ]; then
      echo "the cpu image is larger than $MOST_MB MB" >&2
      exit 1
    fi
  done
}

megabytes_docker() {
  docker image inspect --format '{{.Size}}' "$1" 2>/dev/null | awk '{ printf "%.0f", $1 / 1e6 }'
}

megabytes_buildah() {
  buildah images --format '{{.Size}}' "localhost/$1" 2>/dev/null |
    awk '{ printf "%.0f", $1 * ($2 == "GB" ? 1000 : $2 == "KB" ? 0.001 : 1) }'
}

compose() {
  echo "== compose.yaml"
  if docker compose version >/dev/null 2>&1; then
    docker compose --profile gpu --profile job --profile cluster config --quiet
    PHOTOS=/tmp docker compose --profile gpu --profile job --profile cluster config --quiet
  else
    check-jsonschema --builtin-schema vendor.compose-spec compose.yaml
  fi
}

main
