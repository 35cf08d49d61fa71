"""Gemini in My Activity: prompts are imported, rows of other products never."""
# ruff: noqa: RUF001  # words of many languages, in their own letters

import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from promptvault.importers.gemini import takeout
from promptvault.importers.input.candidate import Candidate, Draft, Item, Skipped
from promptvault.importers.input.document import Document
from tests.importers.build import (
    Json,
    archive,
    bodies,
    candidates,
    document,
    failures,
    imported,
    of_json,
    skipped,
)

CHAT = "https://gemini.google.com/app/"


def read(value: Json) -> list[Item]:
    return list(takeout.read(of_json(value)))


def row(title: str, second: int = 0, **fields: Json) -> dict[str, Json]:
    return {
        "header": "Gemini Apps",
        "title": title,
        "time": f"2026-01-02T03:04:{second:02}.678Z",
        "products": ["Gemini Apps"],
        "activityControls": ["Gemini Apps Activity"],
        **fields,
    }


def page(*cards: str) -> bytes:
    head = '<html><head><meta charset="UTF-8"><style>.outer-cell{}</style></head>'
    return f'{head}<body><div class="mdl-grid">{"".join(cards)}</div></body>'.encode()


def card(body: str, product: str = "Gemini Apps", caption: str = "") -> str:
    caption = caption or f"<b>Products:</b><br>&emsp;{product}"
    return (
        '<div class="outer-cell mdl-cell mdl-cell--12-col"><div class="mdl-grid">'
        '<div class="header-cell mdl-cell"><p class="mdl-typography--title">'
        f'{product}<br></p></div><div class="content-cell mdl-cell '
        f'mdl-typography--body-1">{body}</div><div class="content-cell mdl-cell '
        'mdl-typography--body-1 mdl-typography--text-right"></div>'
        f'<div class="content-cell mdl-cell mdl-typography--caption">{caption}</div>'
        "</div></div>"
    )


DATE = "Jan 2, 2026, 3:04:05\u202fAM UTC"


def of_page(*cards: str) -> list[Item]:
    return list(takeout.read(document(page(*cards))))


def left_out(items: list[Item]) -> dict[str, int]:
    return {i.reason: i.number for i in items if isinstance(i, Skipped)}


def test_prompt_carries_all_that_the_source_says() -> None:
    (found,) = candidates(read([row("Prompted hello", titleUrl=f"{CHAT}0123456789ab")]))
    assert found == Candidate(
        (
            Draft(
                "hello",
                datetime(2026, 1, 2, 3, 4, 0, 678_000, tzinfo=UTC),
                found.drafts[0].message_id,
            ),
        ),
        opening=True,
        conversation_id="0123456789ab",
        url=f"{CHAT}0123456789ab",
    )
    assert found.drafts[0].message_id


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Prompted hello", ["hello"]),
        ("Prompted\xa0hello", ["hello"]),
        ("Prompted one\n  two\n", ["one\n  two\n"]),
        ("Prompted Prompted twice", ["Prompted twice"]),
        ("Branched hello", ["hello"]),
        ("Asked: hello", ["hello"]),
        ("Submitted query hello", ["hello"]),
        ("Live Prompt hello", ["hello"]),
        ("Eingegebener Prompt: hallo", ["hallo"]),
        ("Prompt\xa0: bonjour", ["bonjour"]),
        ("Has dicho: hola", ["hola"]),
        ("Hiciste la petición hola", ["hola"]),
        ("Hai chiesto:\xa0ciao", ["ciao"]),
        ("Gav instruktionen hej", ["hej"]),
        ("Υποβλήθηκε το ερώτημα γεια", ["γεια"]),
        ("Отправлен запрос привет", ["привет"]),
        ("送信したメッセージ: こんにちは", ["こんにちは"]),
        ("분기된 안녕", ["안녕"]),
        ("Consulta: olá", ["olá"]),
        ("Consulta médica hoje", ["Consulta médica hoje"]),
        ("Запит: привіт", ["привіт"]),
        ("Used cars\xa0sorgusuna yanıt istendi", ["Used cars"]),
        ("bir\niki sorgusuna yanıt istendi", ["bir\niki"]),
        ("Promptedly is no verb", ["Promptedly is no verb"]),
        ("Frobbed: hello", ["Frobbed: hello"]),
    ],
)
def test_verb_of_any_language_is_cut_off_if_known(
    title: str, expected: list[str]
) -> None:
    assert bodies(read([row(title)])) == expected


