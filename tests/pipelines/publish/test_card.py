"""Cards: the Hub can read the front matter, and nothing from a run can break out of its place."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pipelines.publish.markdown import render, table, text
from pipelines.publish.public_recipe import public_recipe
from pipelines.publish.publish import PARTS, Contents, Target, prepare
from pipelines.publish.repo_tables import language_config
from pipelines.store.storage import Storage

TARGET = Target("me/demo", PARTS)


def prepared(run: Path, tmp_path: Path) -> list[Contents]:
    shutil.copytree(run, tmp_path / "run")
    return prepare(Storage(tmp_path / "run"), TARGET)


def front(card: str) -> dict[str, object]:
    """The front matter, found as the Hub finds it."""
    found = re.match(r"---\n(.*?)\n---\n", card, flags=re.DOTALL)
    assert found
    read = yaml.safe_load(found[1])
    assert isinstance(read, dict)
    return read


@pytest.mark.integration
def test_the_front_matter_names_every_configuration(demo: Path, tmp_path: Path) -> None:
    dataset, model = prepared(demo, tmp_path)
    read = front(dataset.card)
    names = [config["config_name"] for config in read["configs"]]  # type: ignore[attr-defined]
    assert {"en", "de", "sample", "dropped", "ledger", "shards"} <= set(names)
    assert [c["config_name"] for c in read["configs"] if c.get("default")] == ["en"]  # type: ignore[attr-defined]
    assert read["license"] == "other", "a crawl and Wikipedia have no licence in common"
    assert "ODC-By" in dataset.card
    assert "CC BY-SA 4.0" in dataset.card
    assert front(model.card)["datasets"] == ["me/demo"]
    assert "Measured on a sample of the finished documents" in model.card


@pytest.mark.integration
def test_no_folder_of_this_machine_is_published(demo: Path, tmp_path: Path) -> None:
    for contents in prepared(demo, tmp_path):
        for file in contents.files:
            if isinstance(file.content, bytes):
                assert str(tmp_path).encode() not in file.content
                assert b"tests/sample" not in file.content


@pytest.mark.integration
def test_hostile_names_break_nothing(hostile: Path, tmp_path: Path) -> None:
    dataset, model = prepared(hostile, tmp_path)
    for card in (dataset.card, model.card):
        read = front(card)
        assert read["license"] == "other"
        assert read.get("language", []) == []
        outside_code = re.sub(r"^    .*$", "", card.partition("\n---\n")[2], flags=re.MULTILINE)
        assert "<" not in outside_code
        assert "\x1b" not in card
        assert "\u202e" not in card
    for file in dataset.files:
        assert re.fullmatch(r"[A-Za-z0-9_./-]+", file.path)
        assert ".." not in file.path
    plain = json.loads(next(f.content for f in dataset.files if f.path == "corpusmill.json"))
    assert plain["recipe"]["name"] == "hostile"


def test_a_recipe_keeps_names_and_loses_folders_and_keys() -> None:
    inputs = [
        {
            "paths": ["/home/me/a.warc.gz", "https://u:pw@host/x.gz?sig=1", "crawl/*.gz"],
            "files": [{"name": "a"}],
        }
    ]
    recipe = {"inputs": inputs, "dedup": {"against": ["../runs/old"]}, "unit_mb": 32}
    assert public_recipe(recipe) == {
        "inputs": [{"paths": ["a.warc.gz", "https://host/x.gz", "crawl/*.gz"], "files": ["a"]}],
        "dedup": {"against": ["old"]},
        "unit_mb": 32,
    }


@given(st.text())
def test_a_cell_is_one_cell_whatever_it_says(value: str) -> None:
    (_, _, line) = table(("a", "b"), [(value, 1)]).split("\n")
    assert line.count("|") == 3
    assert not re.search(r"[<>\x00-\x1f\x7f-\x9f\u202a-\u202e]", line)


@pytest.mark.parametrize("value", ["[x](javascript:alert(1))", "`code`", "# head", "![i](http://e.example)"])
def test_no_text_is_markdown(value: str) -> None:
    assert not re.search(r"(?<!\\)[\[\]`#*_]", text(value).replace("&#", ""))


def test_a_template_escapes_every_value() -> None:
    facts = {
        "model_type": "bpe",
        "vocab_size": "384",
        "tokenizer_repo": "me/t",
        "languages": [("<i>", 1, 2, 3, 4)],
    }
    page = render("model.md", name="a|b <b> [x](y)\n---", repo="me/my_set", versions=["x <1>"], **facts)
    assert page.startswith("# Tokenizer of a&#124;b &lt;b&gt; &#91;x&#93;(y) ---\n")
    assert "[me/my\\_set](https://huggingface.co/datasets/me/my_set)" in page
    assert "| &lt;i&gt; | 1 | 2 | 3 | 4 |" in page
    assert page.endswith("Versions: x &lt;1&gt;.\n")


@given(st.text())
def test_a_language_configuration_is_a_plain_name(label: str) -> None:
    assert re.fullmatch(r"[a-zA-Z_-]+", language_config(label))
