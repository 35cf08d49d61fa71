"""Prompts whose text attacks the page, texts of any length, a database that hangs."""

import json
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser

import httpx
import pytest
from pydantic import SecretStr

from promptvault.server.share.highlight import highlight
from tests.server.browser import Browser
from tests.server.conftest import Server
from tests.server.share.conftest import Owner
from tests.server.sync.conftest import after, push, version
from tests.server.test_database import Link, link

__all__ = ["link"]

ATTACKS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'><svg onload=alert(1)>",
    "</pre></title></textarea><iframe srcdoc=x>",
    "{{ '<b>' | safe }}{% raw %}</span><b>{% endraw %}{# --><b> #}",
    "javascript:alert(1)//&lt;b&gt;",
)
ITEM = "7d3f0c1e-52a5-4be8-8a3e-0c6a4be1a001"


class _Tags(HTMLParser):
    """The elements of a page, and their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: set[tuple[str, str]] = set()
        self.links: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found |= {(tag, ""), *((tag, name) for name, _ in attrs)}
        self.links |= {value or "" for name, value in attrs if name in {"href", "src"}}


def _everywhere(text: str) -> dict[str, object]:
    """Return a push of a prompt with *text* in every field that a page shows."""
    made = version(f"{text} {{{{ code }}}}") | {
        "template": True,
        "author": {"name": text, "email": "ada@example.org"},
        "variables": {
            "code": {"description": text, "default": text},
            "focus": {"choices": [text, "speed"]},
        },
    }
    head = push(ITEM, [made])
    head["payload"] |= {"name": f"a/{text}", "title": text, "description": text}
    return head


def _share(owner: Owner, text: str) -> str:
    owner.push(_everywhere(text))
    url: str = owner.share(ITEM, show_author=True)["url"]
    return url


def test_no_field_of_a_prompt_adds_an_element_or_a_link(
    owner: Owner, reader: Browser
) -> None:
    harmless = _Tags(reader.open(_share(owner, "harmless")).text)
    attack = " ".join(ATTACKS)
    before = owner.heads[ITEM]
    made = _everywhere(attack)
    owner.push(made | {"base": before["rev"]})
    share = owner.share(ITEM, show_author=True)
    page = reader.open(share["url"])
    assert page.status_code == 200
    attacked = _Tags(page.text)
    coloured = {("span", ""), ("span", "class")}
    assert attacked.found - coloured == harmless.found - coloured
    assert len(attacked.links) == len(harmless.links)
    assert not any(link.startswith("javascript:") for link in attacked.links)
    assert reader.open(share["url"] + "/json").json()["title"] == attack


def test_no_answer_may_run_or_be_indexed(owner: Owner, reader: Browser) -> None:
    open_share = owner.share(owner.add("<script>alert(1)</script>"))
    locked = owner.share(owner.add("Text."), password="correct horse")
    for path in ("", "/raw", "/json"):
        for share in (open_share, locked):
            headers = reader.client.get(share["url"] + path).headers
            assert headers["x-content-type-options"] == "nosniff"
            policy = headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "no-store"
        auth = {"Authorization": "Basic OmNvcnJlY3QgaG9yc2U="}
        given = reader.client.get(locked["url"] + path, headers=auth).headers
        assert given["cache-control"] == "no-store"
        shown = reader.client.get(open_share["url"] + path).headers
        assert shown["x-robots-tag"] == "noindex, nofollow, noarchive"


def test_ten_thousand_lines_are_shown_to_the_last(
    owner: Owner, reader: Browser
) -> None:
    lines = "\n".join(f"{n}: {{{{ v{n % 7} }}}}" for n in range(10_000))
    share = owner.share(owner.add(lines, template=True))
    page = reader.open(share["url"]).text
    text = re.sub("<[^>]+>", "", page.partition("<pre")[2].partition("</pre>")[0])
    assert text.endswith(lines)
    assert page.count('<span class="v">') == 10_000


@pytest.mark.parametrize(
    "template", ["{{ a", "{% if %}", "{% raw %}{{", "{#", "{{" * 9]
)
def test_a_broken_template_is_shown_as_it_is(template: str) -> None:
    shown = highlight(f"<i>{template}", template=True)
    assert re.sub("</?span[^>]*>", "", shown.html) == f"&lt;i&gt;{template}"


def test_a_share_says_that_the_database_does_not_answer(
    owner: Owner, start_server: Callable[..., Server], link: Link
) -> None:
    share = owner.share(owner.add("Text."))
    slow = start_server(
        database_url=SecretStr(link.address), database_seconds=1.0, pool_timeout=1.0
    )
    path = share["url"].partition("/s/")[2]
    with slow.client() as client:
        assert client.get(f"/s/{path}").status_code == 200
        link.hang()
        page = client.get(f"/s/{path}", headers={"Accept": "text/html"})
        assert page.status_code == 503
        assert "<h1>Not available at the moment</h1>" in page.text
        assert int(page.headers["retry-after"]) > 0
        raw = client.get(f"/s/{path}/raw")
        assert raw.status_code == 503
        assert json.loads(raw.text)["error"]["code"] == "unavailable"
        link.resume()
        while (again := client.get(f"/s/{path}/raw")).status_code == 503:
            pass  # until the pool has connected again
        assert again.text == "Text."


def test_an_answer_is_of_one_moment_while_the_label_moves(owner: Owner) -> None:
    """A title and a text that were saved together are shown together."""
    item = owner.add("0", title="0")
    owner.set(item, labels={"live": owner.version(item)})
    url = owner.share(item, mode="label", label="live")["url"]

    def read(_: int) -> tuple[str, str]:
        row = httpx.get(f"{url}/json", timeout=60).json()
        return row["title"], row["body"]

    with ThreadPoolExecutor(2) as readers:
        seen = readers.map(read, range(40))
        for number in range(1, 16):
            made = after(owner.heads[item], str(number))
            labels = {"live": made["versions"][0]["id"]}
            made["payload"] |= {"title": str(number), "labels": labels}
            owner.push(made)
        found = {*seen}
    assert all(title == body for title, body in found)
    assert len(found) > 1
