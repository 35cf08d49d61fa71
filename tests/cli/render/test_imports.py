"""The table at the end of an import: every source with all its counts."""

from pathlib import Path

from tests.conftest import Pvt
from tests.services.imports.test_run import asked, write


def cells(line: str) -> list[str]:
    return line.split()


def test_table_counts_what_failed_and_fits_a_terminal(pvt: Pvt, tmp_path: Path) -> None:
    write(tmp_path / "export.json", asked("c1", "One?"))
    (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04 and no more")
    lines = pvt.ok("import", str(tmp_path)).err.splitlines()
    heading, source, total = lines[2:5]
    assert cells(heading)[-3:] == ["known", "skipped", "failed"]
    assert cells(source) == ["chatgpt", "1", "1", "1", "1", "-", "-", "-", "-"]
    assert cells(total) == ["1", "1", "1", "1", "-", "-", "-", "1"]
    assert any("broken.zip" in line for line in lines[5:])
    assert max(map(len, lines[2:5])) <= 80
