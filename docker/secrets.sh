#!/bin/sh
# Makes the passwords that compose.yaml's cluster asks for: docker/secrets.sh [FOLDER, or ./secrets]. Those that are
# there stay. Only you may enter the folder; the files can be read by all, since containers run as other users.
set -eu
folder=${1:-secrets}
mkdir -p "$folder"
chmod 700 "$folder"
make() {
  [ ! -e "$folder/$1" ] || return 0
  printf '%s%s\n' "$2" "$(head -c 200 /dev/urandom | LC_ALL=C tr -dc a-zA-Z0-9 | head -c 32)" >"$folder/$1"
  chmod 444 "$folder/$1"
}
make root root:
make writer writer:
make reader reader:
make minio ""
echo "passwords are in $folder"
