"""The wheel as a user installs it: ``python -m tests.fresh_install WHEEL [--python PYTHON]``.

In a new environment outside the checkout: first the bare wheel, whose loader needs numpy and pyarrow alone; then the
extra ``pipeline``, with which ten records become shards that the loader reads. Prints the seconds and the size of each.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOADED = """
import sys
from importlib import metadata
from tokenizer_training.loader import ShardLoader
ours = {"corpusmill", "numpy", "pip", "pyarrow", "setuptools"}
print(sorted({found.metadata["Name"] for found in metadata.distributions()} - ours))
"""
READ = """
from tokenizer_training.loader import ShardLoader
(rows,) = {batch["input_ids"].shape[1] for batch in ShardLoader("run/shards", batch_size=1, seed=1)}
print(rows)
"""
TEN_RECORDS = (
    "name: ten\ninputs: [{reader: jsonl, paths: [ten.jsonl]}]\nsteps: [gopher_repetition, fineweb_quality]\n"
    "tokenizer: {vocab_size: 512}\npack: {seq_len: 128}\n"
)


class Environment:
    """A new virtual environment in a folder, which is also where its programs run.

    Attributes:
        folder: the folder.
    """

    def __init__(self, folder: Path, python: str) -> None:
        self.folder = folder
        self._run([python, "-m", "venv", "env"])
        self.python("-m", "pip", "install", "--quiet", "--upgrade", "pip")

    def install(self, requirement: str) -> None:
        """Install a requirement, and print what it took."""
        started = time.monotonic()
        constraints = str(ROOT / "constraints.txt")
        self.python(
            "-m", "pip", "install", "--quiet", "--no-compile", "--constraint", constraints, requirement
        )
        seconds = time.monotonic() - started
        packages = len(self.python("-m", "pip", "list", "--format", "freeze").splitlines())
        size = sum(path.stat().st_blocks for path in (self.folder / "env").rglob("*")) * 512 >> 20
        print(f"{Path(requirement).name}: {seconds:.0f} s, {size} MiB, {packages} packages", flush=True)

    def python(self, *arguments: str) -> str:
        """Run Python and return what it printed."""
        return self._run(["env/bin/python", *arguments]).stdout

    def corpusmill(self, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        """Run the command, which has to exit with a code."""
        return self._run(["env/bin/corpusmill", *arguments], code)

    def _run(self, command: Sequence[str], code: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(command, capture_output=True, text=True, cwd=self.folder)
        expect(
            done.returncode == code,
            f"{' '.join(command)} exits with {done.returncode}\n{done.stdout}{done.stderr}",
        )
        return done


def expect(holds: bool, message: str) -> None:
    """Exit with the message unless it holds."""
    if not holds:
        raise SystemExit(message)


def check_bare(environment: Environment) -> None:
    """The loader is there and nothing but numpy and pyarrow; the command says in a line what to install."""
    others = environment.python("-c", LOADED).strip()
    expect(others == "[]", f"the bare wheel brings {others}")
    said = environment.corpusmill("--version", code=3).stderr
    expect(said.count("\n") == 1 and "pip install 'corpusmill[pipeline]'" in said, said)


def check_pipeline(environment: Environment) -> None:
    """The command runs: from the user's ten records to rows that the loader reads, and the demo by its name."""
    expect(environment.corpusmill("--version").stdout.startswith("corpusmill "), "no version")
    expect("gopher_quality" in environment.corpusmill("keys").stdout, "no steps")
    expect("name: demo" in environment.corpusmill("check", "demo").stdout, "no recipe of the name demo")
    texts = sorted((ROOT / "tests" / "sample" / "texts" / "en").glob("*.txt"))[:10]
    lines = [json.dumps({"text": path.read_text(encoding="utf-8")}) for path in texts]
    (environment.folder / "ten.jsonl").write_text("\n".join(lines))
    (environment.folder / "ten.yaml").write_text(TEN_RECORDS)
    environment.corpusmill("run", "ten.yaml", "--out", "run", "--workers", "1", "--quiet")
    environment.corpusmill("verify", "run")
    rows = environment.python("-c", READ).strip()
    expect(rows == "128", f"the loader reads rows of {rows} tokens")
    expect((environment.folder / "run" / "report.html").is_file(), "no report")


def main() -> None:
    """Check a wheel, first bare and then with its extra."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("wheel", type=Path)
    parser.add_argument("--python", default="python3", help="the interpreter (default: python3)")
    options = parser.parse_args()
    wheel = options.wheel.resolve()
    with tempfile.TemporaryDirectory(prefix="corpusmill-") as folder:
        environment = Environment(Path(folder), options.python)
        environment.install(str(wheel))
        check_bare(environment)
        environment.install(f"{wheel}[pipeline]")
        check_pipeline(environment)
    print(f"{wheel.name} works in an environment of its own")


if __name__ == "__main__":
    main()
