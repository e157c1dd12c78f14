"""File names of tensors and the names a family's template uses for them."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from metagauge.errors import StructureNotInferableError

_EVERYWHERE = (
    (r"^(?:_orig_mod\.|module\.)+", ""),  # torch.compile and DataParallel
    (r"\.gamma$", ".weight"),  # LayerNorms of checkpoints converted from TensorFlow
    (r"\.beta$", ".bias"),
    (r"\.parametrizations\.weight\.original0$", ".weight_g"),  # weight norm, new and old spelling
    (r"\.parametrizations\.weight\.original1$", ".weight_v"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spelling:
    """The file's tensor names by the template's."""

    files: Mapping[str, str]

    @classmethod
    def of(cls, names: Iterable[str], rewrites: Iterable[tuple[str, str]]) -> "Spelling":
        """`rewrites` are patterns and what takes their place, applied to each file name one after the other.

        Raises:
            StructureNotInferableError: two tensors of the file are the same one of the template.
        """
        patterns = [(re.compile(pattern), text) for pattern, text in (*_EVERYWHERE, *rewrites)]
        files: dict[str, str] = {}
        for name in names:
            plain = name
            for pattern, text in patterns:
                plain = pattern.sub(text, plain)
            if plain in files:
                message = f"tensors {files[plain][:100]!r} and {name[:100]!r} are both {plain[:100]!r} of this family"
                raise StructureNotInferableError(f"{message}: one of them is too much")
            files[plain] = name
        return cls(files=files)
