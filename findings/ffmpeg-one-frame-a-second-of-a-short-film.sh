#!/usr/bin/env bash
# FFmpeg's one frame a second of a short film is no frame at all, or two, depending on how it is asked.
#
# Expected: taken at one frame a second, a film of less than a second gives the one picture that it shows at its start,
# whichever option asks for it.
# Seen: the filter `fps=1` rounds times to the nearest second, so a film of under half a second gives nothing, with exit
# status 0 and not a word at log level `error`; `-r 1` of the same films gives two pictures, or one of a film of one frame.
# Of 1.6 s the filter gives two and `-r 1` three. So "frames at 1/s" of a set of clips loses the shortest ones, or counts
# their last picture as one second later.
#
# Needs python3. Another version of the package that brings the program: `bash THIS_FILE 0.8.2` (imageio-ffmpeg).
set -euo pipefail

version=${1:-0.8.1}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

python3 -m venv python
python/bin/pip install --quiet --no-deps "imageio-ffmpeg==$version"

cat >count.py <<'PY'
import subprocess
import sys

import imageio_ffmpeg

WIDTH, HEIGHT, RATE = 64, 48, 25
ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
print(subprocess.check_output([ffmpeg, "-version"], text=True).splitlines()[0])


def run(*arguments):
    done = subprocess.run([ffmpeg, "-v", "error", *arguments], capture_output=True, check=True)
    assert not done.stderr, done.stderr
    return done.stdout


def frames(*arguments):
    raw = ("-f", "rawvideo", "-pix_fmt", "gray", "-")
    return len(run("-i", "film.mp4", *arguments, *raw)) // (WIDTH * HEIGHT)


same = True
# Frames of the film; how many the filter and the option gave when this was written.
for count, filtered, rated in [(1, 0, 1), (10, 0, 2), (12, 0, 2), (13, 1, 2), (20, 1, 2), (40, 2, 3)]:
    source = f"testsrc=size={WIDTH}x{HEIGHT}:rate={RATE}"
    run("-y", "-f", "lavfi", "-i", source, "-frames:v", str(count), "-c:v", "mpeg4", "film.mp4")
    seen = frames("-vf", "fps=1"), frames("-r", "1")
    assert frames() == count
    print(f"{count / RATE:.2f} s, {count} frames: fps=1 gives {seen[0]}, -r 1 gives {seen[1]}")
    same &= seen == (filtered, rated)
print("still so" if same else "changed")
sys.exit(not same)
PY
python/bin/python count.py
