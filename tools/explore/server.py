"""The local web server: loopback only, everything from this machine, input bounded."""

from __future__ import annotations

import contextlib
import signal
import socket
import sys
import threading
import webbrowser
from pathlib import Path
from typing import Any, Final

import uvicorn
from fastapi import FastAPI, Request
from nicegui import app as nicegui_app
from nicegui import ui
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import PlainTextResponse

from model.errors import InputError
from tools.explore.page import Page
from tools.explore.settings import Settings
from tools.explore.upload import MOST_BYTES
from tools.explore.workers import Workers

WEB: Final = Path(__file__).parent / "web"
NAMES: Final = ["127.0.0.1", "localhost", "[::1]"]
"""Hosts that a browser may ask for: another site's name, pointed at this machine, is refused."""


class BodyLimit:
    """Refuses requests whose body is larger than a file may be, before it is read."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "http" and scope["method"] not in ("GET", "HEAD"):
            length = dict(scope["headers"]).get(b"content-length", b"")
            if not length.isdigit() or int(length) > MOST_BYTES + 65536:
                answer = PlainTextResponse(f"allowed: at most {MOST_BYTES} bytes", 413)
                await answer(scope, receive, send)
                return
        await self._app(scope, receive, send)


def make_app(settings: Settings, host: str) -> FastAPI:
    """The application; ``settings`` are shown where a link says nothing."""
    workers = Workers()
    app = FastAPI(openapi_url=None)
    style = (WEB / "style.css").read_text(encoding="utf-8")

    @ui.page("/", title="wafermesh explorer")
    def index(request: Request) -> None:
        ui.add_css(style)
        shown, refusal = settings, ""
        try:
            if request.query_params:
                shown = Settings.from_query(dict(request.query_params))
        except InputError as error:
            refusal = str(error)
        Page(shown, workers, refusal)

    nicegui_app.on_startup(workers.start)
    nicegui_app.on_shutdown(workers.close)
    ui.run_with(
        app, title="wafermesh explorer", favicon=WEB / "mark.svg", dark=None, language="en-US",
        show_welcome_message=False, reconnect_timeout=10.0,
    )  # fmt: skip
    app.add_middleware(BodyLimit)
    if host in NAMES:
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=NAMES)
    return app


def serve(settings: Settings, host: str, port: int, *, browser: bool) -> None:
    """Serve until interrupted.

    Parameters
    ----------
    settings : Settings
    host : str
        Address to listen on.
    port : int
        0 takes a free one.
    browser : bool
        Open the page in the user's browser.

    Raises
    ------
    InputError
        When nobody can listen there.
    """
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)  # who comes before all is ready waits, and is not refused
    except OSError as error:
        raise InputError(
            f"--port is {port}; allowed: one that is free on {host} ({error.strerror})"
        ) from error
    config = uvicorn.Config(make_app(settings, host), log_level="warning", ws_max_size=1 << 20)
    name = f"[{host}]" if ":" in host else host
    address = f"http://{name}:{listener.getsockname()[1]}/"
    query = settings.to_query()
    print(f"explorer at {address}{'?' + query if query else ''}  (Ctrl-C ends it)", flush=True)
    if browser:
        threading.Timer(0.8, webbrowser.open, [address]).start()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # so that what is open is closed
    with contextlib.suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[listener])
