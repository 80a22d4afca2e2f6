"""A real HTTP server that speaks the chat-completions protocol, with recorded answers, and misbehaves when told to."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PIECE = 400
"""Characters in each event of a stream."""
LONG = 30.0
"""How long a server that says nothing stays silent at most [s]; it wakes when it is closed."""


class ModelServer:
    """``with ModelServer(answer) as server``: ``answer(prompt)`` gives the text; ``server.plan`` says what goes wrong.

    Each request takes the next word of ``plan``: a name of a ``_Handler.misbehave_…`` method, or ``answer``. Requests
    beyond the plan are answered.
    """

    def __init__(self, answer, plan=()):
        self.answer, self.plan = answer, list(plan)
        self.requests = []
        """(monotonic time, headers, body) of each."""
        self.closing = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self._server.model = self

    @property
    def base_url(self):
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *error):
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()

    def wait_for_request(self, count=1, seconds=60.0):
        end = time.monotonic() + seconds
        while len(self.requests) < count:
            assert time.monotonic() < end, "no request came"
            time.sleep(0.02)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def do_POST(self):
        model = self.server.model
        self.body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        model.requests.append(
            (time.monotonic(), {name.lower(): value for name, value in self.headers.items()}, self.body)
        )
        self.text = ""
        word = model.plan.pop(0) if model.plan else "answer"
        try:
            if self.path != "/v1/chat/completions":
                self._fail(404, "no such address")
            elif word == "answer":
                self._answer()
            else:
                getattr(self, f"misbehave_{word}")()
        except (BrokenPipeError, ConnectionResetError):
            pass  # the client hung up, as it should on some of these

    # What a good server does.

    def _answer(self, text=None):
        text = self.server.model.answer(self.body["messages"][0]["content"]) if text is None else text
        usage = {"prompt_tokens": 1000, "completion_tokens": 500, "total_tokens": 1500}
        if not self.body.get("stream"):
            message = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
            self._send(200, "application/json", json.dumps(self._object("chat.completion", [message], usage)).encode())
            return
        self._begin_stream()
        for at in range(0, len(text), PIECE):
            self._event(self._chunk({"content": text[at : at + PIECE]}))
        self._event(self._chunk({}, "stop"))
        self._event(self._object("chat.completion.chunk", [], usage))
        self._end_stream()

    def _object(self, kind, choices, usage=None):
        made = {"id": "1", "object": kind, "created": 1, "model": self.body.get("model", ""), "choices": choices}
        return {**made, "usage": usage} if usage else made

    def _chunk(self, delta, finish=None):
        return self._object("chat.completion.chunk", [{"index": 0, "delta": delta, "finish_reason": finish}])

    def _begin_stream(self, kind="text/event-stream"):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def _event(self, content):
        self._raw(b"data: " + (content if isinstance(content, bytes) else json.dumps(content).encode()) + b"\n\n")

    def _raw(self, data):
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()

    def _end_stream(self):
        self._event(b"[DONE]")
        self.wfile.write(b"0\r\n\r\n")

    def _send(self, code, kind, data, **headers):
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)

    def _fail(self, code, message, **headers):
        body = json.dumps({"error": {"message": message, "type": "test", "code": code}}).encode()
        self._send(code, "application/json", body, **headers)

    def _hang_up(self):
        self.close_connection = True
        self.connection.close()

    # What others do.

    def misbehave_busy(self):
        self._fail(429, "too many requests", Retry_After="1")

    def misbehave_busy_for_a_day(self):
        self._fail(429, "too many requests", Retry_After="86400")

    def misbehave_busy_until_a_date(self):
        self._fail(429, "too many requests", Retry_After="Wed, 21 Oct 2015 07:28:00 GMT")

    def misbehave_broken(self):
        self._fail(500, "internal error")

    def misbehave_overloaded(self):
        self._send(503, "text/html", b"<html>overloaded</html>")

    def misbehave_wrong_key(self):
        self._fail(401, f"Incorrect API key provided: {self.headers['Authorization']}")

    def misbehave_unknown_model(self):
        self._fail(404, f"The model {self.body['model']} does not exist")

    def misbehave_silent(self):
        self.server.model.closing.wait(LONG)
        self._hang_up()

    def misbehave_stall(self):
        self._begin_stream()
        self._event(self._chunk({"content": "I think"}))
        self.server.model.closing.wait(LONG)
        self._hang_up()

    def misbehave_cut(self):
        self._begin_stream()
        self._event(self._chunk({"content": "Half of an ans"}))
        self._hang_up()

    def misbehave_ends_early(self):
        self._begin_stream()
        self._event(self._chunk({"content": "Half of an ans"}))
        self._end_stream()

    def misbehave_hangs_up(self):
        self._hang_up()

    def misbehave_malformed(self):
        self._begin_stream()
        self._event(b'{"id": "1", "choices": [{"index": 0, "delta": {"content"')
        self._end_stream()

    def misbehave_no_object(self):
        self._begin_stream()
        self._event([1, 2, 3])
        self._end_stream()

    def misbehave_odd_types(self):
        self._begin_stream()
        self._event({"choices": [{"index": 0, "delta": {"content": 7}, "finish_reason": "stop"}], "usage": "many"})
        self._end_stream()

    def misbehave_no_choice(self):
        self._begin_stream()
        self._event(self._object("chat.completion.chunk", []))
        self._end_stream()

    def misbehave_empty(self):
        self._answer("")

    def misbehave_refusal(self):
        self._begin_stream()
        self._event(self._chunk({"refusal": "I cannot help with swarms."}))
        self._event(self._chunk({}, "stop"))
        self._end_stream()

    def misbehave_filtered(self):
        self._begin_stream()
        self._event(self._chunk({"content": "def"}, "content_filter"))
        self._end_stream()

    def misbehave_huge(self):
        self._answer("x" * 10_000_000)

    def misbehave_endless(self):
        self._begin_stream()
        while not self.server.model.closing.is_set():
            self._event(self._chunk({"content": "and so on " * 40}))

    def misbehave_page(self):
        self._send(200, "text/html", b"<html><body>Welcome to the proxy</body></html>")

    def misbehave_plain_json(self):
        self.body["stream"] = False
        self._answer()

    def misbehave_echoes_the_key(self):
        self._answer(f"The request said {self.headers['Authorization']}")

    def misbehave_redirects(self):
        self._send(302, "text/plain", b"", Location="http://127.0.0.1:9/v1/elsewhere")
