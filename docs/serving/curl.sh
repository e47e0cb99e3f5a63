#!/bin/sh
# A chat, streamed, with curl: $1 is a picture, $BASE_URL the server's, such as http://127.0.0.1:8080/v1.
set -eu
image="data:image/png;base64,$(base64 -w0 "$1")"
curl -sSN --fail-with-body "$BASE_URL/chat/completions" -H 'Content-Type: application/json' -d @- <<END
{"model": "demo", "max_tokens": 8, "stream": true,
 "messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "$image"}}]}]}
END
