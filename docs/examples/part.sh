#!/bin/sh
# One part of a library, for schedulers that number their tasks: a Slurm array, an indexed job of Kubernetes.
#
#   PHOTOS  the photo folder, under the same path on all machines
#   PARTS   a folder on storage that all of them share
#   OF      how many parts there are
#
# Exits as sketchseek index does. Run again, it does what is left; a part that is done takes seconds.
set -eu
: "${PHOTOS:?}" "${PARTS:?}" "${OF:?}"
part=${SLURM_ARRAY_TASK_ID:-$((${JOB_COMPLETION_INDEX:?not a task of an array} + 1))}

stop=
trap 'stop=1; kill -TERM "$child" 2>/dev/null || :' TERM INT

# 75: another process holds this part, such as one that outlived its machine; its lock ends with it.
status=75
while [ "$status" -eq 75 ] && [ -z "$stop" ]; do
    sketchseek index "$PHOTOS" --partition "$part/$OF" --index "$PARTS/$part" --quiet "$@" &
    child=$!
    status=0
    wait "$child" || status=$?
    # A signal interrupts the wait, and the run commits its batch before it ends.
    while kill -0 "$child" 2>/dev/null; do
        wait "$child" || status=$?
    done
    if [ "$status" -eq 75 ] && [ -z "$stop" ]; then
        echo "part $part is in use; trying again in ${WAIT:=30} s" >&2
        sleep "$WAIT" &
        child=$!
        wait "$child" || :
    fi
done
exit "$status"
