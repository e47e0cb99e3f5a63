#!/usr/bin/env bash
# Submits the stages of a corpus, each when the one before is done. What was killed or failed goes on where it was:
# run this again.
set -euo pipefail

submit() {
  sbatch --parsable --cpus-per-task=@CPUS@ --mem=@MEMORY@G --time=@HOURS@:00:00 "$@"
}

read=$(submit --job-name=corpus-read --array=0-@LAST@ --wrap=@READ@)
join=$(submit --job-name=corpus-join --dependency="afterok:$read" --wrap=@JOIN@)
write=$(submit --job-name=corpus-write --dependency="afterok:$join" --array=0-@LAST@ --wrap=@WRITE@)
submit --job-name=corpus-finish --dependency="afterok:$write" --wrap=@FINISH@
