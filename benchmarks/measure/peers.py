"""The peers' environments: each of them wants older libraries than Lupus, and than the others."""

from __future__ import annotations

import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

PEERS = {
    # whylogs 1.6 is built for NumPy 1; newer PyArrow wants NumPy 2.
    "whylogs": ("whylogs[viz]", "numpy<2", "pandas<2.3", "pyarrow<20"),
    # Evidently 0.7 imports what pandas 3 no longer has.
    "evidently": ("evidently", "numpy<2.1", "pandas<3", "pyarrow"),
    # NannyML 0.13 needs statsmodels without saying so.
    "nannyml": ("nannyml", "statsmodels", "numpy<2", "pandas<3", "pyarrow<20"),
    "ydata": ("ydata-profiling", "setuptools<81", "pyarrow"),
}
DONE = "installed.txt"
"""The file in an environment that says that it is complete, and with what."""


@cache
def python_of(peer: str, folder: Path) -> tuple[Path | None, str]:
    """The interpreter of `peer`'s environment, made in `folder` if need be; or None, and why there is none.

    "" is this environment, where pandas, polars and scikit-learn are too.
    """
    if not peer:
        return Path(sys.executable), ""
    place, wanted = folder / peer, "\n".join(PEERS[peer])
    python, done = place / "bin" / "python", place / DONE
    if done.exists() and done.read_text(encoding="utf-8") == wanted:
        return python, ""
    uv = shutil.which("uv") or str(Path(sys.executable).parent / "uv")
    print(f"    installing {peer}", file=sys.stderr, flush=True)
    for command in (
        [uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(place)],
        [uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", str(python), *PEERS[peer]],
    ):
        try:
            made = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            return None, f"could not be installed: {error}"
        if made.returncode:
            reasons = [line.strip(" ×│╰─▶") for line in made.stderr.splitlines() if line.strip(" ×│╰─▶")]
            return None, f"could not be installed: {' '.join(reasons)[:300]}"
    done.write_text(wanted, encoding="utf-8")
    return python, ""


def version(peer: str, folder: Path) -> str:
    """``polars 2.1.0``: what was installed."""
    name = "ydata-profiling" if peer == "ydata" else peer
    ask = f"from importlib.metadata import version; print(version({name!r}))"
    answer = subprocess.run(
        [str(folder / peer / "bin" / "python"), "-c", ask], capture_output=True, text=True, check=False
    )
    return f"{name} {answer.stdout.strip()}"
