"""What a command has finished, and what remains until when."""

from __future__ import annotations

import screen


def done(text: str) -> None:
    screen.say(f"✓ {text}")


def remains(text: str) -> None:
    screen.say(f"· remains: {text}")
