"""Something worth telling the user which is no reason to refuse."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One observation. `rule` is a stable name in kebab-case, `layer` the tensor or layer it is about."""

    rule: str
    level: Literal["note", "warning", "error"]
    message: str
    layer: str | None = None
    value: float | None = None
