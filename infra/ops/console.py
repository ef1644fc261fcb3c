"""The files of the console, which keep their earlier versions in their bucket for 30 days."""

from __future__ import annotations

import urllib.parse

import aws
import screen
import waiting
from aws import Failed

# Their names have the hash of their content, so older ones are still there (infra/console.sh).
HASHED = "static/"


def roll_back(environment, since: str) -> list[str]:
    """Puts the files back that were there before a release was published at `since`. Returns what failed."""
    try:
        bucket = environment.edge.outputs.get("SiteBucket") if environment.edge.exists() else None
        if not bucket:
            return []
        versions = aws.call("s3api", "list-object-versions", Bucket=bucket).get("Versions", [])
    except Failed as error:
        return [f"the console was not moved back: {error}"]
    moment, moved, wrong = waiting.parsed(since), [], []
    for key in sorted({one["Key"] for one in versions if not one["Key"].startswith(HASHED)}, key=lambda key: key == "index.html"):
        of_key = [one for one in versions if one["Key"] == key]
        current = next((one for one in of_key if one["IsLatest"]), None)
        earlier = [one for one in of_key if waiting.parsed(one["LastModified"]) < moment]
        if not earlier:
            continue
        wanted = max(earlier, key=lambda one: waiting.parsed(one["LastModified"]))
        if current and current["ETag"] == wanted["ETag"]:
            continue
        source = f"{bucket}/{urllib.parse.quote(key)}?versionId={wanted['VersionId']}"
        try:
            aws.call("s3api", "copy-object", Bucket=bucket, Key=key, CopySource=source)
            moved.append(key)
        except Failed as error:
            wrong.append(f"the console's {key} was not moved back: {error}")
    screen.say(f"Console: {', '.join(moved) or 'nothing'} moved back.")
    return wrong
