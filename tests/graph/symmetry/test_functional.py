"""The symmetry of the graph is a symmetry of the function, with ONNX Runtime as referee.

All weights are permuted by a random symmetry of our own finding: heads as blocks, residual streams, channels of
grouped and plain convolutions, flattened features, gates. The outputs stay. If one weight is left as it was, they do
not.
"""

import io
import logging
import warnings
from pathlib import Path

import onnx
import onnxruntime
import pytest
import torch
from torch import nn

from metagauge.architecture.tracing.trace import trace
from metagauge.checkpoint.limits import Limits
from metagauge.checkpoint.onnx_file import read_onnx
from metagauge.errors import MetagaugeError
from metagauge.graph.symmetry.permutation import freedom, permutations
from tests import corpus as corpora
from tests.functional import Feeds, computed, distance, moved, some_inputs, symmetry_of, with_noise

REFUSALS = tuple(
    error
    for error in vars(onnxruntime.capi.onnxruntime_pybind11_state).values()
    if isinstance(error, type) and issubclass(error, Exception)
)
"""ONNX Runtime raises a class of its own for each of its codes."""
TOLERANCE = 1e-4
REALLY = 1e-6
"""Least change of the outputs that an unpermuted weight makes; rounding makes a tenth of it."""


class GroupedQueries(nn.Module):
    """Attention with fewer heads of keys and values than of queries (Ainslie et al. 2023)."""

    def __init__(self, width=24, heads=6, shared=2):
        super().__init__()
        self.heads, self.shared, self.size = heads, shared, width // heads
        self.query = nn.Linear(width, heads * self.size)
        self.key = nn.Linear(width, shared * self.size, bias=False)
        self.value = nn.Linear(width, shared * self.size)
        self.out = nn.Linear(heads * self.size, width)

    def forward(self, x):
        batch, tokens, _ = x.shape
        query = self.query(x).view(batch, tokens, self.heads, self.size).transpose(1, 2)
        key, value = (
            part(x).view(batch, tokens, self.shared, 1, self.size)
            .expand(-1, -1, -1, self.heads // self.shared, -1)
            .reshape(batch, tokens, self.heads, self.size)
            .transpose(1, 2)
            for part in (self.key, self.value)
        )  # fmt: skip
        scores = query @ key.transpose(2, 3) / self.size**0.5
        mixed = (scores.softmax(-1) @ value).transpose(1, 2).reshape(batch, tokens, -1)
        return self.out(mixed) + x


class Fused(nn.Module):
    """Attention with one projection for queries, keys and values, a norm before it and a gated MLP behind it."""

    def __init__(self, width=16, heads=4):
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.gate, self.up, self.down = nn.Linear(width, 20), nn.Linear(width, 20), nn.Linear(20, width)

    def forward(self, x):
        batch, tokens, width = x.shape
        fused = self.qkv(self.norm(x)).view(batch, tokens, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        query, key, value = fused[0], fused[1], fused[2]
        scores = (query @ key.transpose(2, 3)).softmax(-1)
        x = x + self.out((scores @ value).transpose(1, 2).reshape(batch, tokens, width))
        return x + self.down(nn.functional.silu(self.gate(x)) * self.up(x))


class Recurrent(nn.Module):
    """A recurrent layer between two linear ones."""

    def __init__(self, kind, **more):
        super().__init__()
        self.before, self.rnn = nn.Linear(6, 8), kind(8, 10, batch_first=True, **more)
        self.after = nn.Linear(20 if more.get("bidirectional") else 10, 5)

    def forward(self, x):
        states, _ = self.rnn(torch.tanh(self.before(x)))
        return self.after(states)


def turned(kernel: torch.Tensor, quarters: int) -> torch.Tensor:
    """A kernel turned by quarters, in operators that exporters know."""
    for _ in range(quarters):
        kernel = kernel.transpose(-1, -2).flip(-2)
    return kernel


class Rotations(nn.Module):
    """A convolution that commutes with quarter turns (Cohen and Welling 2016): one weight, four turned copies."""

    def __init__(self):
        super().__init__()
        self.lift = nn.Parameter(torch.randn(5, 3, 3, 3))
        self.mix = nn.Parameter(torch.randn(6, 5, 4, 3, 3))
        self.head = nn.Linear(6, 4)

    def forward(self, x):
        lifted = torch.stack([turned(self.lift, turn) for turn in range(4)], 1).reshape(20, 3, 3, 3)
        x = torch.relu(nn.functional.conv2d(x, lifted, padding=1))
        copies = [turned(self.mix.roll(turn, 2), turn) for turn in range(4)]
        x = torch.relu(nn.functional.conv2d(x, torch.stack(copies, 1).reshape(24, 20, 3, 3), padding=1))
        return self.head(x.mean((2, 3)).view(-1, 6, 4).amax(2))


class Convolutions(nn.Module):
    """Grouped, depthwise and plain convolutions, squeeze and excitation, concatenation, flattening."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.BatchNorm2d(8), nn.ReLU())
        self.grouped = nn.Conv2d(8, 12, 3, padding=1, groups=4)
        self.depthwise = nn.Conv2d(12, 12, 3, padding=1, groups=12)
        self.squeeze, self.excite = nn.Linear(12, 4), nn.Linear(4, 12)
        self.norm = nn.GroupNorm(4, 12)
        self.head = nn.Linear(20 * 16, 7)

    def forward(self, x):
        x = self.stem(x)
        y = self.norm(self.depthwise(torch.relu(self.grouped(x))))
        gate = torch.sigmoid(self.excite(torch.relu(self.squeeze(y.mean((2, 3))))))
        return self.head(torch.cat([y * gate[:, :, None, None], x], 1).flatten(1))


MODULES = {
    "grouped queries": (GroupedQueries, (1, 5, 24)),
    "fused attention": (Fused, (1, 5, 16)),
    "multi-head": (lambda: GroupedQueries(shared=6), (1, 5, 24)),
    "lstm": (lambda: Recurrent(nn.LSTM), (1, 4, 6)),
    "lstm, both ways": (lambda: Recurrent(nn.LSTM, bidirectional=True), (1, 4, 6)),
    "gru": (lambda: Recurrent(nn.GRU, num_layers=2), (1, 4, 6)),
    "rnn": (lambda: Recurrent(nn.RNN), (1, 4, 6)),
    "quarter turns": (Rotations, (1, 3, 8, 8)),
    "convolutions": (Convolutions, (1, 3, 8, 8)),
}


def exported(make, shape) -> bytes:
    torch.manual_seed(3)
    module = make().eval()
    for parameter in module.parameters():
        parameter.data = torch.randn_like(parameter) * 0.5
    file = io.BytesIO()
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                module, (torch.randn(shape),), file, dynamo=False, opset_version=17, do_constant_folding=False
            )
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
        logging.disable(logging.NOTSET)
    return file.getvalue()


def check(content: bytes, least: int) -> None:
    """Holds the symmetry against ONNX Runtime; `least` sets of neurons have to be free."""
    checkpoint, model = read_onnx(memoryview(content), Limits()), onnx.load_from_string(content)
    dataflow = trace(checkpoint)
    symmetry = symmetry_of(dataflow, checkpoint)
    assert freedom(symmetry) >= least
    drawn = permutations(symmetry, seed=1)
    permuted, changed = moved(model, drawn)
    assert changed or not least
    if not changed and not least:
        pytest.skip("no set of neurons is free" if not freedom(symmetry) else "its weights are not the main graph's")
    if 10 * len(changed) < len(drawn) and not least:
        pytest.skip(f"{len(drawn) - len(changed)} of its {len(drawn)} weights are one number each, or ordered")
    feeds = some_inputs(model, dataflow)
    before = computed(model, feeds)
    assert distance(before, computed(permuted, feeds)) < TOLERANCE
    some = changed[:: max(len(changed) // 4, 1)]
    felt = max(
        distance(before, computed(moved(model, {name: drawn[name] for name in changed if name != left_out})[0], feeds))
        for left_out in some
    )
    assert felt > REALLY or not any(matters(model, name, feeds) for name in some)


def matters(model: onnx.ModelProto, name: str, feeds: Feeds) -> bool:
    """Whether a tensor can be felt at the outputs at all; those of all zeros hide what is before them."""
    return distance(computed(model, feeds), computed(with_noise(model, name), feeds)) > REALLY


@pytest.mark.parametrize("name", MODULES)
def test_permuted_weights_compute_the_same(name):
    make, shape = MODULES[name]
    check(exported(make, shape), least=1)


def files() -> list[Path]:
    try:
        folders = corpora.corpus("onnx"), corpora.corpus("safetensors")
    except pytest.skip.Exception:
        return []
    return sorted(folders[0].glob("*.onnx")) + sorted(folders[1].glob("*/*.onnx"))


@pytest.mark.parametrize("path", files(), ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_permuted_corpus_files_compute_the_same(path):
    content = path.read_bytes()
    try:
        check(content, least=0)
    except MetagaugeError as refusal:
        pytest.skip(f"refused: {refusal}")
    except REFUSALS as error:
        pytest.skip(f"ONNX Runtime does not run it: {str(error)[:100]}")


def test_the_corpus_is_there_or_its_absence_is_said():
    assert files() or not corpora.corpus("onnx")
