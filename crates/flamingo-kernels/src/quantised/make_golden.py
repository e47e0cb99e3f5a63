"""Makes golden.bin: blocks of every quantised format and the numbers that they stand for.

    pip install gguf==0.19.0 && python make_golden.py

For each format in the order of `QuantKind::ALL`: 256 numbers' worth of blocks, then 256 f32. The
bytes are random but for the scales, which are kept small and finite.
"""

import pathlib

import numpy as np
from gguf import GGMLQuantizationType as Type
from gguf.quants import dequantize

# Bytes of a block, and where in it its half-precision scales lie.
FORMATS = {
    Type.Q8_0: (34, [0]),
    Type.Q6_K: (210, [208]),
    Type.Q5_K: (176, [0, 2]),
    Type.Q4_K: (144, [0, 2]),
    Type.Q5_1: (24, [0, 2]),
    Type.Q5_0: (22, [0]),
    Type.Q4_1: (20, [0, 2]),
    Type.Q4_0: (18, [0]),
    Type.Q3_K: (110, [108]),
    Type.Q2_K: (84, [80, 82]),
}

random = np.random.default_rng(13)
out = b""
for kind, (size, halves) in FORMATS.items():
    count = 1 if kind.name.endswith("K") else 8
    blocks = random.integers(0, 256, (count, size), dtype=np.uint8)
    for at in halves:
        scales = random.normal(0, 0.05, count).astype(np.float16)
        blocks[:, at : at + 2] = scales.view(np.uint8).reshape(count, 2)
    numbers = dequantize(blocks.reshape(1, -1), kind).astype("<f4")
    assert numbers.size == 256 and np.isfinite(numbers).all()
    out += blocks.tobytes() + numbers.tobytes()
pathlib.Path(__file__).with_name("golden.bin").write_bytes(out)
