"""The house: which folder may import which, and what stays out of light imports."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

FLOORS = ("filters", "tokenizer_training", "pipelines")
"""The packages, from the ground up: each may import those before it."""

ROOMS = (
    ("errors", "faults", "installed", "terminal"),
    ("beam",),
    ("store",),
    ("readers", "inputs"),
    ("recipe",),
    ("extraction",),
    ("work",),
    ("publish", "views", "quality"),
    ("stages",),
    ("run",),
    ("__main__", "cli", "commands"),
)
"""What lies in `pipelines`, from the ground up: each may import the rows before it, and what follows it in its row."""

Graph = dict[str, set[str]]


def modules(root: Path) -> dict[str, Path]:
    """The files of the three packages below a folder, by module name."""
    paths = [path for floor in FLOORS for path in sorted((root / floor).rglob("*.py"))]
    names = [
        ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__") for path in paths
    ]
    return dict(zip(names, paths, strict=True))


def imports(path: Path) -> set[str]:
    """Every name that a file imports at any depth: of `from a.b import c` both ``a.b`` and ``a.b.c``."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def import_graph(root: Path) -> Graph:
    """The modules that each module of the three packages imports. A package counts as imported only by its own name."""
    known = modules(root)
    graph = {}
    for module, path in known.items():
        names = imports(path)
        longer = {name.rpartition(".")[0] for name in names & known.keys()}
        graph[module] = {name for name in names & known.keys() if name != module and name not in longer}
    return graph


def place(module: str) -> tuple[int, int, int]:
    """Floor, row and place in the row of a module; a lower row, and a later place in a row, is further down."""
    floor, _, rest = module.partition(".")
    room = rest.partition(".")[0]
    if floor != "pipelines" or not room:
        return FLOORS.index(floor), 0, 0
    row = next((row for row, rooms in enumerate(ROOMS) if room in rooms), None)
    if row is None:
        raise LookupError(f"{module}: {room} has no place in ROOMS")
    return FLOORS.index(floor), row, -ROOMS[row].index(room)


def upward_imports(root: Path) -> list[str]:
    """Imports of what lies further up than the importing module."""
    return sorted(
        f"{module} imports {name}"
        for module, names in import_graph(root).items()
        for name in names
        if place(name) > place(module)
    )


def circles(graph: Graph) -> list[list[str]]:
    """The sets of modules that import each other, directly or through others."""
    reach: Graph = {}
    for start in graph:
        seen: set[str] = set()
        todo = [start]
        while todo:
            new = graph[todo.pop()] - seen
            seen |= new
            todo += new
        reach[start] = seen
    found = {tuple(sorted({b for b in reach[a] if a in reach[b]})) for a in graph if a in reach[a]}
    return sorted(list(circle) for circle in found)


def beam_outside_graphs(root: Path) -> list[str]:
    """Modules that import Beam, and are neither the engine nor a stage's graph."""
    return [
        module
        for module, path in modules(root).items()
        if any(name.split(".")[0] == "apache_beam" for name in imports(path))
        and not module.startswith("pipelines.beam.")
        and path.name != "graph.py"
    ]


def test_a_module_imports_only_what_lies_below() -> None:
    assert upward_imports(ROOT) == []


def test_no_modules_import_each_other() -> None:
    assert circles(import_graph(ROOT)) == []


def test_beam_is_imported_by_the_engine_and_by_graphs_only() -> None:
    assert beam_outside_graphs(ROOT) == []


def test_few_files_lie_outside_the_folders_of_pipelines() -> None:
    assert len(list((ROOT / "pipelines").glob("*.py"))) <= 8


PLANTED = {
    "filters/a.py": "def late():\n    from pipelines.store import manifest\n",
    "pipelines/store/b.py": "from pipelines import run\n",
    "pipelines/inputs/c.py": "import pipelines.readers.d\n",
    "pipelines/readers/d.py": "from pipelines.inputs import c\n",
    "pipelines/store/manifest.py": "import apache_beam as beam\n",
    "pipelines/run.py": "",
    "pipelines/stages/dedup/graph.py": "import apache_beam\n",
}


def test_the_guards_find_what_is_planted(tmp_path: Path) -> None:
    for name, text in PLANTED.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert upward_imports(tmp_path) == [
        "filters.a imports pipelines.store.manifest",
        "pipelines.inputs.c imports pipelines.readers.d",
        "pipelines.store.b imports pipelines.run",
    ]
    assert circles(import_graph(tmp_path)) == [["pipelines.inputs.c", "pipelines.readers.d"]]
    assert beam_outside_graphs(tmp_path) == ["pipelines.store.manifest"]


def test_a_room_without_a_place_is_a_fault() -> None:
    with pytest.raises(LookupError, match="attic has no place"):
        place("pipelines.attic.trunk")


@pytest.mark.integration
@pytest.mark.parametrize("module", ["filters.judge", "filters.gopher_quality", "tokenizer_training.loader"])
def test_light_modules_load_no_heavy_library(module: str) -> None:
    heavy = ["apache_beam", "torch", "huggingface_hub", "pipelines"]
    code = f"import sys, {module}; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


def test_sizes_and_docstrings() -> None:
    """Files stay below 400 lines, functions below 60; every module has a docstring (ruff asks for the others)."""
    faults = []
    for path in modules(ROOT).values():
        tree = ast.parse(path.read_text())
        if len(path.read_text().splitlines()) > 400:
            faults.append(f"{path}: more than 400 lines")
        if ast.get_docstring(tree) is None:
            faults.append(f"{path}: no docstring")
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                length = (node.end_lineno or 0) - node.lineno + 1
                if length > 60:
                    faults.append(f"{path}:{node.lineno}: {node.name} has {length} lines")
    assert not faults, "\n".join(faults)
