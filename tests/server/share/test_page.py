"""The page of a share: what it shows to whom, and what it hides."""

import gzip
import re
from pathlib import Path

import httpx
import pytest

from promptvault.server import page
from tests.server.browser import PASSWORD, Browser, fields_of
from tests.server.share.conftest import Owner

HELD = "only the invited may read this"
ASSETS = Path(page.__file__).parent / "assets"


def test_a_link_shows_the_prompt(owner: Owner, reader: Browser) -> None:
    item = owner.add("Review {{ code }} <b>well</b>.", template=True, title="Review it")
    shown = reader.open(owner.share(item, expires_in=7 * 86400)["url"])
    assert shown.status_code == 200, shown.text
    assert "<h1>Review it</h1>" in shown.text
    assert '<span class="v">{{ code }}</span> &lt;b&gt;well&lt;/b&gt;.' in shown.text
    assert "expires in 7 days" in shown.text
    assert "-p code=…" in shown.text
    assert '<meta property="og:title" content="Review it">' in shown.text
    assert shown.headers["x-robots-tag"] == "noindex, nofollow, noarchive"
    assert shown.headers["referrer-policy"] == "no-referrer"
    assert "set-cookie" not in shown.headers


def test_a_title_is_the_last_part_of_the_name_and_no_folder_is_shown(
    owner: Owner, reader: Browser
) -> None:
    item = owner.add("Text.", name="clients/acme-takeover/summary", tags=["for-acme"])
    owner.edit(item, "Text, once more.", labels={"secret-label": owner.version(item)})
    share = owner.share(item)
    for path in ("", "/raw", "/json"):
        answer = reader.open(share["url"] + path)
        assert answer.status_code == 200
        answered = f"{answer.headers}\n{answer.text}"
        for hidden in ("takeover", "for-acme", "secret-label", owner.email, "Ada"):
            assert hidden not in answered, path
        assert owner.vault not in answered
        assert item not in answered
    assert "<h1>summary</h1>" in reader.open(share["url"]).text


def test_no_other_version_is_shown(owner: Owner, reader: Browser) -> None:
    item = owner.add("The first draft.")
    share = owner.share(item)
    owner.edit(item, "The second draft.")
    for path in ("", "/raw", "/json"):
        answer = reader.open(share["url"] + path)
        assert "The first draft." in answer.text
        assert "second" not in answer.text


def test_the_author_is_shown_only_if_the_owner_says_so(
    owner: Owner, reader: Browser
) -> None:
    item = owner.add("Text.")
    assert "Ada" not in reader.open(owner.share(item)["url"]).text
    assert "by Ada" in reader.open(owner.share(item, show_author=True)["url"]).text


def test_a_share_follows_a_label_or_the_current_version(
    owner: Owner, reader: Browser
) -> None:
    item = owner.add("One.")
    first = owner.version(item)
    second = owner.edit(item, "Two.", labels={"stable": first})
    labelled = owner.share(item, mode="label", label="stable")
    current = owner.share(item, mode="current")
    assert reader.open(labelled["raw_url"]).text == "One."
    assert reader.open(current["raw_url"]).text == "Two."
    owner.edit(item, "Three.", labels={"stable": second})
    assert reader.open(labelled["raw_url"]).text == "Two."
    assert reader.open(current["raw_url"]).text == "Three."
    owner.set(item, labels={})
    assert reader.open(labelled["url"]).status_code == 410
    assert owner.state(labelled) == ("orphaned", None)


def test_raw_is_the_text_byte_for_byte(owner: Owner, reader: Browser) -> None:
    text = "a\r\nb\tc \u202e é\U0001f600\n\n"
    share = owner.share(owner.add(text))
    answer = reader.open(share["raw_url"])
    assert answer.content == text.encode()
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    accepted = reader.client.get(share["raw_url"], headers={"Accept": "image/png"})
    assert accepted.status_code == 200


def test_invisible_characters_are_boxes_and_counted(
    owner: Owner, reader: Browser
) -> None:
    item = owner.add("Say\u200b hello\u202e.", title="A \U000e0041title")
    shown = reader.open(owner.share(item)["url"]).text
    assert 'Say<span class="u">U+200B</span> hello<span class="u">U+202E</span>.' in (
        shown
    )
    assert "<strong>3 invisible characters.</strong>" in shown
    assert not {"\u200b", "\u202e", "\U000e0041"} & {*shown}


def test_before_the_password_two_prompts_look_alike(
    owner: Owner, reader: Browser
) -> None:
    long, short = owner.add(f"{HELD} " * 500, title=HELD), owner.add("Short.")
    pages, headers = [], []
    for item in (long, short):
        share = owner.share(item, password="correct horse", show_author=True)
        answer = reader.open(share["url"])
        assert answer.status_code == 401
        token = share["url"].rpartition("/")[2]
        proof = fields_of(answer.text)["form_proof"]
        pages.append(answer.text.replace(token, "").replace(proof, ""))
        varying = {"date", "x-request-id", "set-cookie"}
        headers.append([x for x in answer.headers.multi_items() if x[0] not in varying])
        for path in ("/raw", "/json"):
            refused = reader.client.get(share["url"] + path)
            assert refused.status_code == 401
            assert refused.headers["www-authenticate"].startswith("Basic ")
            pages[-1] += refused.text
    assert pages[0] == pages[1]
    assert headers[0] == headers[1]


