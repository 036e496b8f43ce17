"""Cells of the fault matrix: break a run on purpose, run it again, and compare every byte with a clean run.

A cell is done in forks of this process, which has the libraries loaded and their code compiled, so it takes about
a second instead of ten. It starts from a snapshot of the run before its stage, so only that stage is done. The
report, half the work of so small a run, is written with every fault that its file can have, but without content.
"""

from __future__ import annotations

import contextlib
import gc
import os
import shutil
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from pipelines import faults
from pipelines.cli import main
from pipelines.faults import Plan
from pipelines.stages.extract import stage as extract
from pipelines.store.storage import sha256_of
from pipelines.views.report.page import Report

ROOT = Path(__file__).resolve().parents[2]
RECIPE = ROOT / "tests" / "faults" / "recipe.yaml"
DEMO = ROOT / "configs" / "demo.yaml"
STAGES = ("extract", "filter", "dedup", "train-tokenizer", "pack")
OWN_TO_A_RUN = ("run.json", "report.html", "work/lock", "work/log.txt")
"""Files that differ between two runs with equal output."""
PATIENCE_S = 120
"""A command that takes longer hangs; it is then ended by SIGALRM."""


class Noting(Plan):
    """Breaks nothing; notes the names of the fail points passed in the count file.

    Args:
        point: pattern of the names that count.
    """

    def __init__(self, point: str) -> None:
        super().__init__(point, 0, "")

    def passage(self, point: str) -> None:
        """Note a passage."""
        if fnmatchcase(point, self.point) and self.count_file is not None:
            with Path(self.count_file).open("a") as file:
                file.write(point + "\n")


@dataclass
class Ended:
    """How a command ended.

    Attributes:
        code: its exit code, or minus the signal that ended it.
        said: what it wrote to stdout and stderr.
        passed: names of the fail points that a `Noting` plan noted, in order.
    """

    code: int
    said: str
    passed: list[str]


@dataclass
class Bench:
    """A folder with snapshots of the clean run after each stage, and room for cells.

    Attributes:
        folder: everything lies below it.
        recipe: the recipe of all cells.
        flags: Beam flags of all commands.
    """

    folder: Path
    recipe: Path = RECIPE
    flags: tuple[str, ...] = ()
    trees: dict[str, dict[str, str]] = field(default_factory=dict)

    def prepare(self) -> None:
        """Make the snapshots, and load and compile in this process whatever a run needs."""
        shutil.rmtree(self.folder / "warm", ignore_errors=True)
        with contextlib.suppress(SystemExit):
            main(["run", str(self.recipe), "--out", str(self.folder / "warm"), "--workers", "1", "--quiet"])
        before: Path | None = None
        for stage in STAGES:
            now = self.snapshot(stage)
            shutil.rmtree(now, ignore_errors=True)
            if before is not None:
                shutil.copytree(before, now)
            ended = self.run(stage, now)
            if ended.code:
                raise RuntimeError(f"the clean run failed at {stage}: {ended.said}")
            self.remember(stage, now)
            before = now
        gc.freeze()  # a fork then need not copy what it only looks at

    def remember(self, stage: str, out: Path) -> None:
        """Take a folder's files for those of a clean run up to a stage."""
        self.trees[stage] = tree(out)

    def snapshot(self, stage: str) -> Path:
        """Return the folder of the clean run up to and including a stage."""
        return self.folder / f"clean-{stage}"

    def start(self, stage: str, name: str) -> Path:
        """Return a fresh copy of the run before a stage."""
        out = self.folder / name
        shutil.rmtree(out, ignore_errors=True)
        position = STAGES.index(stage)
        if position:
            shutil.copytree(self.snapshot(STAGES[position - 1]), out)
        return out

    def run(self, until: str, out: Path, plan: Plan | None = None) -> Ended:
        """Do the stages up to `until` in a fork of this process."""
        flags = ["--", *self.flags] if self.flags else []
        command = [until, str(self.recipe), "--out", str(out), "--workers", "1", "--quiet", *flags]
        return in_fork(command, self.folder / "log", plan)


