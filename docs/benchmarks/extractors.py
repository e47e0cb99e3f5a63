"""Scores text extractors on public pages, and times them.

    pip install trafilatura resiliparse readability-lxml lxml_html_clean
    for repository in scrapinghub/article-extraction-benchmark adbar/trafilatura mozilla/readability kepano/defuddle
    do git clone --depth 1 https://github.com/$repository
    done
    cargo build
    python docs/benchmarks/extractors.py --flamingo target/debug/flamingo \
        article-extraction-benchmark trafilatura readability defuddle
    taskset -c 0 python docs/benchmarks/extractors.py --flamingo target/debug/flamingo --speed \
        article-extraction-benchmark

Without `--speed`: precision, recall and F1 of each extractor on each source, which is told by the files in its folder.
A source's own score is taken where it has one:

- article-extraction-benchmark: runs of four words, means over pages (its evaluate.py);
- trafilatura (tests/eval): marked segments that must and must not be in the text, counted over all pages (its
  tests/eval_common.py);
- readability (test/test-pages) and defuddle (tests/fixtures) have expected documents and no score: runs of four words,
  too. What they expect is what those two extractors have written, read over by their authors.

Captions are not counted as text for ours, which gives them to their pictures.

With `--speed`: all run on the one core that `taskset` gives, in turn, `--runs` times; the times are CPU seconds, the
best of the runs. The pages are unpacked to a folder first, so that no one's time holds gunzip; Python's holds neither
its start nor the reading of files, ours is that of the whole process, once on the pages and once on `--copies` of each.
"""

import argparse
import collections
import gzip
import importlib.metadata
import json
import pathlib
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time

import lxml.html
import readability
import trafilatura
from resiliparse.extract.html2text import extract_plain_text
from resiliparse.parse.encoding import detect_encoding
from resiliparse.parse.html import HTMLTree
from trafilatura.utils import decode_file

TOKEN = re.compile(r"\w+")
BLOCKS = "blockquote br dd div dt figcaption figure h1 h2 h3 h4 h5 h6 hr li ol p pre section table td th tr ul".split()

Source = collections.namedtuple("Source", "name pages score")


# The sources: pages by their key, and what scores the texts found on them.


def article_extraction(folder):
    truth = json.loads((folder / "ground-truth.json").read_text(encoding="utf-8"))
    pages = {key: gzip.open(folder / "html" / f"{key}.html.gz").read() for key in truth}
    gold = {key: page["articleBody"] for key, page in truth.items()}
    return Source("article-extraction-benchmark", pages, lambda found: shingle_score(gold, found))


def trafilatura_pages(folder):
    segments = json.loads((folder / "tests" / "evaldata.json").read_text(encoding="utf-8"))
    pages = {}
    for key, page in segments.items():
        places = [folder / "tests" / place / page["file"] for place in ("cache", "eval")]
        pages[key] = next(place for place in places if place.is_file()).read_bytes()
    return Source("trafilatura's pages", pages, lambda found: segment_score(segments, found))


def readability_pages(folder):
    folders = sorted((folder / "test" / "test-pages").iterdir())
    pages = {page.name: (page / "source.html").read_bytes() for page in folders}
    gold = {page.name: text_of((page / "expected.html").read_text(encoding="utf-8")) for page in folders}
    return Source("Readability's pages", pages, lambda found: shingle_score(gold, found))


def defuddle_pages(folder):
    expected = sorted((folder / "tests" / "expected").glob("*.md"))
    fixtures = {path.stem: folder / "tests" / "fixtures" / f"{path.stem}.html" for path in expected}
    pages = {key: path.read_bytes() for key, path in fixtures.items() if path.is_file()}
    gold = {path.stem: text_of_markdown(path.read_text(encoding="utf-8")) for path in expected if path.stem in pages}
    return Source("Defuddle's pages", pages, lambda found: shingle_score(gold, found))


def open_source(folder):
    for file, read in {
        "ground-truth.json": article_extraction,
        "tests/evaldata.json": trafilatura_pages,
        "test/test-pages": readability_pages,
        "tests/fixtures": defuddle_pages,
    }.items():
        if (folder / file).exists():
            return read(folder)
    sys.exit(f"{folder} is none of the repositories that the head of this script names")


def text_of(html):
    """The text of HTML, its blocks on lines of their own."""
    tree = lxml.html.document_fromstring(html)
    for block in tree.iter(BLOCKS):
        block.text = "\n" + (block.text or "")
        block.tail = "\n" + (block.tail or "")
    return tree.text_content()


def text_of_markdown(text):
    text = re.sub(r"\A```json\n.*?\n```\n", "", text, flags=re.DOTALL)
    text = re.sub(r"!\[[^\]]*\]\([^)]*\)", "", text)
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    return re.sub(r"<[^>]+>", "", text)


# Their scores.


def shingles(text):
    tokens = TOKEN.findall(text or "")
    count = max(1, len(tokens) - 3)
    return collections.Counter(tuple(tokens[i : i + 4]) for i in range(count) if tokens)