@pytest.mark.parametrize(
    "title",
    [
        "Created Gemini Canvas titled Launch plan",
        "Used Gemini Apps",
        "Gave feedback: Good response",
        "Added chat from link: hello",
        "Selected preferred draft",
        "Answered survey question",
        "Cleared previous feedback",
        "使用: Gemini Apps",
        "Gemini Apps gebruikt",
        "Kullanıldı: Gemini Uygulamaları",
        "Geri bildirim gönderildi",
        "計画 というタイトルの Gemini Canvas を作成しました",
    ],
)
def test_what_is_no_prompt_is_counted(title: str) -> None:
    items = read([row(title)])
    assert bodies(items) == []
    assert left_out(items) == {"no prompt": 1}


def test_prompt_of_an_image_alone_is_counted() -> None:
    titles = "Prompted ", "送信したメッセージ: ", " sorgusuna yanıt istendi"
    items = read([row(title) for title in titles])
    assert bodies(items) == []
    assert left_out(items) == {"no text": 3}


QUESTIONS = [
    f"{word} now, {word}" for word in "why do is how can may let fix see".split()
]
QUESTIONS.append("go")


def answered(titles: list[str]) -> list[Json]:
    return [row(title, safeHtmlItem=[{"html": "A."}]) for title in titles]


@pytest.mark.parametrize(
    "shape", ["Zapytano: {}", "Je hebt gevraagd {}", "提问：{}", "{} frobbed so"]
)
def test_words_around_every_prompt_of_an_unknown_language_are_cut_off(
    shape: str,
) -> None:
    titles = [shape.format(asked) for asked in QUESTIONS]
    other = row("Utworzono coś")
    assert bodies(read([other, *answered(titles)])) == ["Utworzono coś", *QUESTIONS]
    assert bodies(read(answered(titles[:9]))) == titles[:9]
    mixed = [*titles, "one", "two"]
    assert bodies(read(answered(mixed))) == mixed


def test_words_around_a_prompt_end_at_the_blank_that_a_page_puts_there() -> None:
    asked = [f"please {question}" for question in QUESTIONS]
    cards = [card(f"Zapytano&nbsp;{each}<br>{DATE}<br><p>A.</p>") for each in asked]
    assert bodies(of_page(*cards)) == asked


def test_what_people_say_alike_is_kept_behind_a_known_verb() -> None:
    asked = [f"Translate: {question}" for question in QUESTIONS]
    titles = [f"Prompted {each}" for each in asked]
    assert bodies(read(answered([*titles, "Prompt x"]))) == [*asked, "Prompt x"]


@pytest.mark.parametrize(
    ("header", "products"),
    [
        ("Gemini Apps", ["Gemini Apps"]),
        ("Gemini Apps", None),
        ("Bard", ["Bard"]),
        ("Gemini", ["Gemini Apps"]),
        ("", ["Gemini Apps"]),
        ("Gemini アプリ", ["Gemini アプリ"]),
        ("Gemini-appar", ["Gemini-appar"]),
        ("Applications\xa0Gemini", ["Applications\xa0Gemini"]),
    ],
)
def test_rows_of_gemini(header: str, products: Json) -> None:
    rows = [row("Prompted hello", header=header, products=products)]
    assert bodies(read(rows)) == ["hello"]


@pytest.mark.parametrize(
    ("header", "products", "address"),
    [
        ("Search", ["Search"], "https://www.google.com/search?q=gemini"),
        ("Chrome", ["Chrome"], f"{CHAT}0123456789ab"),
        ("Gemini", ["Android"], None),
        ("YouTube", ["Gemini Apps"], None),
        ("Gemini Apps", ["Gemini Apps", "Search"], None),
        ("Gemini Apps review", ["Gemini Apps review"], None),
        ("Tarot Geminis", ["Tarot Geminis"], None),
        (None, None, f"{CHAT}0123456789ab"),
        (7, "Gemini Apps", None),
    ],
)
def test_rows_of_other_products_are_counted_and_nothing_else(
    header: Json, products: Json, address: Json
) -> None:
    items = read(
        [row("Prompted s", header=header, products=products, titleUrl=address)]
    )
    assert items == [Skipped("another Google product", 1)]


