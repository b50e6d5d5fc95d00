"""A double on a real socket of the loopback, for tests that cross process borders."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

Server = Callable[[httpx.Request], httpx.Response]
_OWN = frozenset({"content-length", "transfer-encoding", "connection", "content-encoding"})


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Who asked may have gone, or was killed."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


@contextmanager
def serving(server: Server) -> Iterator[str]:
    """The URL at which the double answers until the end."""
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        """Turns a request into httpx's form and the answer back."""

        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            """One at a time: doubles are no servers."""
            body = self.rfile.read(int(self.headers.get("content-length", "0")))
            url = f"http://{self.headers.get('host', 'localhost')}{self.path}"
            request = httpx.Request(self.command, url, headers=list(self.headers.items()), content=body)
            with lock:
                response = server(request)
            content = response.content
            self.send_response(response.status_code)
            for name, value in response.headers.items():
                if name not in _OWN:
                    self.send_header(name, value)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"):
        setattr(Handler, f"do_{method}", Handler.answer)
    http = _Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{http.server_address[1]}"
    finally:
        http.shutdown()
        http.server_close()
        thread.join()
