"""Times and scores text extractors on the pages of the article-extraction benchmark.

    pip install trafilatura resiliparse lxml_html_clean
    cargo build
    taskset -c 0 python docs/benchmarks/extractors.py FOLDER --flamingo target/debug/flamingo

FOLDER holds `ground-truth.json` and `html/ID.html.gz` of scrapinghub's article-extraction-benchmark. All run on
the one core that `taskset` gives, in turn, `--runs` times; the times are CPU seconds, the best of the runs. The
pages are unpacked to a folder first, so that no one's time holds gunzip; Python's holds neither its start nor the
reading of files, ours is that of the whole process, once on the pages and once on `--copies` of each.
"""

import argparse
import collections
import gzip
import json
import pathlib
import re
import resource
import statistics
import subprocess
import tempfile
import time

TOKEN = re.compile(r"\w+")


def shingles(text):
    tokens = TOKEN.findall(text or "")
    count = max(1, len(tokens) - 3)
    return collections.Counter(tuple(tokens[i : i + 4]) for i in range(count) if tokens)


def score(gold, found):
    """Precision, recall and F1 as the benchmark's own evaluate.py has them."""
    precisions, recalls = [], []
    for key, page in gold.items():
        true, pred = shingles(page["articleBody"]), shingles(found.get(key, ""))
        tp = sum((true & pred).values())
        fp, fn = sum((pred - true).values()), sum((true - pred).values())
        if tp + fp:
            precisions.append(tp / (tp + fp))
        if tp + fn:
            recalls.append(tp / (tp + fn))
    p, r = statistics.mean(precisions), statistics.mean(recalls)
    return p, r, 2 * p * r / (p + r)


def in_process(extract, pages):
    def run():
        start = time.process_time()
        found = {key: extract(page) for key, page in pages.items()}
        return time.process_time() - start, found

    return run


def flamingo(program, folder, copies):
    def run():
        output = folder.parent / "docs.jsonl"
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [program, "--threads", "1", "corpus", "extract", "--input", folder, "--output", output]
        subprocess.run(command, check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        found = {}
        for line in output.open(encoding="utf-8"):
            page = json.loads(line)
            texts = [part["text"] for part in page["parts"] if "text" in part and part.get("kind") != "caption"]
            found[pathlib.Path(page["id"]).name.removesuffix(".gz").removesuffix(".html")] = "\n".join(texts)
        return spent / copies, found

    return run


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("folder", type=pathlib.Path)
    arguments.add_argument("--flamingo", required=True)
    arguments.add_argument("--runs", type=int, default=3)
    arguments.add_argument("--copies", type=int, default=10)
    arguments = arguments.parse_args()
    gold = json.loads((arguments.folder / "ground-truth.json").read_text(encoding="utf-8"))
    pages = {key: gzip.open(arguments.folder / "html" / f"{key}.html.gz").read() for key in gold}

    import trafilatura
    from resiliparse.extract.html2text import extract_plain_text
    from resiliparse.parse.encoding import detect_encoding
    from resiliparse.parse.html import HTMLTree

    def resiliparse(page):
        tree = HTMLTree.parse_from_bytes(page, detect_encoding(page))
        return extract_plain_text(tree, main_content=True)

    with tempfile.TemporaryDirectory() as folder:
        once, often = pathlib.Path(folder) / "once", pathlib.Path(folder) / "often"
        for copy in range(arguments.copies):
            (often / str(copy)).mkdir(parents=True)
        once.mkdir()
        for key, page in pages.items():
            (once / f"{key}.html").write_bytes(page)
            for copy in range(arguments.copies):
                (often / str(copy) / f"{key}.html").write_bytes(page)
        runs = {
            "trafilatura": in_process(trafilatura.extract, pages),
            "resiliparse": in_process(resiliparse, pages),
            "resiliparse, of decoded text": in_process(
                lambda page: extract_plain_text(page.decode("utf-8", "replace"), main_content=True), pages
            ),
            "flamingo corpus extract": flamingo(arguments.flamingo, once, 1),
            f"flamingo corpus extract, {arguments.copies} copies of each": flamingo(
                arguments.flamingo, often, arguments.copies
            ),
        }
        best = {}
        for _ in range(arguments.runs):
            for name, run in runs.items():
                spent, found = run()
                if name not in best or spent < best[name][0]:
                    best[name] = (spent, found)
    megabytes = sum(map(len, pages.values())) / 1e6
    print(f"{len(pages)} pages, {megabytes:.1f} MB")
    print("| extractor | pages/s | MB/s | precision | recall | F1 |\n|---|---|---|---|---|---|")
    for name, (spent, found) in best.items():
        p, r, f1 = score(gold, found)
        print(f"| {name} | {len(pages) / spent:.0f} | {megabytes / spent:.0f} | {p:.3f} | {r:.3f} | {f1:.3f} |")


if __name__ == "__main__":
    main()
