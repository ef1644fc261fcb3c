"""Times, and waiting for something. A deadline counts the looks at it, so that tests do not wait."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

import aws
import screen

_PAUSE = 10  # seconds between two looks


def until(ready, what: str, minutes: float):
    """Calls `ready` every ten seconds until its answer is true, and returns it; after `minutes`, returns the last answer. Says once what it waits for."""
    for attempt in range(int(minutes * 60 / _PAUSE) + 1):
        if attempt:
            aws.pause(_PAUSE)
        answer = ready()
        if answer:
            return answer
        if not attempt:
            screen.progress(f"waiting for {what}, at most {minutes:g} minutes")
    return answer


def pause(moment: datetime, why: str) -> None:
    """Waits until `moment`."""
    seconds = (moment - now()).total_seconds()
    if seconds > 0:
        screen.progress(f"waiting until {shown(moment)}: {why}")
        for _ in range(int(seconds / _PAUSE) + 1):
            aws.pause(_PAUSE)


def now() -> datetime:
    return datetime.now(timezone.utc)


def after(minutes: float, moment: datetime | None = None) -> datetime:
    return (moment or now()) + timedelta(minutes=minutes)


def parsed(text: str | float) -> datetime:
    """Reads a time as the CLI and the functions write it: as text, or in seconds."""
    if not isinstance(text, str):
        return datetime.fromtimestamp(text, timezone.utc)
    # Lambda writes +0000. Python 3.9 reads +00:00, and six digits of a second, no other number of them.
    text = re.sub(r"\.(\d+)", lambda found: f".{found[1][:6]:0<6}", text.replace("Z", "+00:00"))
    text = re.sub(r"([+-]\d\d)(\d\d)$", r"\1:\2", text)
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


def shown(moment: datetime) -> str:
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
