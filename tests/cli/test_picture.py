"""Drawings of parameter graphs: everything is in them, repeats once, nothing overlaps, and names stay text."""

import importlib.util
import re
from dataclasses import replace
from itertools import combinations, pairwise
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from metagauge.architecture.layers import SelectToken, Tokens
from metagauge.cli.inspection.picture.dot import dot
from metagauge.cli.inspection.picture.draw import draw
from metagauge.cli.inspection.picture.picture import MAX_BOXES, picture
from metagauge.cli.inspection.picture.render import svg
from metagauge.cli.inspection.picture.repeats import Place, Repeat, repeats
from metagauge.cli.main import outcome
from metagauge.errors import ExtraMissingError, LimitExceededError
from metagauge.graph.parameter_graph import Block, NodeGroup, ParameterGraph
from models.zoo.sketch import Sketch
from tests.zoo_networks import FAMILY_NAMES, drawn, filled, graph_of

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = 'x"]; evil -> [<script>alert(1)</script> & \\N \\"}\x1b[31m\x00'


def transformer(layers: int, wider: int = -1) -> ParameterGraph:
    """Pre-norm layers, all alike but for number `wider`."""
    sketch = Sketch((3, 8, 8))
    sketch.conv("patches", 8, 4, 4, padding=0, bias=True)
    sketch.append("tokens", Tokens())
    for number in range(layers):
        name, stream = f"layer.{number}", sketch.here
        sketch.norm(f"{name}.norm1", "layer")
        sketch.add(f"{name}.add1", stream, sketch.attention(f"{name}.attention", 2))
        stream = sketch.here
        sketch.norm(f"{name}.norm2", "layer")
        sketch.linear(f"{name}.up", 32 if number == wider else 16)
        sketch.activation(f"{name}.act", "gelu")
        sketch.linear(f"{name}.down", 8)
        sketch.add(f"{name}.add2", stream, sketch.here)
    sketch.append("first", SelectToken(index=0))
    sketch.linear("head", 3)
    plan = sketch.finish("vit")
    return graph_of(plan.architecture, filled(plan, np.random.default_rng(0)))


def chain(sizes: list[int]) -> ParameterGraph:
    """Groups one behind the other."""
    groups = [NodeGroup(name=f"g{number}", kind="hidden", size=size) for number, size in enumerate(sizes)]
    blocks = [
        Block(source=number, target=number + 1, role="linear", weight=np.ones((after, before, 1), np.float32))
        for number, (before, after) in enumerate(pairwise(sizes))
    ]
    return ParameterGraph(groups=tuple(groups), blocks=tuple(blocks), family="mlp")


def boxes(drawing: bytes) -> list[tuple[float, float, float, float]]:
    """Left, top, right and bottom of every box in an SVG file."""
    found = []
    for node in ElementTree.fromstring(drawing).iter(f"{SVG}g"):
        if node.get("class") == "node":
            path = node.find(f".//{SVG}path")
            assert path is not None
            numbers = [float(number) for number in re.findall(r"-?\d+(?:\.\d+)?", path.attrib["d"])]
            across, down = numbers[::2], numbers[1::2]
            found.append((min(across), min(down), max(across), max(down)))
    return found


@pytest.mark.parametrize("family", FAMILY_NAMES)
def test_every_group_is_told_and_every_block_drawn_or_told(family: str):
    graph = graph_of(*drawn(family))
    drawing = picture(graph)
    if not drawing.frames:
        told = sum(len(box.parameters) for box in drawing.boxes)
        assert sum(arrow.times for arrow in drawing.arrows) + told == len(graph.blocks)
        assert len(drawing.boxes) + told == len(graph.groups)
    source = dot(drawing, "title", "subtitle")
    assert source.count(" -> ") == len(drawing.arrows)


def test_layers_that_are_alike_are_drawn_once_and_counted():
    drawing = picture(transformer(12))
    (frame,) = drawing.frames
    assert frame.times == 12
    assert len(drawing.boxes) < len(picture(transformer(2)).boxes) + len(frame.boxes)
    assert f"× {frame.times}, the last from layer.{frame.times - 1}.norm1" in dot(drawing, "", "")