def in_fork(command: list[str], log: Path, plan: Plan | None) -> Ended:
    """Run the command line in a fork of this process, with a planned fault."""
    counts = log.with_suffix(".counts")
    counts.unlink(missing_ok=True)
    if plan is not None:
        plan.count_file = str(counts)
    child = os.fork()
    if not child:
        _be_child(command, log, plan)
    _, status = os.waitpid(child, 0)
    passed = counts.read_text().splitlines() if isinstance(plan, Noting) and counts.exists() else []
    return Ended(os.waitstatus_to_exitcode(status), log.read_text(errors="replace"), passed)


def _be_child(command: list[str], log: Path, plan: Plan | None) -> None:
    code = 99
    try:
        os.setpgid(0, 0)
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        for descriptor in (1, 2):
            os.dup2(output, descriptor)
        # pytest has put others in their place
        sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
        extract.extractor_of.cache_clear()  # its child belongs to the parent
        Report.page = lambda _: "no content"  # type: ignore[method-assign]
        signal.alarm(PATIENCE_S)
        faults.plan = plan
        main(command)
    except SystemExit as ended:
        code = int(ended.code or 0)
    except BaseException:  # a traceback is what the cell must then show
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def tree(out: Path) -> dict[str, str]:
    """Return the sha256 of every file of a run, marks and temporaries included, by path."""
    files = (path for path in out.rglob("*") if path.is_file())
    found = {path.relative_to(out).as_posix(): sha256_of(path) for path in files}
    return {path: sha256 for path, sha256 in found.items() if path not in OWN_TO_A_RUN}


def difference(found: Mapping[str, str], wanted: Mapping[str, str]) -> str:
    """Return where two trees differ, at most three files; empty where they are equal."""
    names = sorted(name for name in {*found, *wanted} if found.get(name) != wanted.get(name))
    return ", ".join(names[:3])


@dataclass(frozen=True)
class Cell:
    """One fault in one stage.

    Attributes:
        stage: the stage.
        point: pattern of fail points.
        number: which passage.
        action: what happens there.
    """

    stage: str
    point: str
    number: int
    action: str

    def __str__(self) -> str:
        return f"{self.stage} {self.point} {self.number} {self.action}"


@dataclass(frozen=True)
class Outcome:
    """What came of a cell.

    Attributes:
        fault: what is wrong; empty = nothing.
        first: how the broken run ended.
        redone: units that the second run began.
    """

    fault: str
    first: int
    redone: int


def do_cell(bench: Bench, cell: Cell) -> Outcome:
    """Break the stage, run it again, compare."""
    out = bench.start(cell.stage, "cell")
    first = bench.run(cell.stage, out, Plan(cell.point, cell.number, cell.action))
    fault = first_fault(cell.action, first)
    again = bench.run(cell.stage, out, Noting("*.start"))
    if again.code:
        fault = fault or f"the second run ended with {again.code}: {again.said.strip()[:300]}"
    else:
        differs = difference(tree(out), bench.trees[cell.stage])
        fault = fault or (f"differs: {differs}" if differs else "")
    return Outcome(fault, first.code, len(again.passed))


def first_fault(action: str, ended: Ended) -> str:
    """Return what is wrong with how the broken run ended; a fault that it could do without is fine."""
    if ended.code == 0:
        return ""
    number = getattr(signal, f"SIG{action.upper()}", None)
    if number is not None and action in ("kill", "segv"):
        return "" if ended.code == -number else f"ended with {ended.code}, not by SIG{action.upper()}"
    wanted = 130 if number is not None else 3
    lines = ended.said.strip().splitlines()
    goes_on = len(lines) == 1 and "same command" in lines[0]
    if ended.code != wanted or not goes_on or not lines[0].startswith("corpusmill: ") or "[Errno" in lines[0]:
        return f"ended with {ended.code} and said {ended.said.strip()[-300:]!r}"
    return ""
