"""Talks to the local model with OpenAI's own client, and checks a request of `answers` against the types of that client.

    python official_client.py BASE_URL MODEL

MODEL is the one that `answers` has asked. Prints what it answers to the same request.
"""

import json
import sys
import typing
import urllib.request

import openai
import pydantic
from openai.types.chat import completion_create_params

url, model = sys.argv[1:]
QUESTION = [{"role": "user", "content": "How long are backups kept?"}]
TEXT = "The sources do not say this."
# Fails if an answer has not the types of the client, which would read nearly everything.
client = openai.OpenAI(base_url=url, api_key="a key", max_retries=0, timeout=3, _strict_response_validation=True)
chats = client.chat.completions


def fails(kind: type[Exception], ask: typing.Callable) -> Exception:
    try:
        ask()
    except kind as error:
        assert type(error) is kind, repr(error)
        return error
    raise AssertionError(f"no {kind.__name__}")


def read(model: str, messages: list = QUESTION, **more) -> tuple[str, list]:
    """Reads a stream. Returns its text and its chunks."""
    chunks = list(chats.create(model=model, messages=messages, stream=True, **more))
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices), chunks


def answers() -> None:
    whole = chats.create(model="stub-fast", messages=QUESTION)
    assert (whole.choices[0].message.content, whole.choices[0].finish_reason) == (TEXT, "stop"), whole
    assert whole.usage.total_tokens == whole.usage.prompt_tokens + whole.usage.completion_tokens > 0, whole
    short = chats.create(model="stub-fast", messages=QUESTION, max_completion_tokens=2)
    assert (short.choices[0].message.content, short.choices[0].finish_reason) == ("The sources ", "length"), short

    text, chunks = read("stub-fast", stream_options={"include_usage": True})
    assert text == TEXT, chunks
    assert [chunk.choices[0].finish_reason for chunk in chunks[:-1]] == [None] * (len(chunks) - 2) + ["stop"], chunks
    assert (chunks[0].choices[0].delta.role, chunks[-1].choices) == ("assistant", []), chunks
    assert [chunk.usage for chunk in chunks[:-1]] == [None] * (len(chunks) - 1), chunks
    assert chunks[-1].usage == whole.usage, chunks
    for unreported in (read("stub-fast"), read("stub-nousage", stream_options={"include_usage": True})):
        assert unreported[0] == TEXT and all(chunk.choices and chunk.usage is None for chunk in unreported[1]), unreported


def faults() -> None:
    for stream in (False, True):
        def ask(model: str, messages: list = QUESTION, stream: bool = stream):
            return lambda: chats.create(model=model, messages=messages, stream=stream)

        fails(openai.InternalServerError, ask("stub-500"))
        throttled = fails(openai.RateLimitError, ask("stub-429"))
        assert (throttled.code, throttled.response.headers["retry-after"]) == ("rate_limit_exceeded", "7")
        assert fails(openai.NotFoundError, ask("no-model")).code == "model_not_found"
        assert fails(openai.BadRequestError, ask("stub-fast", [])).code == "invalid_value"
    unknown = client.with_options(default_headers={"Authorization": ""})
    denied = fails(openai.AuthenticationError, lambda: unknown.chat.completions.create(model="stub-fast", messages=QUESTION))
    assert denied.code == "invalid_api_key"
    hasty = client.with_options(timeout=0.3).chat.completions
    fails(openai.APITimeoutError, lambda: hasty.create(model="stub-hang", messages=QUESTION, stream=True))
    # In the middle of a stream.
    assert fails(openai.APIError, lambda: read("stub-error")).code == "overloaded"
    fails(openai.APIConnectionError, lambda: read("stub-cut"))
    fails(openai.APITimeoutError, lambda: list(hasty.create(model="stub-stall", messages=QUESTION, stream=True)))
    fails(json.JSONDecodeError, lambda: read("stub-garbage"))


def has_only(kind: type, value: dict) -> None:
    """Fails if `value` has a member that its type does not know."""
    unknown = set(value) - set(typing.get_type_hints(kind))
    assert not unknown, unknown


def request() -> dict:
    """Returns the request of `answers`, which has the types that OpenAI's servers expect."""
    with urllib.request.urlopen(url.removesuffix("/v1") + f"/chats/{model}") as response:
        sent = json.load(response)
    kind = completion_create_params.CompletionCreateParamsStreaming
    valid = pydantic.TypeAdapter(kind).validate_python(sent)
    has_only(kind, sent)
    has_only(completion_create_params.ChatCompletionStreamOptionsParam, sent["stream_options"])
    # They are checked while they are read.
    assert len(list(valid["messages"])) == len(sent["messages"]) > 0
    for message in sent["messages"]:
        assert set(message) == {"role", "content"}, message
    fails(pydantic.ValidationError, lambda: pydantic.TypeAdapter(kind).validate_python({**sent, "max_tokens": "many"}))
    return sent


answers()
faults()
text, chunks = read(**{name: value for name, value in request().items() if name != "stream"})
assert chunks[-1].usage is not None
print(text, end="")