def shingle_score(gold, found):
    precisions, recalls = [], []
    for key, text in gold.items():
        true, pred = shingles(text), shingles(found.get(key, ""))
        tp = sum((true & pred).values())
        fp, fn = sum((pred - true).values()), sum((true - pred).values())
        if tp + fp:
            precisions.append(tp / (tp + fp))
        if tp + fn:
            recalls.append(tp / (tp + fn))
    p, r = statistics.mean(precisions), statistics.mean(recalls)
    return p, r, 2 * p * r / (p + r)


def segment_score(segments, found):
    tp = fp = fn = 0
    for key, page in segments.items():
        text = " ".join(found.get(key, "").split())
        hits = [sum(" ".join(segment.split()) in text for segment in page[kind]) for kind in ("with", "without")]
        tp, fp, fn = tp + hits[0], fp + hits[1], fn + len(page["with"]) - hits[0]
    return tp / (tp + fp), tp / (tp + fn), 2 * tp / (2 * tp + fp + fn)


# The extractors.


def resiliparse(page):
    return extract_plain_text(HTMLTree.parse_from_bytes(page, detect_encoding(page)), main_content=True)


def resiliparse_of_text(page):
    return extract_plain_text(page.decode("utf-8", "replace"), main_content=True)


def readability_lxml(page):
    return text_of(readability.Document(decode_file(page)).summary())


def trafilatura_alone(page):
    return trafilatura.extract(page, include_comments=False)


def in_process(extract, pages):
    """CPU seconds, and the texts; a page on which an extractor fails has none."""
    start, found = time.process_time(), {}
    for key, page in pages.items():
        try:
            found[key] = extract(page) or ""
        except Exception as error:
            print(f"{extract.__name__}: {key}: {type(error).__name__}: {error}", file=sys.stderr)
    return time.process_time() - start, found


def flamingo(program, pages, copies=1):
    """CPU seconds of the whole process for one copy, and the texts."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        output = folder / "docs.jsonl"
        keys = {f"{number:04}.html": key for number, key in enumerate(pages)}
        for copy in range(copies):
            (folder / "pages" / str(copy)).mkdir(parents=True)
            for name, key in keys.items():
                (folder / "pages" / str(copy) / name).write_bytes(pages[key])
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [program, "--threads", "1", "corpus", "extract", "--input", folder / "pages", "--output", output]
        subprocess.run(command, check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        found = {}
        for line in output.open(encoding="utf-8"):
            page = json.loads(line)
            texts = [part["text"] for part in page["parts"] if "text" in part and part.get("kind") != "caption"]
            found[keys[pathlib.Path(page["id"]).name]] = "\n".join(texts)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / copies, found


def compare(source, program):
    rows = {
        f"{package} {importlib.metadata.version(package)}": lambda extract=extract: in_process(extract, source.pages)
        for package, extract in {
            "trafilatura": trafilatura_alone,
            "resiliparse": resiliparse,
            "readability-lxml": readability_lxml,
        }.items()
    }
    rows["`flamingo corpus extract`"] = lambda: flamingo(program, source.pages)
    for name, run in rows.items():
        found = run()[1]
        empty = sum(not found.get(key, "").strip() for key in source.pages)
        p, r, f1 = source.score(found)
        print(f"| {source.name}, {len(source.pages)} | {name} | {p:.3f} | {r:.3f} | {f1:.3f} | {empty} |", flush=True)


def measure_speed(source, program, runs, copies):
    rows = {
        "trafilatura": lambda: in_process(trafilatura.extract, source.pages),
        "resiliparse": lambda: in_process(resiliparse, source.pages),
        "resiliparse, of decoded text": lambda: in_process(resiliparse_of_text, source.pages),
        "flamingo corpus extract": lambda: flamingo(program, source.pages),
        f"flamingo corpus extract, {copies} copies of each": lambda: flamingo(program, source.pages, copies),
    }
    best = {}
    for _ in range(runs):
        for name, run in rows.items():
            spent, found = run()
            if name not in best or spent < best[name][0]:
                best[name] = (spent, found)
    megabytes = sum(map(len, source.pages.values())) / 1e6
    print(f"{len(source.pages)} pages, {megabytes:.1f} MB")
    print("| extractor | pages/s | MB/s | precision | recall | F1 |\n|---|---|---|---|---|---|")
    for name, (spent, found) in best.items():
        p, r, f1 = source.score(found)
        print(
            f"| {name} | {len(source.pages) / spent:.0f} | {megabytes / spent:.0f} | {p:.3f} | {r:.3f} | {f1:.3f} |"
        )


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("folders", type=pathlib.Path, nargs="+", help="the repositories, as they were cloned")
    arguments.add_argument("--flamingo", required=True, help="the program")
    arguments.add_argument("--speed", action="store_true", help="time them instead")
    arguments.add_argument("--runs", type=int, default=3)
    arguments.add_argument("--copies", type=int, default=10)
    arguments = arguments.parse_args()
    sources = [open_source(folder) for folder in arguments.folders]
    if arguments.speed:
        for source in sources:
            measure_speed(source, arguments.flamingo, arguments.runs, arguments.copies)
        return
    print("| pages | extractor | precision | recall | F1 | empty |\n|---|---|---|---|---|---|")
    for source in sources:
        compare(source, arguments.flamingo)


if __name__ == "__main__":
    main()
