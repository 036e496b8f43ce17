"""Fixtures that every test may use."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.watch import started, watch_pipelines, watch_processes

ROOT = Path(__file__).resolve().parents[1]

collect_ignore = ["bench", "sample"]
"""Scripts, not tests; pytest would import them to look for examples in docstrings, and some need other tools."""


watch_processes()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Begin to watch a test."""
    watch_pipelines()
    started.clear()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    """Fail a test that starts a pipeline or a process, and so is slow, but is not marked for it."""
    yield
    if started and item.get_closest_marker("integration") is None:
        pytest.fail(f"it starts {started[0]}; mark it with @pytest.mark.integration", pytrace=False)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with measuring data beside the checkout; the test is skipped where there is none."""
    folder = ROOT.parent / "shared"
    if not (folder / "data").is_dir():
        pytest.skip("the measuring data is not on this machine")
    return folder


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run of the demo recipe with one worker. Read only: copy it to change it."""
    from pipelines.recipe.load import load
    from pipelines.run import run_recipe

    out = tmp_path_factory.mktemp("demo") / "run"
    run_recipe(load(ROOT / "configs" / "demo.yaml"), str(out), workers=1, quiet=True)
    return out


HOSTILE = (
    "<script>document.title='ran'</script><img src=https://evil.example/x.png onerror=alert(1)>",
    "\x1b]0;owned\x07\x1b[31mred\x1b[2J and \x9b31m",
    "\u202egnp.exe \u2066isolated \u2028 line",
    "---\nlicense: mit\n---\n# heading [link](javascript:alert(1))",
    "{{7*7}}${7*7} {% include '/etc/passwd' %}",
    "</pre></article></main><h1>escaped the box</h1>",
    "--> ]]> </style></title></textarea><svg onload=alert(2)>",
)
"""Beginnings of texts that try to act where they are shown."""


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of hostile documents in every role: kept, dropped, near duplicates, broken lines."""
    from pipelines.recipe.load import load
    from pipelines.run import run_recipe

    folder = tmp_path_factory.mktemp("hostile")
    words = " ".join(f"word{n} stands here" for n in range(60))
    rows = [
        {"id": text, "url": f"http://e.example/{text}", "text": f"{text} {words} {text}"} for text in HOSTILE
    ]
    rows += [{**row, "url": None, "text": f"{row['text']} and more"} for row in rows]
    rows += [{"id": text, "url": text, "text": text} for text in HOSTILE]
    measured = ROOT.parent / "shared" / "hostile" / "security" / "docs.jsonl"
    lines = [json.dumps(row) for row in rows] + ['{"text": "<script>alert(3)</script>']
    lines += measured.read_text().splitlines() if measured.exists() else []
    (folder / "docs<b>.jsonl").write_text("\n".join(lines) + "\n")
    (folder / "recipe.yaml").write_text(
        "name: hostile\n"
        "inputs: [{reader: jsonl, paths: ['docs<b>.jsonl'], source: '<i>source'}]\n"
        "steps: [{length: {min_words: 30}}]\n"
        "tokenizer: {vocab_size: 384}\npack: {seq_len: 256, validation: 0.2}\n"
    )
    run_recipe(load(folder / "recipe.yaml"), str(folder / "run"), workers=1, quiet=True)
    return folder / "run"
