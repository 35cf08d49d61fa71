"""A browser for the pages: keeps cookies, and sends forms as they are."""

import html
import re
from dataclasses import dataclass, field

import httpx

_FORM = re.compile(r'<form method="post" action="([^"]+)".*?</form>', re.DOTALL)
_FIELD = re.compile(r"<input\b[^>]*>")
_ATTRIBUTE = re.compile(r'(\w+)="([^"]*)"')

PASSWORD = "correct horse battery"


def fields_of(page: str) -> dict[str, str]:
    """Return the fields that the form on a page would send unchanged."""
    found = {}
    for tag in _FIELD.findall(page):
        if 'type="checkbox"' in tag:  # boxes are not ticked at first
            continue
        attributes = dict(_ATTRIBUTE.findall(tag))
        found[attributes["name"]] = html.unescape(attributes.get("value", ""))
    return found


@dataclass
class Browser:
    """A person with a browser."""

    client: httpx.Client
    page: httpx.Response = field(init=False)

    def open(self, path: str) -> httpx.Response:
        """Open a page, and follow redirects."""
        self.page = self.client.get(path, follow_redirects=True)
        return self.page

    def send(self, **values: str) -> httpx.Response:
        """Fill in the form on the page, send it, and follow redirects."""
        form = _FORM.search(self.page.text)
        assert form, self.page.text
        data = {**fields_of(form[0]), **values}
        self.page = self.client.post(form[1], data=data, follow_redirects=True)
        return self.page

    def sign_up(self, email: str, password: str = PASSWORD) -> httpx.Response:
        """Make an account."""
        self.open("/signup")
        return self.send(email=email, password=password)

    def sign_in(self, email: str, password: str = PASSWORD) -> httpx.Response:
        """Sign in to an account that is there."""
        self.open("/signin")
        return self.send(email=email, password=password)