def test_a_password_opens_the_page_in_this_browser_alone(
    owner: Owner, reader: Browser, open_browser: object
) -> None:
    share = owner.share(owner.add(HELD), password="correct horse")
    reader.open(share["url"])
    wrong = reader.send(password="wrong horse")
    assert wrong.status_code == 401
    assert "not the password" in wrong.text
    assert HELD not in wrong.text
    assert reader.send(password="correct horse").status_code == 200
    assert HELD in reader.page.text
    assert reader.page.headers["cache-control"] == "no-store"
    assert "A shared prompt" in reader.page.text  # in the preview
    assert HELD not in httpx.get(share["url"]).text


def test_a_new_password_ends_what_the_old_one_has_opened(
    owner: Owner, reader: Browser
) -> None:
    share = owner.share(owner.add(HELD), password="correct horse")
    reader.open(share["url"])
    assert HELD in reader.send(password="correct horse").text
    owner.client.patch(f"/v1/shares/{share['id']}", json={"password": "battery staple"})
    assert HELD not in reader.open(share["url"]).text
    assert HELD in reader.send(password="battery staple").text


def test_the_cookie_of_one_share_opens_no_other(owner: Owner, reader: Browser) -> None:
    mine = owner.share(owner.add("Mine."), password="correct horse")
    other = owner.share(owner.add(HELD), password="correct horse")
    reader.open(mine["url"])
    reader.send(password="correct horse")
    cookie = reader.client.cookies["pv_s"]
    answer = httpx.get(other["url"], headers={"Cookie": f"pv_s={cookie}"})
    assert answer.status_code == 401
    for forged in ("9999999999.", f"9999999999.{cookie[11:]}", "x", "\u0661.a"):
        header = {b"Cookie": f"pv_s={forged}".encode()}
        assert httpx.get(mine["url"], headers=header).status_code == 401


def test_basic_opens_raw_with_any_user(owner: Owner, reader: Browser) -> None:
    share = owner.share(owner.add(HELD), password="pässword")
    for user in ("", "ada"):
        answer = reader.client.get(share["raw_url"], auth=(user, "pässword"))
        assert answer.text == HELD
    assert reader.client.get(share["raw_url"], auth=("", "wrong\0")).status_code == 401
    broken = reader.client.get(share["raw_url"], headers={"Authorization": "Basic %%%"})
    assert broken.status_code == 401


def test_a_prompt_without_forms_is_cached_for_a_minute(
    owner: Owner, reader: Browser
) -> None:
    share = owner.share(owner.add("Text."))
    for path in ("", "/raw", "/json"):
        first = reader.client.get(share["url"] + path)
        assert first.headers["cache-control"] == "private, max-age=60"
        same = {"If-None-Match": first.headers["etag"]}
        again = reader.client.get(share["url"] + path, headers=same)
        assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    "token",
    ["x" * 22, "x" * 21, "x" * 10_000, "%00" * 22, "..%2f..%2f", "é" * 22, "a" * 23],
)
def test_an_unknown_link_is_not_found(reader: Browser, token: str) -> None:
    for path in ("", "/raw", "/json"):
        answer = reader.client.get(f"/s/{token}{path}")
        assert answer.status_code == 404
    assert "<h1>" in reader.client.get(f"/s/{'x' * 22}").text


def test_the_form_of_another_site_is_refused(owner: Owner, reader: Browser) -> None:
    share = owner.share(owner.add(HELD), max_views=1)
    reader.open(share["url"])
    assert reader.client.post(share["url"], data={}).status_code == 403
    assert reader.client.post(share["url"], data={"form_proof": "x"}).status_code == 403
    assert HELD in reader.send().text


def test_a_reader_who_is_signed_in_copies_it(
    owner: Owner, reader: Browser, database_url: str
) -> None:
    text = "Say {{ what }}."
    item = owner.add(text, template=True, title="Speech", name="a/Speech")
    share = owner.share(item)
    assert "Sign in to copy" in reader.open(share["url"]).text
    reader.sign_up("eve@example.org")
    assert "Copy to my vault" in reader.open(share["url"]).text
    assert "It is in your vault now" in reader.send().text
    (row,) = reader.open("/account/export").json()
    assert (row["name"], row["title"], row["body"]) == ("speech", "Speech", text)
    assert row["template"] is True
    assert row["origins"][0]["url"] == share["url"]


def test_a_sign_in_leads_back_to_the_share(owner: Owner, reader: Browser) -> None:
    share = owner.share(owner.add(HELD))
    reader.sign_up("eve@example.org")
    reader.open("/signout")
    reader.send()
    path = re.search(r'href="(/signin\?to=[^"]+)"', reader.open(share["url"]).text)
    assert path
    reader.open(path[1])
    reader.send(email="eve@example.org", password=PASSWORD)
    assert HELD in reader.page.text
    assert str(reader.page.url) == share["url"]


def test_the_page_is_small(owner: Owner, reader: Browser) -> None:
    text = (Path(__file__).parents[3] / "README.md").read_text()[:6000]
    share = owner.share(owner.add(text, template=True))
    parts = [reader.open(share["url"]).content]
    parts += [(ASSETS / name).read_bytes() for name in ("style.css", "share.css")]
    parts.append((ASSETS / "share.js").read_bytes())
    assert sum(len(gzip.compress(part)) for part in parts) <= 14 * 1024
