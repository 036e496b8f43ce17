"""``corpusmill train-quality``."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

from pipelines.commands.command import Command, positive


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    for side, what in (("positive", "wanted texts"), ("negative", "unwanted texts")):
        parser.add_argument(
            f"--{side}",
            action="append",
            required=True,
            metavar="READER:PATTERN",
            help=f"{what}, or an input as in a recipe: {{reader: jsonl, paths: [a.jsonl], limit: 1000}}",
        )
    parser.add_argument("--out", default="runs/quality", help="output folder (default: runs/quality)")
    parser.add_argument(
        "--language",
        default="en",
        metavar="CODE",
        help="language of the texts; any = all languages (default: en)",
    )
    parser.add_argument(
        "--most",
        type=positive,
        default=100_000,
        metavar="N",
        help="use at most N texts of each class (default: 100,000)",
    )
    parser.add_argument(
        "--held-out",
        type=float,
        default=0.1,
        metavar="SHARE",
        help="share of texts for the test (default: 0.1)",
    )
    parser.add_argument(
        "--epochs", type=positive, metavar="N", help="passes over the texts (default: 5; more for few texts)"
    )
    parser.add_argument(
        "--dimensions",
        type=positive,
        default=100,
        metavar="N",
        help="size of the word vectors (default: 100)",
    )
    parser.add_argument(
        "--learning-rate", type=float, default=0.5, metavar="RATE", help="at the start (default: 0.5)"
    )
    parser.add_argument(
        "--word-ngrams", type=positive, default=1, metavar="N", help="2 = also pairs of words (default: 1)"
    )
    parser.add_argument(
        "--workers",
        type=positive,
        default=os.cpu_count() or 1,
        metavar="N",
        help="number of processes that read",
    )
    parser.add_argument("--quiet", action="store_true", help="show no progress")


def _handle(options: argparse.Namespace) -> int:
    from pipelines.errors import RecipeError
    from pipelines.quality.card import Inputs
    from pipelines.quality.examples import read_examples, recipe_of, split
    from pipelines.quality.train import HOME, TrainingSettings, train
    from pipelines.run import run_recipe
    from pipelines.store.storage import Storage

    if not 0 < options.held_out < 1:
        raise RecipeError(f"--held-out must be a share between 0 and 1; found {options.held_out}")
    language = None if options.language == "any" else options.language
    recipe = recipe_of(Path(options.out), options.positive, options.negative, language)
    quiet = options.quiet or options.json
    run_recipe(recipe, options.out, options.workers, until="filter", quiet=quiet)
    storage = Storage(options.out)
    training, test = split(read_examples(storage, options.most), options.held_out)
    settings = TrainingSettings(
        options.epochs, options.dimensions, options.learning_rate, options.word_ngrams
    )
    inputs = Inputs(positive=options.positive, negative=options.negative)
    facts = train(storage, training, test, settings, inputs, language)
    if options.json:
        print(json.dumps(facts))
    else:
        middle = facts["at_0.5"]
        print(
            f"AUC {facts['auc']:.4f}, precision {middle['precision']:.4f}, recall {middle['recall']:.4f} at 0.5"
        )
        print(
            f"{options.out}/{HOME}: model.bin, evaluation.json, README.md (the card says which score keeps how much)"
        )
    return 0


COMMAND = Command(
    "train-quality",
    "train a fastText classifier for wanted and unwanted texts",
    (
        "train-quality --positive wikipedia:dumps/*.xml.bz2 --negative warc:crawl/*.warc.gz --out runs/quality",
        "train-quality --positive '{reader: jsonl, paths: [good.jsonl], limit: 5000}' --negative wet:crawl/*.wet.gz",
    ),
    _add_arguments,
    _handle,
)
