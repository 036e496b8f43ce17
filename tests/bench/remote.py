"""What reading over the network costs, and whether it is exact: one file local, from a good and from a bad server.

    python tests/bench/remote.py FILE.warc.gz [WORKERS]

The bad server breaks off or resets two answers of nine somewhere in their first megabyte, and gives 503 or 429 for
another. CPU seconds are those of the run, in one process, the server's left out; reading is one reader alone.
"""

from __future__ import annotations

import importlib.util
import multiprocessing
import os
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from pipelines.inputs.streams import open_input, stamp_of
from pipelines.recipe.load import load
from pipelines.run import run_recipe
from pipelines.stages.extract.pins import access_of, pin_inputs
from pipelines.store.storage import Storage, sha256_of

CONFTEST = Path(__file__).resolve().parents[1] / "pipelines" / "inputs" / "conftest.py"


def serve(data: bytes, bad: bool, port: Any, seen: Any) -> None:
    """Serve one file for ever; `seen` counts requests and bytes that were sent."""
    spec = importlib.util.spec_from_file_location("server", CONFTEST)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["server"] = module
    spec.loader.exec_module(module)
    state = module.Server(files={"/data.gz": data})
    chance = random.Random(5)

    def fault(n: int, path: str) -> Any:
        seen[0] += 1
        if not bad or n % 3:
            return None
        broken = {"cut": chance.randrange(1 << 20), "reset": n % 2 == 0}
        return module.Fault(**[broken, {"status": 503}, broken, broken, {"status": 429}, broken][n // 3 % 6])

    state.fault = fault
    web = module.Quiet(("127.0.0.1", 0), type("Bound", (module.Handler,), {"state": state}))
    port.value = web.server_address[1]
    web.serve_forever()


def start(data: bytes, bad: bool) -> tuple[Any, str, Any]:
    """Start a server process; return it, the address of the file and the count of its requests."""
    port, seen = multiprocessing.Value("i", 0), multiprocessing.Array("q", 1)
    process = multiprocessing.Process(target=serve, args=(data, bad, port, seen), daemon=True)
    process.start()
    while not port.value:
        time.sleep(0.01)
    return process, f"http://127.0.0.1:{port.value}/data.gz", seen


def cpu() -> float:
    """CPU seconds of this process and its finished children."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def measure(path: str, workers: int, folder: Path) -> tuple[float, float, float, dict[str, str]]:
    """Read, then extract; return CPU seconds of reading, CPU and wall seconds of extracting, and the parts' hashes."""
    recipe_path = folder / "r.yaml"
    recipe_path.write_text(f"name: r\nunit_mb: 16\ninputs: [{{reader: warc, paths: ['{path}']}}]\n")
    recipe = load(recipe_path)
    storage = Storage(folder / "out")
    settled = pin_inputs(recipe, storage, lambda line: None)
    access = access_of(storage.root, settled.inputs)
    (file,) = settled.inputs[0].files
    began = cpu()
    size, stamp = stamp_of(file)
    with open_input(str(file.path), stamp, access) as stream:
        for _ in settled.inputs[0].reader.read(stream, 0, size):
            pass
    reading = cpu() - began
    began, wall = cpu(), time.monotonic()
    run_recipe(recipe, str(folder / "out"), workers, until="extract", quiet=True)
    parts = sorted((folder / "out" / "extracted").glob("*.parquet"))
    return reading, cpu() - began, time.monotonic() - wall, {part.name: sha256_of(part) for part in parts}


def main() -> None:
    """Print the table."""
    source, workers = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1
    data = source.read_bytes()
    print(f"{source.name}: {len(data) / 1e6:.1f} MB, {workers} workers")
    print(f"{'from':<14}{'read CPU s':>12}{'extract CPU s':>15}{'wall s':>9}{'requests':>10}  same parts")
    reference: dict[str, str] = {}
    for name in ("local", "good server", "bad server"):
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            if name == "local":
                (folder / "data.gz").symlink_to(source.resolve())
                reading, used, wall, parts = measure("data.gz", workers, folder)
                reference, requests = parts, 0
            else:
                process, address, seen = start(data, name == "bad server")
                reading, used, wall, parts = measure(address, workers, folder)
                requests = seen[0]
                process.kill()
        same = "yes" if parts == reference else "NO"
        print(f"{name:<14}{reading:>12.2f}{used:>15.2f}{wall:>9.1f}{requests:>10}  {same}", flush=True)


if __name__ == "__main__":
    main()
