"""The commands. Each is a module of this package; its name has `_` where the command has `-`."""

# In the order of `--help` and of docs/operations/ops.md.
COMMANDS = [
    "check",
    "status",
    "rollback",
    "logs",
    "replay-failed",
    "restore",
    "rotate",
    "admin",
    "who-changed",
    "down",
    "id",
    "invoke",
]
