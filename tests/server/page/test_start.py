"""The files that pages load."""

import httpx
import pytest

from promptvault.server.page import start


@pytest.mark.parametrize("name", ["style.css", "share.css"])
def test_style_sheets_are_compressed_and_kept(visitor: httpx.Client, name: str) -> None:
    sheet = visitor.get(f"/pages/{name}", headers={"Accept-Encoding": "gzip, br"})
    assert sheet.headers["content-encoding"] == "gzip"
    assert sheet.headers["content-type"].startswith("text/css")
    assert "max-age" in sheet.headers["cache-control"]
    plain = visitor.get(f"/pages/{name}", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    own = (start._ASSETS / name).read_text()
    assert sheet.text == plain.text == own