def test_name_that_is_not_known_yet_counts_with_a_link_to_a_chat() -> None:
    named: Json = {"header": "Gemini-öpp", "products": ["Gemini-öpp"]}
    link: Json = {"details": [{"name": "Chat", "url": f"{CHAT}0123456789ab"}]}
    assert bodies(read([row("Prompted one", **named, **link)])) == ["one"]
    assert bodies(read([row("Prompted one", **named)])) == []


def test_rows_of_one_chat_are_put_together_oldest_first() -> None:
    chat = {"details": [{"name": "Chat", "url": f"{CHAT}aaaaaaaa"}]}
    other = {"details": [{"name": "Chat", "url": f"{CHAT}bbbbbbbb"}]}
    items = read(
        [
            row("Prompted three", 3, **chat),
            row("Prompted other", 2, **other),
            row("Prompted two", 1, **chat),
            row("Prompted one", 1, **chat),
            row("Prompted alone", 0),
        ]
    )
    found = [
        (c.conversation_id, c.drafts[0].body, c.opening) for c in candidates(items)
    ]
    assert found == [
        (None, "alone", False),
        ("aaaaaaaa", "one", True),
        ("aaaaaaaa", "two", False),
        ("aaaaaaaa", "three", False),
        ("bbbbbbbb", "other", True),
    ]


def test_row_of_several_chats_belongs_to_none_and_is_where_they_begin() -> None:
    both = [{"url": f"{CHAT}aaaaaaaa"}, {"url": f"{CHAT}bbbbbbbb"}]
    one = [{"url": f"{CHAT}aaaaaaaa"}]
    items = read(
        [row("Prompted two", 2, details=one), row("Branched one", 1, details=both)]
    )
    found = [
        (c.conversation_id, c.drafts[0].body, c.opening) for c in candidates(items)
    ]
    assert found == [(None, "one", False), ("aaaaaaaa", "two", False)]


def test_page_and_json_bring_the_same_prompts_under_the_same_ids() -> None:
    rows = [row('Prompted Say "a" & <b>\nor c', 5), row("Branched d", 5)]
    cards = [
        card(f"Prompted&nbsp;Say &quot;a&quot; &amp; &lt;b&gt;<br>or c<br>{DATE}<br>"),
        card("Branched&nbsp;d<br>2 janv. 2026, 04:04:05 CET<br><p>Hi.</p>"),
    ]
    as_json, as_page = candidates(read(rows)), candidates(of_page(*cards))
    assert bodies(as_page) == bodies(as_json) == ['Say "a" & <b>\nor c', "d"]
    ids = [[c.drafts[0].message_id for c in found] for found in (as_json, as_page)]
    assert ids[0] == ids[1]
    assert len({*ids[0]}) == 2


def test_ids_do_not_depend_on_the_place_in_the_file() -> None:
    old, new = row("Prompted old", 1), row("Prompted new", 2)
    before, after = candidates(read([old])), candidates(read([new, old]))
    assert before[0].drafts[0].message_id == after[1].drafts[0].message_id


