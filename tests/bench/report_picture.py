"""Take the README's picture of the report: ``python tests/bench/report_picture.py runs/demo/report.html docs.png``.

Needs Chromium (Debian: apt-get install chromium).
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

WIDTH, HEIGHT = 1100, 940
"""CSS pixels: head, summary and funnel of the demo."""


def main() -> None:
    """Write the picture."""
    page, picture = Path(sys.argv[1]).absolute(), Path(sys.argv[2]).absolute()
    with tempfile.TemporaryDirectory() as profile:
        command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
        size = [f"--window-size={WIDTH},{HEIGHT}", f"--screenshot={picture}", f"--user-data-dir={profile}"]
        subprocess.run([*command, *size, page.as_uri()], check=True, capture_output=True)


if __name__ == "__main__":
    main()
