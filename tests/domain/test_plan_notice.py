"""Notices about a plan, in words."""

import pytest

from promptvault.domain.entitlement import Notice
from promptvault.domain.plan_notice import notice_text, over_limit


@pytest.mark.parametrize("notice", Notice)
def test_each_has_a_sentence(notice: Notice) -> None:
    assert notice_text(str(notice), "5 March 2026").endswith(".")


def test_it_names_the_day() -> None:
    assert "on 5 March 2026" in notice_text(Notice.ENDS, "5 March 2026")


def test_one_that_a_newer_server_sends_is_left_out() -> None:
    assert notice_text("price_changes", "5 March 2026") == ""
    assert notice_text(None, "") == ""


def test_only_what_exceeds_a_limit_is_over_it() -> None:
    assert over_limit(51, 50) == 1
    assert over_limit(50, 50) == 0
    assert over_limit(3000, None) == 0
