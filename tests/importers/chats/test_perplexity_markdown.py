"""Markdown of Perplexity's threads: the questions, and never the answers."""

from promptvault.importers.chats import perplexity
from tests.importers.build import bodies, candidates, document, failures

ADDRESS = "https://www.perplexity.ai/search/tea-t"
EXTENSION = """---
created: 2025-01-30
---
# Tea...
Exported on 30/01/2025 at 10:02:57 [from Perplexity.ai](ADDRESS) - with [SaveMyChatbot]


## User
What is tea?

## Details
Be brief.

## AI answer
## User
A leaf.

## User
And coffee?

## AI answer
A bean."""
PERPLEXPORT = """---
Perplexity URL: ADDRESS
Last updated: 2026-01-01T00:00:00
---

# What is tea?

>[!important] What is tea?
>
> Be brief.

A leaf.

> quoted

* * *

# And coffee?

>[!important] And coffee?"""


def test_questions_below_headings() -> None:
    file = document(EXTENSION.replace("ADDRESS", ADDRESS).encode(), "tea.md")
    assert perplexity.probe(file)
    found = candidates(perplexity.read(file))
    texts = [each.drafts[0].body for each in found]
    assert texts == ["What is tea?\n\n## Details\nBe brief.", "And coffee?"]
    assert found[0].url == ADDRESS
    assert found[0].conversation_id == "tea-t"


def test_questions_in_callouts() -> None:
    file = document(PERPLEXPORT.replace("\n", "\r\n").encode(), "tea.md")
    assert perplexity.probe(file)
    assert bodies(perplexity.read(file)) == ["What is tea?\n\nBe brief.", "And coffee?"]


def test_perplexitys_own_markdown_says_why_it_is_not_read() -> None:
    own = (
        '<img src="https://r2cdn.perplexity.ai/pplx-full-logo-primary.png"/>\n\n# Tea?'
    )
    file = document(own.encode(), "tea.md")
    assert perplexity.probe(file)
    items = list(perplexity.read(file))
    assert bodies(items) == []
    (failure,) = failures(items)
    assert "JSON" in failure.reason
