"""One training step of the demo's language model in PyTorch: the shapes of recipes/demo/language.toml
(4 layers of 128, 4 heads, half of each head rotated, tied head of 2,746 tokens, 32 rows of 64 tokens),
AdamW, gradients clipped. Prints seconds per step: median over the second half of the steps.

    python language_step.py --threads 1 --steps 60
"""
import argparse
import math
import statistics
import time

import torch
import torch.nn.functional as F
from torch import nn

D, HEADS, LAYERS, VOCABULARY, ROWS, LENGTH = 128, 4, 4, 2746, 32, 64
HEAD = D // HEADS
ROTATED = HEAD // 2


def rotate(x, cos, sin):
    half = ROTATED // 2
    a, b, rest = x[..., :half], x[..., half:ROTATED], x[..., ROTATED:]
    return torch.cat([a * cos - b * sin, b * cos + a * sin, rest], -1)


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(D), nn.LayerNorm(D)
        self.qkv, self.out = nn.Linear(D, 3 * D, bias=False), nn.Linear(D, D, bias=False)
        self.up, self.down = nn.Linear(D, 4 * D), nn.Linear(4 * D, D)

    def forward(self, x, cos, sin):
        b, l, _ = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(b, l, 3, HEADS, HEAD).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(rotate(q, cos, sin), rotate(k, cos, sin), v, is_causal=True)
        x = x + self.out(y.transpose(1, 2).reshape(b, l, D))
        return x + self.down(F.gelu(self.up(self.norm2(x)), approximate="tanh"))


class Language(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(VOCABULARY, D)
        nn.init.normal_(self.embed.weight, std=D**-0.5)
        self.layers = nn.ModuleList(Layer() for _ in range(LAYERS))
        self.norm = nn.LayerNorm(D)
        angles = torch.arange(LENGTH)[:, None] * 10000 ** (-torch.arange(0, ROTATED, 2) / ROTATED)
        self.register_buffer("cos", angles.cos())
        self.register_buffer("sin", angles.sin())

    def forward(self, ids):
        x = self.embed(ids)
        for layer in self.layers:
            x = layer(x, self.cos, self.sin)
        return self.norm(x) @ self.embed.weight.T


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--threads", type=int, default=1)
    arguments.add_argument("--steps", type=int, default=60)
    options = arguments.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    model = Language()
    optimiser = torch.optim.AdamW(model.parameters(), lr=2e-3, betas=(0.9, 0.98), weight_decay=0.05)
    seconds = []
    for _ in range(options.steps):
        ids = torch.randint(5, VOCABULARY, (ROWS, LENGTH + 1))
        start = time.perf_counter()
        logits = model(ids[:, :-1])
        loss = F.cross_entropy(logits.reshape(-1, VOCABULARY), ids[:, 1:].reshape(-1))
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        seconds.append(time.perf_counter() - start)
    assert math.isfinite(loss.item())
    print(f"{statistics.median(seconds[len(seconds) // 2 :]):.3f}")


if __name__ == "__main__":
    main()
