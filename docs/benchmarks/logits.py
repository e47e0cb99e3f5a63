"""Compares what models expect after prompts with pictures in files: the program and the models' own code, from the file
on.

    pip install torch==2.5.1 transformers==4.35.2 open_clip_torch==2.20.0 open_flamingo==2.0.1    # or, for IDEFICS,
    pip install torch==2.5.1 transformers==4.45.2
    cargo build && cargo build --example expects
    python docs/benchmarks/logits.py --open-flamingo CASE PICTURE...
    python docs/benchmarks/logits.py --idefics CASE PICTURE...

CASE is a directory as `flamingo weights verify` takes it: a model with `checkpoint.pt`, `lm/` and `clip/` (an open_clip
configuration beside its weights), or one of transformers' IDEFICS. Each PICTURE is written in each format, upright, tall
and wide; a prompt with one picture and one with two are read by both. The table has the largest difference of a
log-probability of any token of the vocabulary behind any token of the prompts. Its last row, as a measure of the others,
has how far the model's own of the first format are from those that it has of black pictures.

The order in which a picture's sides are resized is that of the Pillow that is installed.
"""

import argparse
import json
import pathlib
import subprocess
import tempfile
import warnings

import numpy as np
import PIL
import torch
from PIL import Image

warnings.filterwarnings("ignore")
TEXTS = ["Output:", "Question: What color is the car? Short answer:"]


