"""The YAML that a recipe may use: places are kept, traps are faults, and nothing is executed or expanded."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import nearest
from pipelines.recipe.tree import (
    MAX_CHARACTERS,
    MAX_DEPTH,
    Broken,
    Faults,
    Items,
    Node,
    Place,
    Scalar,
    Table,
    parse,
)

HERE = Place("r.yaml")


def read(text: str) -> tuple[Node, list[str]]:
    faults = Faults()
    return parse(text, HERE, faults), faults.lines()


def plain(node: Node) -> object:
    """The tree without places: text of scalars, None for what is broken."""
    if isinstance(node, Table):
        return {key: plain(child) for key, (_, child) in node.entries.items()}
    if isinstance(node, Items):
        return [plain(child) for child in node.nodes]
    return node.text if isinstance(node, Scalar) else None


def test_scalars_stay_text_and_remember_quotes() -> None:
    """YAML 1.1 would turn these into False, True, 8, 1000.0, None and 90."""
    tree, faults = read("a: [no, on, 010, 1e3, ~, 1:30, 'yes']")
    assert plain(tree) == {"a": ["no", "on", "010", "1e3", "~", "1:30", "yes"]}
    assert faults == []
    assert isinstance(tree, Table)
    items = tree.entries["a"][1]
    assert isinstance(items, Items)
    assert [node.plain for node in items.nodes if isinstance(node, Scalar)] == [True] * 6 + [False]


def test_every_node_knows_its_line() -> None:
    tree, _ = read("# comment\na: 1\nb:\n  - x\n  - {c: 2}\n")
    assert isinstance(tree, Table)
    assert str(tree.entries["a"][0]) == "r.yaml:2"
    items = tree.entries["b"][1]
    assert isinstance(items, Items)
    assert [str(node.at) for node in items.nodes] == ["r.yaml:4", "r.yaml:5"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: &x 1", "r.yaml:1: a: anchor &x is not allowed; write the value out where it is used"),
        ("a: *x", "r.yaml:1: a: alias *x is not allowed; write the value out"),
        ("a: !!str 1", "r.yaml:1: a: tag 'tag:yaml.org,2002:str' is not allowed; write the plain value"),
        ("a: !mine {b: 1}", "r.yaml:1: a: tag '!mine' is not allowed; write the plain value"),
        ("a: 1\nb: 2\na: 3", "r.yaml:3: a: key stands twice; first at r.yaml:1"),
        ("p:\n  - q: {s: 1,\n        s: 2}", "r.yaml:3: p[0].q.s: key stands twice; first at r.yaml:2"),
        ("? [1, 2]\n: 3", "r.yaml:1: a key must be plain text, not a list or a mapping"),
        ("a: 1\n---\nb: 2", "r.yaml:2: a second document; a recipe is one document"),
        ("a: [1\nb: 2", "r.yaml:2: not valid YAML: expected ',' or ']', but got ':'"),
        ("a: 'x", "r.yaml:1: not valid YAML: found unexpected end of stream"),
        ('a: 1\nb: "\\ud800"', "r.yaml:2: b: '\\ud800' holds half of a surrogate pair"),
        ('a: "x\\0"', "r.yaml:1: a: 'x\\x00' holds a NUL"),
        (
            "a" * (MAX_CHARACTERS + 1),
            "r.yaml: longer than 65,536 characters; use glob patterns for long lists of files",
        ),
        ("[" * (MAX_DEPTH + 1), f"r.yaml:1: nested deeper than {MAX_DEPTH} levels"),
    ],
)
def test_each_trap_is_a_fault_with_its_place(text: str, line: str) -> None:
    assert read(text)[1] == [line]


def test_a_control_character_is_a_fault_of_its_line() -> None:
    _, faults = read("a: 1\nb: \x07")
    assert len(faults) == 1
    assert faults[0].startswith("r.yaml:2: not valid YAML: unacceptable character #x0007")


def test_all_faults_are_found_in_one_pass() -> None:
    _, faults = read("a: &x 1\nb: *x\nc: !t 2\na: 3\n<<: *x\n")
    assert [line.split(":")[1] for line in faults] == ["1", "2", "3", "4", "5"]


def test_faults_before_a_broken_line_are_found_too() -> None:
    _, faults = read("a: &x 1\na: 2\nb: [1\nc: 2")
    assert [line.split(":")[1] for line in faults] == ["1", "2", "4"]


def test_an_override_has_no_lines() -> None:
    faults = Faults()
    parse("{a: 1,\n a: 2}", Place("--set x={a: 1, a: 2}", order=1), faults)
    assert faults.lines() == ["--set x={a: 1, a: 2}: a: key stands twice; first at --set x={a: 1, a: 2}"]


def test_an_empty_text_is_an_empty_scalar() -> None:
    for text in ("", "# only a comment\n", "---\n"):
        tree, faults = read(text)
        assert isinstance(tree, Scalar)
        assert tree.text == ""
        assert faults == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        "[" * 60_000,
        "- " * 30_000,
        "? " * 30_000,
        "{a: " * 15_000,
        "[" + "a," * 32_000 + "]",
        "\n".join(f"k{n}: v" for n in range(7_000)),
        "'" * 60_000,
        "&a " * 20_000,
        "#" * 60_000,
    ],
)
def test_hostile_text_ends_soon(text: str) -> None:
    began = time.process_time()
    read(text)
    assert time.process_time() - began < 10


@given(st.text() | st.text("ab: -[]{}&*!|>'\"%@`#\n\t,?0"))
def test_no_text_raises(text: str) -> None:
    """Whatever is written, the answer is a tree or at least one fault."""
    tree, faults = read(text)
    assert faults or not isinstance(tree, Broken)


@given(
    st.recursive(
        st.from_regex(r"[a-z0-9]{1,5}", fullmatch=True),
        lambda inner: st.lists(inner) | st.dictionaries(st.from_regex(r"[a-z]{1,3}", fullmatch=True), inner),
        max_leaves=20,
    )
)
def test_the_tree_is_what_was_written(value: object) -> None:
    """Flow style with quoted scalars means the same to anybody."""

    def write(part: object) -> str:
        if isinstance(part, dict):
            return "{" + ", ".join(f"{key}: {write(child)}" for key, child in part.items()) + "}"
        return "[" + ", ".join(map(write, part)) + "]" if isinstance(part, list) else f"'{part}'"

    tree, faults = read(write(value))
    assert faults == []
    assert plain(tree) == value


def test_nearest_names_one_or_all() -> None:
    assert nearest("gopher_qualty", ["gopher_quality", "c4"]) == "did you mean 'gopher_quality'?"
    assert nearest("zzz", ["b", "a"], "known steps") == "known steps: a, b"
    assert nearest("zzz", []) == "known keys: none"


@pytest.mark.shared
def test_the_code_in_evil_yaml_does_not_run(
    shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    _, faults = read((shared / "hostile" / "security" / "evil.yaml").read_text())
    assert faults == [
        "r.yaml:1: a: tag 'tag:yaml.org,2002:python/object/apply:os.system' is not allowed; write the plain value"
    ]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.shared
def test_an_alias_bomb_is_refused_at_once(shared: Path) -> None:
    """9^10 leaves when expanded; here each anchor and alias is one line of the message."""
    began = time.process_time()
    _, faults = read((shared / "hostile" / "security" / "alias_bomb.yaml").read_text())
    assert time.process_time() - began < 1
    assert "r.yaml:2: a1[0]: alias *a0 is not allowed; write the value out" in faults