def test_page_of_an_unreadable_date_still_gives_its_prompt() -> None:
    items = of_page(
        card("Prompted&nbsp;hello<br>1 Zzz 2026, 10:00:00 QQT<br><p>Hi.</p>")
    )
    (draft,) = candidates(items)[0].drafts
    assert draft == Draft("hello")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (f"Prompted&nbsp;one<br>two<br>{DATE}<br><p>A.</p>", "one\ntwo"),
        (f"Prompted&nbsp;one<br><br>  two<br>{DATE}<br>", "one\n\n  two"),
        (f"Prompted&nbsp;one<br>{DATE}<br>inline answer<br>more", "one"),
        (f"Prompted one<br>{DATE}<p>A.</p><p>{DATE}</p>", "one"),
        (
            f"Prompted&nbsp;one<br>{DATE}<br>two<br>{DATE}<br><p>A.</p>",
            f"one\n{DATE}\ntwo",
        ),
        ("Prompted&nbsp;one<br><p>no date</p>", "one"),
        (
            f"\n  Prompted one\r\n  <br>\n  two\n  <br>{DATE}<br>\n<p>A.</p>\n",
            "one\ntwo",
        ),
        (
            f"Prompted&nbsp;&lt;p&gt;x&lt;/p&gt; &amp;amp; &#39;<br>{DATE}<br>",
            "<p>x</p> &amp; '",
        ),
        (f"Prompted <a href='{CHAT}aaaaaaaa'>one<br>two</a><br>{DATE}<br>", "one\ntwo"),
        (f"Prompted one<!-- x --><script>y</script><br>{DATE}<br>", "one"),
    ],
)
def test_prompt_is_the_text_before_the_date(body: str, expected: str) -> None:
    assert bodies(of_page(card(body))) == [expected]


@pytest.mark.parametrize(
    "notes",
    [
        "Attached 1 file.<br>-&nbsp;<a href='a.png'>a.png</a>",
        "Attached 2 files.<br>-&nbsp;<a href='a'>a</a><br>-&nbsp;<a href='b'>b</a>",
        "1 Datei angehängt.<br>-&nbsp;<a href='a.png'>a.png</a>",
        "Приложено файлов: 1.<br>-&nbsp;<a href='a.png'>a.png</a>",
        "1 generated image.",
        "<a href='https://gemini.google.com/gems/x'>Gem X wurde verwendet.</a>",
        "http://googleusercontent.com/youtube_content/10",
    ],
)
def test_notes_below_a_prompt_are_not_part_of_it(notes: str) -> None:
    items = of_page(
        card(f"Prompted&nbsp;look<br>at 1<br>{notes}<br>{DATE}<br><p>A.</p>")
    )
    assert bodies(items) == ["look\nat 1"]


def test_first_line_is_never_taken_for_a_note() -> None:
    body = f"Prompted&nbsp;<br>Attached 1 file.<br>- <a href='a'>a</a><br>{DATE}<br>"
    items = of_page(card(body), card(f"Attached 1 file.<br>{DATE}<br>"))
    assert bodies(items) == ["Attached 1 file."]
    assert left_out(items) == {"no text": 1}


def test_chat_of_a_card_is_in_its_caption() -> None:
    link = f'<a href="{CHAT}0123456789ab">chat</a>'
    caption = f"<b>Products:</b><br>&emsp;Gemini Apps<br><b>Details:</b><br>{link}"
    body = f"Prompted hi<br>{DATE}<br><p><a href='{CHAT}ffffffffffff'>no</a></p>"
    (found,) = candidates(of_page(card(body, caption=caption)))
    assert found.conversation_id == "0123456789ab"


@pytest.mark.parametrize(
    ("product", "caption"),
    [
        ("YouTube", ""),
        ("Gemini Apps review", ""),
        ("Gemini", "<b>Products:</b><br>&emsp;Android"),
        ("", ""),
    ],
)
def test_cards_of_other_products_are_counted(product: str, caption: str) -> None:
    items = of_page(card(f"Prompted s<br>{DATE}<br>", product, caption))
    assert items == [Skipped("another Google product", 1)]


def above(verb: str, body: str) -> str:
    return (
        '<div class="outer-cell"> <div class="header-cell"><h3>Gemini Apps</h3>'
        f"<p>{verb}<br></p><p>{DATE}</p></div>\n"
        f'<div class="content-cell">{body}</div></div>'
    )


def test_verb_and_date_above_the_prompt() -> None:
    items = of_page(
        above("Prompted", "<p>one<br>two</p><p>answer</p>"),
        above("Prompted", "three<p>answer</p>"),
        above("Prompted", "<p></p><p>answer</p>"),
        above("Canvas", "<p>canvas</p>"),
        above("Not Prompted", "<p>four</p>"),
    )
    assert bodies(items) == ["one\ntwo", "three"]
    assert left_out(items) == {"no text": 1, "no prompt": 2}
    assert candidates(items)[0].drafts[0].created_at == datetime(
        2026, 1, 2, 3, 4, 5, tzinfo=UTC
    )


