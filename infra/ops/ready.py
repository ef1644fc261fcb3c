"""Asks the API whether it and its dependencies are available."""

from __future__ import annotations

import os
import time
import urllib.error
import urllib.request

import aws


def answer(url: str, deadline: float = 30) -> tuple[bool, str]:
    """Returns whether `/ready` answers 200, and what it answered."""
    try:
        with urllib.request.urlopen(f"{url}/ready", timeout=deadline) as response:
            return response.status == 200, f"{response.status} {response.read(2000).decode(errors='replace')}"
    except urllib.error.HTTPError as error:
        return False, f"{error.code} {error.read(2000).decode(errors='replace')}"
    except (OSError, ValueError) as error:
        return False, f"no answer: {getattr(error, 'reason', error)}"


def wait(url: str) -> tuple[bool, str]:
    """Like `answer`, but asks again until it answers 200, for a minute."""
    end = time.monotonic() + float(os.environ.get("OPS_READY_SECONDS", 60))
    while True:
        is_ready, text = answer(url)
        if is_ready or time.monotonic() > end:
            return is_ready, text
        aws.pause(5)
