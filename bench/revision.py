"""When a figure was taken, and of which state of the project."""

import subprocess
from datetime import UTC, datetime
from pathlib import Path


def now_and_commit() -> tuple[str, str]:
    """Today's date and the commit that is checked out; a plus marks changes on top of it."""
    commit = _git("rev-parse", "--short", "HEAD") or "unknown"
    changed = "+" if _git("status", "--porcelain", "--untracked-files=no") else ""
    return datetime.now(UTC).date().isoformat(), commit + changed


def _git(*arguments: str) -> str:
    root = Path(__file__).parents[1]
    found = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False)
    return found.stdout.strip() if found.returncode == 0 else ""