def test_cards_across_the_pieces_that_are_read() -> None:
    filler = "<p>" + "x" * 300_000 + "</p>"
    cards = [card(f"Prompted&nbsp;no {n}<br>{DATE}<br>{filler}") for n in range(5)]
    assert bodies(of_page(*cards)) == [f"no {n}" for n in range(5)]


def test_page_that_ends_within_a_card() -> None:
    data = page(card(f"Prompted one<br>{DATE}<br>"), card("Prompted two, three"))
    items = list(takeout.read(document(data[: data.index(b", three")])))
    assert bodies(items) == ["one"]
    (bad,) = failures(items)
    assert (bad.where, bad.reason) == ("file, activity 2", "the file ends inside it")


def test_broken_row_costs_itself() -> None:
    items = read([row("Prompted one"), 7, {"uuid": "x"}, row("Prompted two")])
    assert bodies(items) == ["one", "two"]
    assert [bad.where for bad in failures(items)] == [
        "file, activity 2",
        "file, activity 3",
    ]


def test_style_sheet_of_a_page_may_be_large() -> None:
    data = page(card(f"Prompted one<br>{DATE}<br>"))
    styles = b"<style>" + b".a{color:red}" * 10_000
    large = data.replace(b"<style>.outer-cell{}", styles)
    assert takeout.probe(document(large))
    assert not takeout.probe(document(large.replace(b"outer-cell", b"cell")))


def test_whole_takeout_gives_nothing_but_gemini(tmp_path: Path) -> None:
    search = row("Searched for secret", header="Search", products=["Search"])
    watched = [row("Watched secret", header="YouTube", products=["YouTube"])] * 20
    files = {
        "My Activity/Gemini Apps/MyActivity.json": [row("Prompted hello")],
        "My Activity/Search/MyActivity.json": [search],
        "YouTube and YouTube Music/history/watch-history.json": watched,
    }
    data = {
        f"Takeout/{name}": json.dumps(value).encode() for name, value in files.items()
    }
    data["Takeout/My Activity/Maps/MyActivity.html"] = page(
        card(f"Prompted secret<br>{DATE}<br>", "Maps")
    )
    path = tmp_path / "takeout-001.zip"
    path.write_bytes(archive(data))
    items = imported(path)
    assert bodies(items) == ["hello"]
    counts = Counter[str]()
    for item in items:
        if isinstance(item, Skipped):
            counts[item.reason] += item.number
    assert counts == {"another Google product": 22}


def workspace(*turns: Json) -> Document:
    return of_json(
        {
            "title": "A chat",
            "creation_time": "2026-01-02T03:04:05.123456+00:00",
            "conversation_turns": turns,
        },
        "Gemini in Workspace/Conversation History/conversation_1767323045.txt",
    )


def test_chat_of_a_workspace_account() -> None:
    made = "2026-01-02T03:04:05.123456+00:00"
    found = workspace(
        {"user_turn": {"prompt": "one", "turn_index": 0, "turn_last_modified": made}},
        {"system_turn": {"text": [{"data": "answer"}], "turn_index": 1}},
        {"user_turn": {"prompt": " ", "images": ["a"]}},
        {"user_turn": {"prompt": "two", "turn_index": 2}},
        {"unexpected": True},
        7,
    )
    assert takeout.probe(found)
    items = list(takeout.read(found))
    one, two = candidates(items)
    assert (one.drafts[0].body, two.drafts[0].body) == ("one", "two")
    assert (one.opening, two.opening) == (True, False)
    assert one.conversation_id == "conversation_1767323045"
    assert one.conversation_title == "A chat"
    assert one.drafts[0].created_at == datetime(
        2026, 1, 2, 3, 4, 5, 123_456, tzinfo=UTC
    )
    assert skipped(items) == [{"no text": 1}]


@pytest.mark.parametrize(
    "turns", [[], ["user_turn"], [{"role": "user", "content": "x"}]]
)
def test_other_lists_of_turns_are_not_claimed(turns: list[Json]) -> None:
    assert not takeout.probe(workspace(*turns))
