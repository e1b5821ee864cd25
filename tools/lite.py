"""Build the site in which the chapters run: python tools/lite.py FOLDER [PYODIDE].

It is JupyterLite with a copy of every chapter, this package, and what the kernel needs besides Python,
NumPy and matplotlib. Those three are Pyodide's. The reader's browser takes them from the public CDN; or
else the part of a distribution that is needed, 26 MB, is copied from PYODIDE into the site. That is a
folder, an archive, or the address of either.
"""

import json
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from urllib.request import urlopen

from copies import copy

ROOT = Path(__file__).parents[1]
CDN = "https://cdn.jsdelivr.net/pyodide/v314.0.6/full"  # the version that the kernel is made for
CORE = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip", "pyodide-lock.json")
FROM_PYODIDE = ["micropip", "numpy", "matplotlib"]
FROM_THE_WORKER = "../../../../pypi"  # the wheels, seen from the script that loads them
WHEELS = Path(sys.prefix) / "wheels"
KERNEL = "@jupyterlite/pyodide-kernel-extension:kernel"


def open_distribution(place: str) -> Callable[[str], bytes]:
    """Return a function that reads a file of a distribution: a folder, an archive, or the address of one."""
    address = place if "://" in place else Path(place).resolve().as_uri()
    if ".tar" not in address.rpartition("/")[2]:
        return lambda name: bytes(urlopen(f"{address.rstrip('/')}/{name}").read())
    archive = tarfile.open(fileobj=BytesIO(urlopen(address).read()))  # noqa: SIM115 (it is in memory)
    return lambda name: archive.extractfile(f"pyodide/{name}").read()  # type: ignore[union-attr]


def copy_runtime(place: str, folder: Path) -> None:
    """Copy Python and the packages that the book uses, with all that these depend on."""
    read = open_distribution(place)
    packages = json.loads(read("pyodide-lock.json"))["packages"]
    names, found = list(FROM_PYODIDE), {}
    while names:
        if (name := names.pop()) not in found:
            found[name] = packages[name]
            names += packages[name]["depends"]
    folder.mkdir(parents=True)
    for name in CORE:
        (folder / name).write_bytes(read(name))
    for package in found.values():
        wheel = read(package["file_name"])
        if sha256(wheel).hexdigest() != package["sha256"]:
            raise ValueError(f"{package['file_name']} is not the file that {place} lists: get it anew")
        (folder / package["file_name"]).write_bytes(wheel)


def build(site: Path, pyodide: str = "") -> None:
    """Build the site into a folder."""
    source = ROOT / "_build" / "lite"  # where JupyterLite looks for what it is to put in
    shutil.rmtree(source, ignore_errors=True)
    copy(source / "files")
    shutil.copytree(WHEELS, source / "pypi")
    wheel = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*wheel, "--wheel-dir", source / "pypi", ROOT], check=True)
    if pyodide:
        copy_runtime(pyodide, source / "static" / "pyodide")
    wheels = [f"{FROM_THE_WORKER}/{path.name}" for path in sorted((source / "pypi").iterdir())]
    settings = {"loadPyodideOptions": {"packages": FROM_PYODIDE + wheels}, "pyodideUrl": f"{CDN}/pyodide.mjs"}
    config = {"appName": "From Logits to Tokens", "litePluginSettings": {KERNEL: settings}}
    written = json.dumps({"jupyter-lite-schema-version": 0, "jupyter-config-data": config})
    (source / "jupyter-lite.json").write_text(written)
    command = [sys.executable, "-m", "jupyterlite_core", "build", "--contents", "files", "--no-sourcemaps"]
    command += ["--no-libarchive", "--apps", "lab", "--apps", "notebooks", "--apps", "tree", "--output-dir"]
    shutil.rmtree(site, ignore_errors=True)
    done = subprocess.run([*command, site.resolve()], cwd=source, text=True, capture_output=True)
    if done.returncode or not (site / "api" / "contents" / "all.json").exists():
        sys.exit(done.stdout + done.stderr)
    size = sum(path.stat().st_size for path in site.rglob("*") if path.is_file())
    print(f"The chapters run in {site}: {size / 1e6:.0f} MB, Python from {pyodide or CDN}.")


if __name__ == "__main__":
    build(Path(sys.argv[1]), *sys.argv[2:])
