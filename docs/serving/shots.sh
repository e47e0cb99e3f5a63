#!/bin/sh
# Shots that the server holds, sent once and named in each request. Arguments: pictures named for what they show, the
# last is the question; $BASE_URL as for the others.
set -eu
root="${BASE_URL%/v1}"
url() { printf 'data:image/png;base64,%s' "$(base64 -w0 "$1")"; }
lines=$(mktemp)
while [ "$#" -gt 1 ]; do
    name=$(basename "$1" .png)
    printf '{"parts": [{"image": "%s"}, {"text": "Output: %s"}, {"end": true}]}\n' "$(url "$1")" "$name" >> "$lines"
    shift
done
curl -sS --fail-with-body "$root/shots/mine" -H 'Content-Type: application/jsonl' --data-binary "@$lines"
echo
printf '{"parts": [{"image": "%s"}, {"text": "Output:"}], "shots": {"set": "mine", "count": 2}}' "$(url "$1")" |
    curl -sS --fail-with-body -D - "$root/ask" -H 'Content-Type: application/json' -d @- | grep -iE 'x-flamingo-shots|"text"'
rm "$lines"
