"""Print how long 1,000 prompts take: `python -m tests.benchmarks.categorize`.

The model is a server on this computer that answers in 200 ms; all settings are the
defaults. The time is that of the whole process, including its changes of the vault.
"""

import json
import os
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.measure import Command, run
from tests.model_server import MODEL, Body, ModelServer, Reply, json_text

_PROMPTS = 1_000
_DELAY = 0.2
_FOLDERS = ("coding", "writing", "work/email", "data")


def _answer(body: Body) -> Reply:
    """File every prompt of a request."""
    asked = json.loads(body["messages"][-1]["content"])["prompts"]
    rows = [
        {
            "number": each["number"],
            "folder": _FOLDERS[each["number"] % len(_FOLDERS)],
            "tags": ["one", "two"],
            "title": f"Title {each['number']}",
        }
        for each in asked
    ]
    return json_text({"prompts": rows}, delay=_DELAY)


def _write(path: Path) -> None:
    with path.open("w") as file:
        for number in range(_PROMPTS):
            text = f"Prompt {number}: say more about {number * 7919}. " * (
                1 + number % 60
            )
            file.write(json.dumps({"prompt": text}) + "\n")


def main() -> None:
    """Measure and print."""
    server = ModelServer()
    server.answer = _answer
    server.start()
    with tempfile.TemporaryDirectory() as folder:
        prompts = Path(folder) / "prompts.jsonl"
        _write(prompts)
        environment = {
            "PROMPTVAULT_HOME": str(Path(folder) / "home"),
            "OPENAI_BASE_URL": server.url,
            "OPENAI_API_KEY": "key-of-the-benchmark",
            "PROMPTVAULT_AI_MODEL": MODEL,
        }
        program = [sys.executable, "-m", "promptvault"]
        run(Command([*program, "import", str(prompts)], environment), 0)
        os.sync()  # wait until the disk is idle
        categorize = [*program, "categorize", "--all", "--yes"]
        seconds = run(Command(categorize, environment), 0)
    server.stop()
    print("| what | result | target |\n|---|---|---|")
    print(f"| {_PROMPTS:,} prompts categorised | {seconds:.1f} s | 15 s |")
    print(f"| its requests | {len(server.requests)} | 60 |")


if __name__ == "__main__":
    main()
