#!/usr/bin/env bash
# Builds a corpus with @WORKERS@ processes on this machine. What was killed goes on where it was: run this again.
set -euo pipefail

workers=()
trap 'kill "${workers[@]}" 2>/dev/null || true' INT TERM
for ((index = 0; index < @WORKERS@; index++)); do
  RANK=$index WORLD_SIZE=@WORKERS@ @COMMAND@ &
  workers+=($!)
done

status=0
for worker in "${workers[@]}"; do
  wait "$worker" || status=$?
done
exit "$status"
