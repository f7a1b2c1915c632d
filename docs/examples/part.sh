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

stop='' child=''
end() {
    stop=1
    [ -z "$child" ] || kill -TERM "$child" 2>/dev/null || :
}
trap end TERM INT

while [ -z "$stop" ]; do
    sketchseek index "$PHOTOS" --partition "$part/$OF" --index "$PARTS/$part" --quiet "$@" &
    child=$!
    # The signal may have come before there was a child.
    [ -z "$stop" ] || end
    status=0
    wait "$child" || status=$?
    # It ends the wait, but the run first commits its batch.
    while kill -0 "$child" 2>/dev/null; do
        status=0
        wait "$child" || status=$?
    done
    child=''
    # 75: another process holds this part, such as one that outlived its machine; its lock ends with it.
    [ "$status" -eq 75 ] || exit "$status"
    left=${WAIT:-30}
    echo "part $part is in use; trying again in $left s" >&2
    while [ "$left" -gt 0 ] && [ -z "$stop" ]; do
        sleep 1
        left=$((left - 1))
    done
done
exit 75
