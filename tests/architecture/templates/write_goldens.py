"""Writes `golden/`: what transformers computes for small networks of each family, with weights that names decide.

Run where transformers and torch are installed: `python -m tests.architecture.templates.write_goldens CASES`, where
CASES is a JSON list of [name, class, configuration]. The files there were written with transformers 5.23.
"""

import importlib
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

from metagauge.architecture.templates.from_config import from_config
from tests.architecture.templates.deterministic import checkpoint, given, weight

_SHOWN = 24
"""Numbers of the output that are kept, spread evenly over it."""


def write(name: str, kind: str, settings: dict[str, object], folder: Path) -> None:
    """One golden file."""
    torch = importlib.import_module("torch")
    network = getattr(importlib.import_module("transformers"), kind)
    with tempfile.TemporaryDirectory() as place:
        network(network.config_class(**settings)).save_pretrained(place)
        path = Path(place) / "model.safetensors"
        shapes = {tensor: array.shape for tensor, array in load_file(path).items() if array.dtype == np.float32}
        save_file({tensor: weight(tensor, shape) for tensor, shape in shapes.items()}, path, {"format": "pt"})
        config = json.loads((Path(place) / "config.json").read_text())
        model = network.from_pretrained(place).eval()
        templated = from_config(checkpoint(shapes), config)
        if templated is None or templated.checkpoint.program is None:
            raise SystemExit(f"{name}: no family")
        inputs = {port.name: torch.from_numpy(given(port)) for port in templated.checkpoint.program.inputs}
        with torch.no_grad():
            outputs = [each for each in model(**inputs).values() if torch.is_tensor(each)]
    result = outputs[0].numpy()
    golden = {
        "class": kind,
        "config": {key: value for key, value in config.items() if key not in ("id2label", "label2id")},
        "tensors": {tensor: list(shape) for tensor, shape in shapes.items()},
        "shape": list(result.shape),
        "numbers": [float(f"{number:.6g}") for number in spread(result)],
    }
    (folder / f"{name}.json").write_text(json.dumps(golden, separators=(",", ":")) + "\n")


def spread(result: np.ndarray) -> np.ndarray:
    """Some numbers of an output, evenly over all of it."""
    flat = result.ravel()
    return flat[np.linspace(0, flat.size - 1, min(_SHOWN, flat.size)).astype(int)]


if __name__ == "__main__":
    target = Path(__file__).parent / "golden"
    target.mkdir(exist_ok=True)
    for name, kind, settings in json.loads(Path(sys.argv[1]).read_text()):
        write(name, kind, settings, target)