def shapes(image):
    """The picture as it is, and squeezed to a tall and to a wide one."""
    width, height = image.size
    yield image
    yield image.resize((width // 4, height))
    yield image.resize((width, height // 3))


def files(image, folder, number):
    """The picture in each format: name and path."""
    for k, image in enumerate(shapes(image.convert("RGB"))):
        holes = image.copy()
        holes.putalpha(image.convert("L").point(lambda v: 0 if v < 60 else min(255, 2 * v)))
        keyed = image.quantize(100)
        options = {"transparency": 3}
        for name, ending, kind, picture, more in [
            ("JPEG 4:2:0", "420.jpg", "JPEG", image, {"quality": 85, "subsampling": "4:2:0"}),
            ("JPEG 4:2:0, progressive", "p.jpg", "JPEG", image, {"quality": 70, "progressive": True}),
            ("JPEG, grey", "grey.jpg", "JPEG", image.convert("L"), {"quality": 85}),
            ("PNG", "png", "PNG", image, {}),
            ("PNG, transparency", "rgba.png", "PNG", holes, {}),
            ("PNG, palette with transparency", "p.png", "PNG", keyed, options),
            ("GIF", "gif", "GIF", image.quantize(200), {}),
            ("GIF, transparency", "keyed.gif", "GIF", keyed, options),
            ("WebP, lossy", "webp", "WEBP", image, {"quality": 80}),
            ("WebP, transparency", "rgba.webp", "WEBP", holes, {"lossless": True, "exact": True}),
        ]:
            path = pathlib.Path(folder, f"{number}.{k}.{ending}")
            picture.save(path, kind, **more)
            yield name, path


def documents(path, first):
    """A prompt with one picture, and one with another before it."""
    question = [{"image": str(path)}, {"text": TEXTS[0]}]
    return [question, [{"image": str(first)}, {"text": TEXTS[1] + " red"}, {"end": True}, *question]]


class OpenFlamingo:
    has_end = True

    def __init__(self, case, converted_first):
        import open_clip
        from open_flamingo import create_model_and_transforms

        case = pathlib.Path(case)
        said = json.loads((case / "expected.json").read_text())
        (config,) = (case / "clip").glob("*.json")
        open_clip.add_model_config(config)
        weights = case / "clip" / "open_clip_pytorch_model.bin"
        self.model, self.transform, self.tokenizer = create_model_and_transforms(
            clip_vision_encoder_path=config.stem, clip_vision_encoder_pretrained=str(weights),
            lang_encoder_path=str(case / "lm"), tokenizer_path=str(case / "lm"),
            cross_attn_every_n_layers=said["cross_attn_every_n_layers"])
        self.model.load_state_dict(torch.load(case / "checkpoint.pt", weights_only=False), strict=False)
        self.model.eval()
        self.converted_first = converted_first

    def opened(self, path):
        image = Image.open(path)
        return self.transform(image.convert("RGB") if self.converted_first else image)

    def expects(self, parts):
        words = {"image": lambda _: "<image>", "text": str, "end": lambda _: "<|endofchunk|>"}
        text = "".join(words[kind](value) for part in parts for kind, value in part.items())
        ids = self.tokenizer(text, return_tensors="pt")["input_ids"]
        pixels = torch.stack([self.opened(part["image"]) for part in parts if "image" in part])
        logits = self.model(vision_x=pixels[None, :, None], lang_x=ids, attention_mask=torch.ones_like(ids).bool()).logits
        return ids[0].tolist(), torch.log_softmax(logits[0], -1).numpy()


class Idefics:
    has_end = False

    def __init__(self, case):
        from transformers import AutoTokenizer, IdeficsForVisionText2Text, IdeficsImageProcessor, IdeficsProcessor

        self.model = IdeficsForVisionText2Text.from_pretrained(case).eval()
        self.processor = IdeficsProcessor(IdeficsImageProcessor.from_pretrained(case), AutoTokenizer.from_pretrained(case))

    def expects(self, parts):
        prompt = [Image.open(part["image"]) if "image" in part else part.get("text", "") for part in parts]
        prompt = [part for part in prompt if part != ""]
        read = self.processor([prompt], return_tensors="pt", add_end_of_utterance_token=False)
        logits = self.model(**read, use_cache=False).logits
        return read["input_ids"][0].tolist(), torch.log_softmax(logits[0], -1).numpy()


def converted(program, case, folder, **preprocess):
    """The model as the program has it, with these settings of how it sees pictures."""
    subprocess.run([program, "weights", "convert", case, "--out", folder, "--dtype", "f32"], check=True, capture_output=True)
    path = pathlib.Path(folder, "flamingo.json")
    model = json.loads(path.read_text())
    order = "cheaper" if int(PIL.__version__.split(".")[0]) >= 13 else "width_first"
    model["preprocess"].update(preprocess, pass_order=order)
    model["version"] = max(model["version"], 5)
    path.write_text(json.dumps(model))
    return folder


@torch.no_grad()
def compare(arguments, peer, **preprocess):
    differences, blank = {}, 0.0
    with tempfile.TemporaryDirectory() as folder:
        model = converted(arguments.program, peer[0], str(pathlib.Path(folder, "model")), **preprocess)
        kinds, prompts, first = [], [], None
        for number, picture in enumerate(arguments.pictures):
            for kind, path in files(Image.open(picture), folder, number):
                first = first or path
                kinds += [kind, kind]
                prompts += documents(path, first)
        black = pathlib.Path(folder, "black.png")
        Image.new("RGB", (64, 64)).save(black)
        if not peer[1].has_end:
            prompts = [[part for part in prompt if "end" not in part] for prompt in prompts]
        path = pathlib.Path(folder, "prompts.jsonl")
        path.write_text("".join(json.dumps({"parts": prompt}) + "\n" for prompt in prompts))
        read = subprocess.run([arguments.expects, model, str(path)], check=True, capture_output=True, text=True)
        for kind, prompt, line in zip(kinds, prompts, read.stdout.splitlines(), strict=True):
            ours = json.loads(line)
            ids, theirs = peer[1].expects(prompt)
            assert ours["tokens"] == ids, (prompt, ours["tokens"], ids)
            difference = np.abs(np.array(ours["log_probabilities"]) - theirs).max()
            differences[kind] = max(differences.get(kind, 0.0), float(difference))
            if kind == kinds[0]:
                dark = [{"image": str(black)} if "image" in part else part for part in prompt]
                blank = max(blank, float(np.abs(peer[1].expects(dark)[1] - theirs).max()))
    return differences, blank


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", default="target/debug/flamingo")
    parser.add_argument("--expects", default="target/debug/examples/expects")
    parser.add_argument("--open-flamingo")
    parser.add_argument("--idefics")
    parser.add_argument("pictures", nargs="+")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    columns = {}
    if case := arguments.open_flamingo:
        evaluated, trained = (OpenFlamingo(case, first) for first in (False, True))
        columns["open_flamingo, evaluation"] = compare(arguments, (case, evaluated), conversion="after_resize")
        columns["open_flamingo, training"] = compare(arguments, (case, trained))
    if case := arguments.idefics:
        columns["IDEFICS"] = compare(arguments, (case, Idefics(case)))
    print(f"Pillow {PIL.__version__}, PyTorch {torch.__version__}")
    print("| format | " + " | ".join(columns) + " |")
    print("|---" * (1 + len(columns)) + "|")
    for kind in next(iter(columns.values()))[0]:
        print(f"| {kind} | " + " | ".join(f"{found[kind]:.1e}" for found, _ in columns.values()) + " |")
    print("| *were the pictures black* | " + " | ".join(f"{blank:.2f}" for _, blank in columns.values()) + " |")


main()
