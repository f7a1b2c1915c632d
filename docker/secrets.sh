#!/bin/sh
# Makes the passwords that compose.yaml's cluster asks for: docker/secrets.sh [FOLDER, or ./secrets]. Those that are
# there stay. Only you may enter the folder; the files can be read by all, since containers run as other users.
set -eu
folder=${1:-secrets}
mkdir -p "$folder"
chmod 700 "$folder"
make() {
  [ ! -e "$folder/$1" ] || return 0
  # As hex digits: picking letters out of random bytes yields too few of them now and then.
  secret=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
  [ ${#secret} = 32 ] || { echo "$folder/$1: od gave no 16 bytes of /dev/urandom" >&2; exit 1; }
  rm -f "$folder/.$1"  # of a call that was killed
  printf '%s%s\n' "$2" "$secret" >"$folder/.$1"
  chmod 444 "$folder/.$1"
  mv -f "$folder/.$1" "$folder/$1"
}
make root root:
make writer writer:
make reader reader:
make minio ""
echo "passwords are in $folder"
