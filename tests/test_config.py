"""Settings: their precedence, and their file."""

from pathlib import Path

import pytest

from promptvault.config import Setting, SettingSource, load_settings, store_setting
from promptvault.errors import InvalidInputError
from promptvault.setting_key import find_key

SECRET = "sk-secret-of-the-test"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return the path of a settings file that is not there yet."""
    return tmp_path / "config.toml"


@pytest.mark.parametrize(
    ("key", "foreign"),
    [("ai.api_key", "OPENAI_API_KEY"), ("ai.base_url", "OPENAI_BASE_URL")],
)
def test_what_wins(file: Path, key: str, foreign: str) -> None:
    """Remove the setting that wins, one after the other."""
    own = find_key(key).variable
    values = {"own": "https://own", "foreign": "https://foreign"}
    store_setting(file, key, "https://file")
    both = {own: values["own"], foreign: values["foreign"]}
    assert load_settings(file, both)[key].value == values["own"]
    assert (
        load_settings(file, {foreign: values["foreign"]})[key].value
        == values["foreign"]
    )
    for empty in ("", "  ", "\n"):
        setting = load_settings(file, {own: empty, foreign: empty})[key]
        assert (setting.value, setting.source) == ("https://file", SettingSource.FILE)
    store_setting(file, key, None)
    assert load_settings(file, {})[key].source is SettingSource.DEFAULT


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("ai.concurrency", ["1", " 8 "], ["0", "-1", "1.5", "many", "nan", "1e3"]),
        ("ai.retries", ["0", "9"], ["-1", "1.5", "inf", "9" * 5000]),
        ("ai.timeout", ["0.5", "60"], ["0", "-3", "nan", "inf", "1e999", "soon"]),
        ("ai.budget_usd", ["0", "0.5", "1e3"], ["-1", "nan", "inf", "-inf", "$5", ""]),
        ("ai.cache", ["true", "No", "1", "off"], ["2", "maybe", "y e s"]),
        ("import.take", ["first"], ["First", ""]),
    ],
)
def test_values(file: Path, name: str, good: list[str], bad: list[str]) -> None:
    for value in good:
        store_setting(file, name, value)
        assert load_settings(file, {})[name].source is SettingSource.FILE
    for value in bad:
        before = file.read_bytes()
        with pytest.raises(InvalidInputError, match=name):
            store_setting(file, name, value)
        assert file.read_bytes() == before


@pytest.mark.parametrize(
    ("text", "name", "words"),
    [
        ('ai = "x"', "ai.model", "[ai]"),
        ("[[ai]]\nmodel = 1", "ai.model", "[ai]"),
        ("[ai.model]\nx = 1", "ai.model", "ai.model"),
        ("[ai]\nmodel = [1, 2]", "ai.model", "ai.model"),
        ("[ai]\nmodel = 2026-01-01", "ai.model", "ai.model"),
        ("[ai]\nbudget_usd = nan", "ai.budget_usd", "ai.budget_usd"),
        ("[ai]\nbudget_usd = -inf", "ai.budget_usd", "ai.budget_usd"),
        ("[ai]\nbudget_usd = true", "ai.budget_usd", "ai.budget_usd"),
        ("[ai]\nconcurrency = 1.5", "ai.concurrency", "ai.concurrency"),
    ],
)
def test_what_the_file_should_not_have(
    file: Path, text: str, name: str, words: str
) -> None:
    file.write_text(text)
    settings = load_settings(file, {})
    with pytest.raises(InvalidInputError) as raised:
        settings[name]
    assert words in str(raised.value)
    assert (
        settings["editor"].source is SettingSource.DEFAULT
    )  # the other one was not asked for


def test_types_of_toml(file: Path) -> None:
    file.write_text("[ai]\ncache = false\nbudget_usd = 2.5\nretries = 1\nmodel = ''\n")
    settings = load_settings(file, {})
    assert settings["ai.cache"].value == "false"
    assert settings["ai.budget_usd"].number == 2.5
    assert settings["ai.retries"].number == 1
    assert (
        settings["ai.model"].source is SettingSource.DEFAULT
    )  # an empty value counts as none


@pytest.mark.parametrize(
    "text",
    [
        f'[ai]\napi_key = "{SECRET}',
        f"[ai]\napi_key = {SECRET}",
        f"{SECRET}\n",
        f'"{SECRET}" = 1\n"{SECRET}" = 2\n',
        f"x = {{{SECRET} = 1, {SECRET} = 2}}",
        f"[{SECRET}]\n[{SECRET}]\n",
        f'api_key = "{SECRET}\0"',
    ],
)
def test_an_error_of_the_file_does_not_quote_it(file: Path, text: str) -> None:
    file.write_text(text)
    for act in (
        lambda: load_settings(file, {}),
        lambda: store_setting(file, "editor", "vi"),
    ):
        with pytest.raises(InvalidInputError, match="TOML") as raised:
            act()
        assert SECRET not in str(raised.value)
        assert raised.value.__cause__ is None
    assert file.read_text() == text


def test_a_file_of_another_encoding(file: Path) -> None:
    file.write_bytes("editor = 'é'".encode("latin-1"))
    with pytest.raises(InvalidInputError, match="UTF-8"):
        load_settings(file, {})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[ai]\n# mine\nmodel = 'a'  # why\n",
        "ai.model = 'a'\n",
        "ai = {model = 'a'}\n",
        "[ai.other]\nx = 1\n",
        "[other]\nx = 1\r\n[ai]\r\nmodel = 'a'\r\n",
    ],
)
def test_each_way_to_write_a_table_stays_whole(file: Path, text: str) -> None:
    file.write_text(text)
    before = {name: s.value for name, s in load_settings(file, {}).items()}
    store_setting(file, "ai.timeout", "30")
    store_setting(file, "author.name", "Bob")
    changed = {"ai.timeout": "30", "author.name": "Bob"}
    assert {n: s.value for n, s in load_settings(file, {}).items()} == before | changed
    for name in changed:
        store_setting(file, name, None)
    assert {name: s.value for name, s in load_settings(file, {}).items()} == before
    assert ("# mine" in file.read_text()) == ("# mine" in text)


def test_taking_out_of_no_file_makes_none(file: Path) -> None:
    store_setting(file, "editor", None)
    assert not file.exists()


def test_a_link_stays_one(file: Path, tmp_path: Path) -> None:
    target = tmp_path / "dotfiles.toml"
    target.write_text("editor = 'vi'\n")
    file.symlink_to(target)
    store_setting(file, "editor", "nano")
    assert file.is_symlink()
    assert "nano" in target.read_text()


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("in the way")
    with pytest.raises(InvalidInputError, match="cannot be"):
        store_setting(tmp_path / "home" / "config.toml", "editor", "vi")


@pytest.mark.parametrize("user", ["u:p@ss", "u", ":p", "u:p:q"])
def test_what_is_shown(user: str) -> None:
    url = Setting(find_key("ai.base_url"), f"https://{user}@h:1/v1", SettingSource.FILE)
    assert url.shown == "https://(hidden)@h:1/v1"
    query = Setting(
        find_key("ai.base_url"), f"https://h/v1?key={SECRET}", SettingSource.FILE
    )
    assert query.shown == "https://h/v1?(hidden)"
    key = Setting(find_key("ai.api_key"), SECRET, SettingSource.FILE)
    assert (key.shown, SECRET in repr(key)) == ("(hidden)", False)
    mail = Setting(find_key("author.email"), "ada@example.org", SettingSource.FILE)
    assert mail.shown == mail.value
