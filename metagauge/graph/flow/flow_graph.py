"""The parameter graph of a dataflow."""

from metagauge.architecture.coverage import coverage
from metagauge.architecture.dataflow import Dataflow
from metagauge.architecture.operators.shapes import shapes
from metagauge.checkpoint.checkpoint import Checkpoint
from metagauge.errors import LimitExceededError
from metagauge.graph.flow.arrays import Arrays
from metagauge.graph.flow.bases import split_bases
from metagauge.graph.flow.draw import draw
from metagauge.graph.flow.family import family_of
from metagauge.graph.flow.names import with_names
from metagauge.graph.flow.roles import with_roles
from metagauge.graph.flow.sharing import Sharing
from metagauge.graph.parameter_graph import ParameterGraph
from metagauge.graph.symmetry.inference import infer_symmetry


def build_flow(dataflow: Dataflow, checkpoint: Checkpoint) -> ParameterGraph:
    """The parameter graph of a network; weights are views over the checkpoint unless steps compute them.

    Raises:
        ArchitectureMismatchError: the dataflow does not fit the checkpoint.
        LimitExceededError: it is larger, or its axes are more deeply nested, than any network's.
    """
    try:
        return _built(dataflow, checkpoint)
    except RecursionError as error:
        message = "the axes of the network's values are nested more deeply than those of any network"
        raise LimitExceededError(f"{message}: hundreds of concatenations or reshapes of one another") from error


def _built(dataflow: Dataflow, checkpoint: Checkpoint) -> ParameterGraph:
    dataflow = split_bases(dataflow, checkpoint)
    known = shapes(dataflow, lambda name: checkpoint.tensor(name).shape)
    symmetry = infer_symmetry(dataflow, known)
    canvas = draw(dataflow, symmetry, Arrays(dataflow, checkpoint, known), Sharing(dataflow, checkpoint))
    groups, blocks = canvas.draft.groups(), canvas.draft.blocks()
    return ParameterGraph(
        groups=with_names(groups, blocks),
        blocks=with_roles(groups, blocks),
        family=family_of(dataflow),
        coverage=coverage(dataflow, checkpoint),
        guessed=dataflow.provenance.guessed,
    )