def test_a_layer_that_is_not_alike_is_drawn():
    drawing = picture(transformer(12, wider=5))
    assert [frame.times for frame in drawing.frames] == [5, 6]
    assert any(box.group.name == "layer.5.up" for box in drawing.boxes)


def test_what_comes_twice_is_drawn_twice():
    assert picture(transformer(2)).frames == ()


def test_repeats_are_found_where_sources_are_as_far_away_or_the_same():
    same = [Place(looks=("a",), sources=())]
    same += [Place(looks=("b",), sources=(0, at)) for at in range(1, 6)]
    assert repeats(same) == [Repeat(start=1, period=1, times=5)]
    crossed = [Place(looks=("b",), sources=((at * 7) % 5,)) for at in range(5)]
    assert repeats(crossed) == []


def test_a_box_whose_name_only_counts_is_called_after_its_module():
    graph = chain([4, 5, 6])
    groups = tuple(replace(group, name=f"contract_{number}") for number, group in enumerate(graph.groups))
    blocks = (replace(graph.blocks[0], name="encoder.query.weight"), replace(graph.blocks[1], name="contract_2.bias"))
    drawing = picture(replace(graph, groups=groups, blocks=blocks))
    assert [box.title for box in drawing.boxes] == ["contract_0", "encoder.query", "contract_2"]


def test_nothing_overlaps():
    found = boxes(svg(dot(picture(transformer(3, wider=1)), "net", "")))
    assert len(found) > 20
    for one, other in combinations(found, 2):
        assert one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1], (one, other)


def test_a_name_stays_text_whatever_is_in_it(tmp_path: Path):
    graph = chain([4, 5, 6])
    groups = tuple(replace(group, name=HOSTILE) for group in graph.groups)
    blocks = tuple(replace(block, name=HOSTILE) for block in graph.blocks)
    hostile = replace(graph, groups=groups, blocks=blocks)
    for name in ("net.svg", "net.html"):
        draw(hostile, tmp_path / name, HOSTILE, HOSTILE)
        text = (tmp_path / name).read_text()
        assert "<script" not in text
        assert "\x1b" not in text
        tree = ElementTree.fromstring(text[text.index("<svg") : text.index("</svg>") + 6])
        assert sum(node.get("class") == "node" for node in tree.iter(f"{SVG}g")) == 3
        assert sum(node.get("class") == "edge" for node in tree.iter(f"{SVG}g")) == 2


def test_a_thousand_different_groups_are_drawn_and_more_are_counted():
    sizes = [3 + number % 1009 for number in range(MAX_BOXES + 100)]
    drawing = picture(chain(sizes))
    assert (len(drawing.boxes), drawing.left_out) == (MAX_BOXES, 100)
    assert "100 more groups at the end are not drawn" in dot(drawing, "", "")
    assert len(boxes(svg(dot(drawing, "", "")))) == MAX_BOXES


def test_a_layout_that_takes_too_long_is_given_up():
    with pytest.raises(LimitExceededError, match="took longer than"):
        svg(dot(picture(chain([2, 3])), "", ""), deadline_s=0.001)


def test_without_graphviz_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("metagauge.cli.inspection.picture.render.find_spec", lambda name: None)
    with pytest.raises(ExtraMissingError, match=r"\.\[draw\]"):
        svg("digraph {}")
    assert importlib.util.find_spec("pygraphviz") is not None


def test_another_kind_of_file_is_wrong_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "net.onnx").write_bytes(b"any")
    assert outcome(["inspect", str(tmp_path / "net.onnx"), "--graph", str(tmp_path / "net.bmp")]) == 4
    assert ".svg, .html or .dot" in capsys.readouterr().err


def test_inspect_draws_what_it_tells(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    sample = Path(__file__).parents[2] / "docs" / "samples" / "resnet.onnx"
    for name in ("net.svg", "net.html", "net.dot"):
        assert outcome(["inspect", str(sample), "--graph", str(tmp_path / name)]) == 0
        assert "resnet.onnx" in (tmp_path / name).read_text()
    assert capsys.readouterr().out.count("resnet.onnx") == 3
