"""A provider with its own keys, which sends invalid answers and fails on request."""

import base64
import hashlib
import hmac
import json
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

CLIENT_ID = "promptvault"
EMAIL = "ada@example.org"

Claims = dict[str, Any]
Answer = dict[str, Any] | int
"""A JSON object, or a status without a body."""
DISCOVERY, JWKS = "/.well-known/openid-configuration", "/jwks"


def encoded(value: object) -> str:
    """Return a part of a JWT."""
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


@dataclass(frozen=True)
class Key:
    """A key, its name and its use."""

    id: str
    private: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

    @property
    def algorithm(self) -> str:
        """What tokens are signed with."""
        return "RS256" if isinstance(self.private, rsa.RSAPrivateKey) else "ES256"

    @property
    def public(self) -> Claims:
        """The key set that the provider publishes."""
        key: Any = self.private.public_key()
        kind = RSAAlgorithm if self.algorithm == "RS256" else ECAlgorithm
        named = {"kid": self.id, "use": "sig", "alg": self.algorithm}
        return {**kind.to_jwk(key, as_dict=True), **named}

    def sign(self, claims: Claims, **header: Any) -> str:
        """Return a token."""
        headers = {"kid": self.id, **header}
        return jwt.encode(claims, self.private, self.algorithm, headers)


def rsa_key(id: str, bits: int = 2048) -> Key:
    """Return a new key of the common kind."""
    return Key(id, rsa.generate_private_key(65537, bits))


def ec_key(id: str) -> Key:
    """Return a new key of the short kind."""
    return Key(id, ec.generate_private_key(ec.SECP256R1()))


def hashed_with(secret: bytes) -> Callable[[Claims], str]:
    """Return a signer that uses a shared secret."""

    def sign(claims: Claims) -> str:
        body = f"{encoded({'alg': 'HS256', 'kid': 'first'})}.{encoded(claims)}"
        mac = hmac.new(secret, body.encode(), hashlib.sha256).digest()
        return f"{body}.{encoded(mac)}"

    return sign


def unsigned(claims: Claims) -> str:
    """Return a token that claims to need no signature."""
    return f"{encoded({'alg': 'none', 'kid': 'first'})}.{encoded(claims)}."


@dataclass
class Provider:
    """Signs each user in with the identity in `claims`."""

    key: Key
    claims: Claims = field(default_factory=dict)
    """Added to the claims of a valid token; None removes a claim."""
    document: Claims = field(default_factory=dict)
    """The discovery document to send instead of the true one."""
    keys: list[Claims] = field(default_factory=list)
    user_info: Claims = field(default_factory=dict)
    sign: Callable[[Claims], str] | None = None
    """The key set to send instead of the true one."""
    failing: dict[str, int] = field(default_factory=dict)
    """Path to status."""
    asked: Counter[str] = field(default_factory=Counter)
    forms: list[dict[str, str]] = field(default_factory=list)
    """The requests to exchange a code, with the header that identifies the client."""
    url: str = ""
    _begun: dict[str, dict[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.keys = self.keys or [self.key.public]
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(
            target=self._server.serve_forever, args=(0.01,), daemon=True
        ).start()

    def stop(self) -> None:
        """Stop, and free the port."""
        self._server.shutdown()
        self._server.server_close()

    def use(self, key: Key) -> None:
        """Sign with another key from now on, and publish only that key."""
        self.key, self.keys = key, [key.public]

    def _get(self, path: str, query: dict[str, str]) -> Answer | str:
        match path:
            case "/.well-known/openid-configuration":
                return self._describe() | self.document
            case "/jwks":
                return {"keys": self.keys}
            case "/userinfo":
                return self.user_info
            case "/authorize":
                code = secrets.token_urlsafe()
                self._begun[code] = query
                back = {"code": code, "state": query["state"]}
                return f"{query['redirect_uri']}?{urlencode(back)}"
        return 404

    def _post(self, form: dict[str, str]) -> Answer:
        self.forms.append(form)
        begun = self._begun.pop(form["code"], None)
        if begun is None or begun["redirect_uri"] != form["redirect_uri"]:
            return 400
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        if encoded(digest) != begun["code_challenge"]:
            return 400
        claims = self._good(begun["nonce"]) | self.claims
        stated = {name: value for name, value in claims.items() if value is not None}
        token = (self.sign or self.key.sign)(stated)
        return {"id_token": token, "access_token": "opaque", "token_type": "Bearer"}

    def _good(self, nonce: str) -> Claims:
        now = int(time.time())
        return {
            "iss": self.url,
            "sub": "user-1",
            "aud": CLIENT_ID,
            "nonce": nonce,
            "iat": now,
            "exp": now + 300,
            "email": EMAIL,
            "email_verified": True,
        }

    def _describe(self) -> Claims:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "userinfo_endpoint": f"{self.url}/userinfo",
            "jwks_uri": f"{self.url}{JWKS}",
            "id_token_signing_alg_values_supported": ["RS256", "ES256", "HS256"],
        }

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path, query = self._asked()
                self._answer(provider.failing.get(path) or provider._get(path, query))

            def do_POST(self) -> None:
                path, _ = self._asked()
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                form = dict(parse_qsl(body))
                form["from"] = self.headers.get("Authorization", "")
                self._answer(provider.failing.get(path) or provider._post(form))

            def _asked(self) -> tuple[str, dict[str, str]]:
                parts = urlsplit(self.path)
                provider.asked[parts.path] += 1
                return parts.path, dict(parse_qsl(parts.query))

            def _answer(self, answer: Answer | str) -> None:
                status = answer if isinstance(answer, int) else 200
                self.send_response(302 if isinstance(answer, str) else status)
                body = json.dumps(answer).encode() if isinstance(answer, dict) else b""
                if isinstance(answer, str):
                    self.send_header("Location", answer)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Keep stderr clean."""

        return Handler
