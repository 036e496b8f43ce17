"""The model card of a quality classifier."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def card(facts: Mapping[str, Any]) -> str:
    """Return Markdown from what ``evaluation.json`` holds."""
    counts, middle = facts["examples"], facts["at_0.5"]
    lines = [
        "# Quality classifier",
        "",
        "A fastText model that gives the probability that a text belongs to the positive examples rather than to the "
        "negative ones. It knows words, not facts: it likes the topics and the style of the positive examples.",
        "",
        "| | |",
        "|---|---|",
        *(f"| {side} examples | {_list(facts['inputs'][side])} |" for side in ("positive", "negative")),
        f"| language | {facts['language'] or 'any'} |",
        f"| training, test | {facts['training_examples']:,} texts, {sum(counts.values()):,} texts never seen |",
        f"| settings | {', '.join(f'{name} {value}' for name, value in facts['settings'].items())}, one thread |",
        f"| model | {facts['model']['bytes']:,} bytes, sha256 `{facts['model']['sha256']}` |",
        "",
        "## On the test part",
        "",
        f"AUC {facts['auc']:.4f}. At a score of 0.5: precision {middle['precision']:.4f}, "
        f"recall {middle['recall']:.4f}. Expected calibration error {facts['calibration_error']:.4f}.",
        "",
        "| min_score | negatives kept | positives kept | precision |",
        "|---:|---:|---:|---:|",
        *(
            f"| {row['threshold']:.6f} | {row['negatives_kept']:.1%} | {row['recall']:.1%} | {row['precision']:.1%} |"
            for row in facts["operating_points"]
        ),
        "",
        "| scores from | texts | mean score | positive |",
        "|---:|---:|---:|---:|",
        *(
            f"| {row['from']:.1f} | {row['examples']:,} | {row['mean_score']:.3f} | {row['positive']:.3f} |"
            for row in facts["calibration"]
        ),
        "",
        "Both classes are equally frequent in training and test; in a crawl the positive one is rarer, so precision "
        "there is lower. Use it in a recipe:",
        "",
        "```yaml",
        "steps:",
        f"  - quality_model: {{model: model.bin, min_score: {facts['operating_points'][-1]['threshold']:.4f}}}",
        "```",
    ]
    return "\n".join(lines) + "\n"


def _list(inputs: list[str]) -> str:
    return ", ".join(f"`{entry}`" for entry in inputs).replace("|", "\\|")
