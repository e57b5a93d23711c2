"""A receiver that knows the providers' documentation and nothing of cardctl: what it believes, and where it listens."""

from __future__ import annotations

import base64
import hashlib
import hmac
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import stripe

Secrets = Mapping[str, list[str]]


def believes(face: str, headers: Mapping[str, str], body: bytes, query: str, secrets: Secrets) -> bool:
    """Whether any of the secrets proves that the provider sent this; Stripe's own verifier speaks for Stripe."""
    if face == "stripe":
        return any(_stripe(headers["Stripe-Signature"], body, secret) for secret in secrets["stripe.webhook_secret"])
    if face == "marqeta":
        return _marqeta(headers, body, secrets)
    return parse_qs(query).get("secret", [""])[0] in secrets["strowallet.webhook_secret"]


def _stripe(header: str, body: bytes, secret: str) -> bool:
    try:
        return bool(stripe.WebhookSignature.verify_header(body.decode(), header, secret, tolerance=10**9))
    except stripe.SignatureVerificationError:
        return False


def _marqeta(headers: Mapping[str, str], body: bytes, secrets: Secrets) -> bool:
    pairs = zip(secrets["marqeta.webhook_username"], secrets["marqeta.webhook_password"], strict=True)
    basic = [f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}" for user, password in pairs]
    proofs = [hmac.new(one.encode(), body, hashlib.sha256).hexdigest() for one in secrets["marqeta.webhook_secret"]]
    return headers["Authorization"] in basic and headers["X-Marqeta-Signature"] in proofs


Answer = Callable[[str, Mapping[str, str], bytes], tuple[int, bytes]]


@contextmanager
def receiver(answer: Answer) -> Iterator[str]:
    """The URL of a port where each POST is answered by `answer(target, headers, body)`."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, said = answer(self.path, self.headers, body)  # type: ignore[arg-type]
            self.send_response(status)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_: object) -> None:
            pass

    class Port(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """Who did not wait for the answer is no error."""

    server = Port(("127.0.0.1", 0), Handler)
    worker = threading.Thread(target=server.serve_forever, args=(0.02,))
    worker.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        worker.join()
        server.server_close()
