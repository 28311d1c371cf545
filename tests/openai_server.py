"""A small server that speaks OpenAI's chat completions, and can fail in every way."""

import contextlib
import json
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HTML = b"<!doctype html><html><body>Welcome to the router</body></html>"


class OpenAIServer:
    """Answers with an engine on a loopback port; `fault` says what goes wrong from now on.

    Faults: a status code; "html", "json" (no stream), "hang", "cut" (ends early), "reset",
    "malformed", "foreign" (JSON of another kind), "empty", "error" (inside the stream),
    "no usage", "no stream_options" (refuses that option).
    """

    def __init__(self, engine, adapters):
        self.engine = engine
        self.adapters = adapters  # model name → PEFT folder, None for the base weights
        self.fault = None
        self.key = None  # wanted from clients
        self.words = "something is wrong"  # in error messages
        self.retry_after = None
        self.requests = []  # (path, headers, body)
        self.busy = 0
        self._counting = threading.Lock()
        self._end = threading.Event()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._http.daemon_threads = True
        self._http.ours = self
        self._http.handle_error = lambda *_: None  # a broken connection is what some tests want
        self.url = f"http://127.0.0.1:{self._http.server_port}/v1"
        threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True).start()

    def count(self, path):
        return sum(asked.endswith(path) for asked, _, _ in self.requests)

    def free_within(self, seconds):
        deadline = time.monotonic() + seconds
        while self.busy and time.monotonic() < deadline:
            time.sleep(0.01)
        return not self.busy

    def close(self):
        self._end.set()
        self._http.shutdown()
        self._http.server_close()

    def hang(self):
        self._end.wait(30)

    @contextlib.contextmanager
    def generating(self):
        with self._counting:
            self.busy += 1
        try:
            yield
        finally:
            with self._counting:
                self.busy -= 1


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def do_GET(self):
        self._answer(None)

    def do_POST(self):
        self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def _answer(self, body):
        ours = self.server.ours
        ours.requests.append((self.path, dict(self.headers), body))
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            if ours.key and self.headers.get("Authorization") != f"Bearer {ours.key}":
                self._error(401)
            elif isinstance(ours.fault, int) and (body is not None or ours.fault != 400):
                self._error(ours.fault)
            elif ours.fault == "html":
                self._send(200, "text/html", HTML)
            elif body is None and ours.fault == "hang":
                ours.hang()
            elif self.path.endswith("/v1/models") and body is None:
                rows = [{"id": name, "object": "model"} for name in ours.adapters]
                self._json(200, {"object": "list", "data": rows})
            elif self.path.endswith("/v1/chat/completions"):
                self._chat(ours, body)
            else:
                self._error(404)

    def _chat(self, ours, body):
        if body["model"] not in ours.adapters:
            self._json(404, {"error": {"message": f"The model {body['model']} does not exist."}})
        elif ours.fault == "no stream_options" and "stream_options" in body:
            self._json(400, {"detail": "Unknown field: stream_options"})
        elif ours.fault == "json":
            self._json(200, {"choices": [{"message": {"content": "whole"}}]})
        else:
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Connection", "close")
            self.end_headers()
            self.close_connection = True
            self._stream(ours, body)

    def _stream(self, ours, body):
        self._chunk({"role": "assistant", "content": ""})
        if ours.fault == "empty":
            self._chunk({}, finish="stop")
            return
        pieces = ours.engine.stream(
            body["messages"],
            adapter=ours.adapters[body["model"]],
            max_new_tokens=body["max_tokens"],
        )
        last = None
        with ours.generating(), contextlib.closing(pieces):
            for number, last in enumerate(pieces):
                if number == 2 and self._fails(ours):
                    return
                self._chunk({"content": last.text})
        self._chunk({}, finish="length")
        if body.get("stream_options", {}).get("include_usage") and ours.fault != "no usage":
            usage = {
                "prompt_tokens": last.prompt_tokens,
                "completion_tokens": last.completion_tokens,
                "total_tokens": last.prompt_tokens + last.completion_tokens,
            }
            self._event({"object": "chat.completion.chunk", "choices": [], "usage": usage})
        self._write(b"data: [DONE]\n\n")

    def _fails(self, ours):
        """Fail in the middle of the stream, where that is wanted."""
        if ours.fault == "hang":
            ours.hang()
        elif ours.fault == "malformed":
            self._write(b'data: {"choices": [{"delta": {"conte\n\n')
        elif ours.fault == "foreign":
            self._write(b'data: {"choices": "none"}\n\n')
        elif ours.fault == "error":
            self._event({"error": {"message": ours.words, "code": 500}})
        elif ours.fault == "reset":
            # Closing with zero lingering makes the system send a reset.
            self.connection.setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00"
            )
            self.connection.close()
            raise ConnectionResetError
        return ours.fault in ("cut", "hang", "malformed", "foreign", "error")

    def _chunk(self, delta, finish=None):
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        self._event({"id": "1", "object": "chat.completion.chunk", "choices": [choice]})

    def _event(self, value):
        self._write(f"data: {json.dumps(value)}\n\n".encode())

    def _write(self, data):
        self.wfile.write(data)
        self.wfile.flush()

    def _error(self, status):
        self._json(status, {"error": {"message": self.server.ours.words, "code": status}})

    def _json(self, status, value):
        self._send(status, "application/json", json.dumps(value).encode())

    def _send(self, status, kind, data):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        if self.server.ours.retry_after:
            self.send_header("Retry-After", self.server.ours.retry_after)
        if status == 302:
            self.send_header("Location", "http://127.0.0.1:9/elsewhere")
        self.end_headers()
        self.wfile.write(data)
