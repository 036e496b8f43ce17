"""Measure tokenizer training: seconds and memory of the trainer for some million distinct words.

    python tests/bench/train_tokenizer.py [--words 2000000] [--vocab-size 65536]

Words are made up, letter by letter by the letters before, from real ones; counts follow Zipf's law. So pieces,
pairs and lengths are like those of a language, while there are as many distinct words as one asks for.
"""

from __future__ import annotations

import argparse
import re
import resource
import sys
import tempfile
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np

from tokenizer_training.model import train as module
from tokenizer_training.model.words import WordCounter, word_table

SAMPLE = Path(__file__).resolve().parents[1] / "sample" / "texts"
ORDER = 3


def make_words(count: int) -> list[str]:
    """Return distinct words from a chain of letters that was learned from the sample texts."""
    counter = WordCounter()
    for path in sorted(SAMPLE.glob("*/*.txt")):
        counter.add("x", path.read_text(encoding="utf-8"))
    follows: dict[str, Counter[str]] = defaultdict(Counter)
    for word in counter.take()[0]["word"].to_pylist():
        padded = "\0" * ORDER + word + "\0"
        for at in range(ORDER, len(padded)):
            follows[padded[at - ORDER : at]][padded[at]] += 1
    letters = {state: list(found.elements()) for state, found in follows.items()}
    random = np.random.default_rng(0)
    words: dict[str, None] = {}
    while len(words) < count:
        for draws in random.random((100_000, 24)):
            word = "\0" * ORDER
            for draw in draws:
                choices = letters[word[-ORDER:]]
                letter = choices[int(draw * len(choices))]
                if letter == "\0":
                    break
                word += letter
            words[word[ORDER:]] = None
    words.pop("", None)
    return list(words)[:count]


def main(arguments: list[str]) -> None:
    """Make the words, train, and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--words", type=int, default=2_000_000)
    parser.add_argument("--vocab-size", type=int, default=65_536)
    options = parser.parse_args(arguments)
    words = make_words(options.words)
    counts = word_table({"x": {word: 1 + 10**7 // (n + 1) for n, word in enumerate(words)}})
    print(f"{counts.num_rows:,} distinct words, {np.mean([len(word) for word in words]):.1f} characters each")
    with tempfile.NamedTemporaryFile() as peak:
        # A child's ru_maxrss begins with its parent's; what it needs itself stands in its status.
        child = f"{module._CHILD}\nopen({peak.name!r}, 'w').write(open('/proc/self/status').read())"
        module._CHILD = child
        begin = _cpu_seconds()
        trained = module.train(counts, options.vocab_size)
        own, sentencepiece = (after - before for after, before in zip(_cpu_seconds(), begin, strict=True))
        memory = re.search(r"VmHWM:\s+(\d+)", Path(peak.name).read_text())
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(
        f"{trained.vocab_size:,} pieces; SentencePiece {sentencepiece:.0f} CPU s and "
        f"{int(memory[1]) / 1024 if memory else 0:,.0f} MB; before it {own:.0f} CPU s and {most / 1024:,.0f} MB"
    )


def _cpu_seconds() -> tuple[float, float]:
    """Return CPU seconds of this process and of its finished children."""
    times = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    own, children = (found.ru_utime + found.ru_stime for found in times)
    return own, children


if __name__ == "__main__":
    main(sys.argv[1:])
