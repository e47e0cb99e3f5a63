#!/usr/bin/env bash
# The tokeniser of coco-caption gives a caption tokens that depend on the next caption, and can give it to another picture.
#
# Expected: the tokens of a caption depend on that caption, and the n-th caption's tokens are given to the n-th picture.
# Seen: (1) all captions go through one text, a caption a line, and initials at the end of a caption lose their full stop
# if the next caption begins with a word that begins a sentence, with a capital. (2) a line separator (U+2028) within a
# caption ends its line, so that every caption after it is given to the picture before its own, without a word. Scores of a
# set can change with the order of its pictures, and one caption can spoil the scores of all that follow.
#
# Needs python3 and java. Another version: `bash THIS_FILE 1.3` (pycocoevalcap).
set -euo pipefail

version=${1:-1.2}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

python3 -m venv python
python/bin/pip install --quiet --no-deps "pycocoevalcap==$version"

cat >look.py <<'PY'
import sys

from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer


def tokens(captions):
    told = PTBTokenizer().tokenize({image: [{"caption": text}] for image, text in enumerate(captions)})
    return [told.get(image) for image in range(len(captions))]


before_the = tokens(["peak K.", "The hill"])
before_small = tokens(["peak K.", "the hill"])
separated = tokens(["a goat\u2028stands", "two geese", "a bell"])
print("'peak K.' before 'The hill':", before_the[0])
print("'peak K.' before 'the hill':", before_small[0])
print("three captions, the first with U+2028:", separated)
same = before_the[0] != before_small[0] and separated == [["a goat"], ["stands"], ["two geese"]]
sys.exit(0 if same else 1)
PY

python/bin/pip show pycocoevalcap | grep '^Version'
java -version 2>&1 | head -1
python/bin/python look.py 2>python.log || { cat python.log; exit 1; }
