"""Compares the pictures that the program reads with those of other libraries, byte by byte, and times the reading.

    pip install pillow==13.0.0 numpy opencv-python-headless
    cargo build -p flamingo-image --example seen
    python docs/benchmarks/pictures.py PICTURE...
    taskset -c 0 python docs/benchmarks/pictures.py --speed PICTURE...

Each PICTURE (any that Pillow opens; photographs tell most) is written in each format and layout, read by the program and
by each library that is installed, and the largest difference of a byte, the mean, and the share of bytes that differ are
printed. OpenCV turns no colours into transparency, so it is compared where there is none. JPEGs are compared at a half, a
quarter and an eighth of their size, too (Pillow's `draft`; progressive ones at a half).

With `--speed`: CPU milliseconds of `--runs` readings of each file, for Pillow (libjpeg-turbo with its vector code) and
the program, the best of three.
"""

import argparse
import io
import json
import pathlib
import resource
import subprocess
import tempfile

import numpy as np
import PIL
from PIL import Image

try:
    import cv2
except ImportError:
    cv2 = None


def relaid(jpeg, *factors):
    """The file with other sampling factors and as many blocks in each unit as before: layouts that Pillow does not
    write. Colours move to other places, which is all the same to a decoder."""
    data, at = bytearray(jpeg), 2
    while data[at + 1] not in (0xC0, 0xC2):
        at += 2 + int.from_bytes(data[at + 2:at + 4], "big")
    height, width = (int.from_bytes(data[at + n:at + n + 2], "big") for n in (5, 7))
    across, down = data[at + 11] >> 4, data[at + 11] & 15
    width = -(-width // (8 * across)) * 8 * max(h for h, v in factors)
    height = -(-height // (8 * down)) * 8 * max(v for h, v in factors)
    data[at + 5:at + 9] = height.to_bytes(2, "big") + width.to_bytes(2, "big")
    for k, (h, v) in enumerate(factors):
        data[at + 11 + 3 * k] = h << 4 | v
    return bytes(data)


def saved(image, kind, **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def files(image):
    """The picture in each format: name, ending, bytes."""
    image = image.convert("RGB")
    holes = image.copy()
    holes.putalpha(image.convert("L"))
    quality = {"quality": 85}
    c420, c422 = (saved(image, "JPEG", subsampling=layout, **quality) for layout in ("4:2:0", "4:2:2"))
    inks = Image.merge("CMYK", (*image.split(), image.convert("L").point(lambda v: v // 2)))
    yield "JPEG 4:2:0", "jpg", c420
    yield "JPEG 4:2:2", "jpg", c422
    yield "JPEG 4:4:4", "jpg", saved(image, "JPEG", subsampling="4:4:4", **quality)
    yield "JPEG 4:4:0", "jpg", relaid(c422, (1, 2), (1, 1), (1, 1))
    yield "JPEG 4:1:1", "jpg", relaid(c420, (4, 1), (1, 1), (1, 1))
    yield "JPEG 4:2:0, progressive", "jpg", saved(image, "JPEG", progressive=True, **quality)
    yield "JPEG 4:4:4, progressive", "jpg", saved(image, "JPEG", subsampling="4:4:4", progressive=True, **quality)
    yield "JPEG, grey", "jpg", saved(image.convert("L"), "JPEG", **quality)
    yield "JPEG, CMYK", "jpg", saved(inks, "JPEG", **quality)
    yield "PNG", "png", saved(image, "PNG")
    yield "PNG, palette", "png", saved(image.quantize(200), "PNG")
    yield "PNG, transparency", "png", saved(holes, "PNG")
    yield "GIF", "gif", saved(image.quantize(200), "GIF")
    yield "WebP, lossy", "webp", saved(image, "WEBP", quality=80)
    yield "WebP, lossless", "webp", saved(image, "WEBP", lossless=True)
    yield "WebP, transparency", "webp", saved(holes, "WEBP", quality=80, exact=True)


def by_pillow(data, divisor=1):
    image = Image.open(io.BytesIO(data))
    if divisor > 1:
        image.draft(None, [side // divisor for side in image.size])
    return np.asarray(image.convert("RGB"))


def by_opencv(data, divisor=1):
    reduced = {1: 0, 2: cv2.IMREAD_REDUCED_COLOR_2, 4: cv2.IMREAD_REDUCED_COLOR_4, 8: cv2.IMREAD_REDUCED_COLOR_8}
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION | reduced[divisor]
    image = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    return None if image is None else image[:, :, ::-1]


def seen(program, data, ending, preprocess=None, divisor=1):
    """What the program sees of a file: its colours."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "file." + ending)
        path.write_bytes(data)
        settings = [json.dumps(preprocess)] if preprocess else []
        settings += [f"1/{divisor}"] if divisor > 1 else []
        subprocess.run([program, *settings, folder, path], check=True)
        return np.asarray(Image.open(f"{path}.png").convert("RGB"))


def compare(program, pictures):
    libraries = {f"Pillow {PIL.__version__}": by_pillow}
    if cv2:
        libraries[f"OpenCV {cv2.__version__}"] = by_opencv
    found = {}
    for picture in pictures:
        image = Image.open(picture)
        for name, ending, data in files(image):
            divisors = [1, 2, 4, 8] if ending == "jpg" else [1]
            for divisor in divisors[:2] if "progressive" in name else divisors:
                ours = seen(program, data, ending, divisor=divisor).astype(int)
                kind = name + ", reduced" * (divisor > 1)
                for library, read in libraries.items():
                    theirs = read(data, divisor)
                    if theirs is None or theirs.shape != ours.shape or (library[0] == "O" and "transparency" in name):
                        continue
                    found.setdefault((kind, library), []).append(np.abs(ours - theirs))
        # All that Pillow does to the pixels of an IDEFICS model, in its version's order.
        name = "resized to a square of 224"
        data = saved(image.convert("RGB"), "PNG")
        order = "cheaper" if int(PIL.__version__.split(".")[0]) >= 13 else "width_first"
        ours = seen(program, data, "png", {"size": 224, "fit": "squash", "pass_order": order}).astype(int)
        theirs = np.asarray(image.convert("RGB").resize((224, 224), Image.BICUBIC))
        found.setdefault((name, next(iter(libraries))), []).append(np.abs(ours - theirs))
    print("| format | " + " | ".join(libraries) + " |")
    print("|---" * (1 + len(libraries)) + "|")
    for name in dict.fromkeys(name for name, _ in found):
        cells = []
        for library in libraries:
            values = [difference.ravel() for difference in found.get((name, library), [])]
            values = np.concatenate(values) if values else None
            if values is None:
                cells.append("")
            elif values.max() == 0:
                cells.append("equal")
            else:
                cells.append(f"{values.max()} (mean {values.mean():.3f}, {(values > 0).mean():.1%})")
        print(f"| {name} | " + " | ".join(cells) + " |")


def used(who):
    usage = resource.getrusage(who)
    return usage.ru_utime + usage.ru_stime


def speed(program, pictures, runs):
    print("| format | Pillow, ms | ours, ms | |")
    print("|---|---|---|---|")
    times = {}
    for picture in pictures:
        for name, ending, data in files(Image.open(picture)):
            with tempfile.NamedTemporaryFile(suffix="." + ending) as file:
                file.write(data)
                file.flush()
                ours, theirs = [], []
                for _ in range(3):
                    begun = used(resource.RUSAGE_SELF)
                    for _ in range(runs):
                        Image.open(io.BytesIO(data)).convert("RGB")
                    theirs.append(used(resource.RUSAGE_SELF) - begun)
                    spans = []
                    for times_read in (0, runs):
                        begun = used(resource.RUSAGE_CHILDREN)
                        subprocess.run([program, str(times_read), file.name], check=True)
                        spans.append(used(resource.RUSAGE_CHILDREN) - begun)
                    ours.append(spans[1] - spans[0])
            sums = times.setdefault(name, [0, 0])
            sums[0] += min(theirs) / runs * 1000
            sums[1] += min(ours) / runs * 1000
    for name, (theirs, ours) in times.items():
        print(f"| {name} | {theirs:.1f} | {ours:.1f} | {ours / theirs:.2f} |")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", default="target/debug/examples/seen")
    parser.add_argument("--speed", action="store_true")
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("pictures", nargs="+")
    arguments = parser.parse_args()
    if arguments.speed:
        speed(arguments.program, arguments.pictures, arguments.runs)
    else:
        compare(arguments.program, arguments.pictures)


main()
