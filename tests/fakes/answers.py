"""How the fake service judges: the bytes of a "checkpoint" are a JSON object that says what to answer.

`{"accuracy": 0.6}` succeeds, `{"reasons": [...]}` abstains, `{"code": "...", "detail": "..."}` fails.
"""

import json
from datetime import UTC, datetime

from metagauge.contract import (
    ArchitectureSummary,
    CheckpointSummary,
    Declarations,
    Domain,
    Estimate,
    FindingMessage,
    Job,
    JobStatus,
    LayerSummary,
    NearestNetwork,
    Predictions,
    PredictorRef,
    Problem,
    Report,
    Stability,
    UnsupportedSummary,
)
from metagauge.declarations import NOTHING

HALF_WIDTH = 0.05
HOSTILE = "conv2<img src=x onerror=alert(1)>\x1b[31m[bold]"
"""A layer name that no terminal or page may interpret."""

ASSUMPTION = "pixels normalised by mean (0.4914, 0.4822, 0.4465) and standard deviation (0.247, 0.2435, 0.2616)"
NEAREST = NearestNetwork(family="resnet", description="3 blocks of 16 channels", test_accuracy=0.587, distance=1.25)


def good(accuracy: float) -> bytes:
    """A checkpoint of which this accuracy will be predicted."""
    return json.dumps({"accuracy": accuracy}).encode()


def outsider(*reasons: str) -> bytes:
    """A checkpoint that is outside the domain."""
    return json.dumps({"reasons": reasons}).encode()


def broken(code: str, detail: str) -> bytes:
    """A checkpoint whose job fails."""
    return json.dumps({"code": code, "detail": detail}).encode()


def final_job(job: Job, content: bytes, declared: Declarations = NOTHING) -> Job:
    """`job` after the last stage, of a checkpoint of which this was declared."""
    script = json.loads(content)
    done = job.model_copy(update={"finished_at": datetime.now(UTC), "progress": 1.0, "stage": None, "attempts": 1})
    if "code" in script:
        refusal = Problem(title="The checkpoint was refused", status=422, code=script["code"], detail=script["detail"])
        return done.model_copy(update={"status": JobStatus.FAILED, "stage": job.stage, "problem": refusal})
    return done.model_copy(update={"status": JobStatus.SUCCEEDED, "report": _report(script, job.predictor, declared)})


def _report(script: dict[str, object], predictor: str, declared: Declarations) -> Report:
    accuracy, reasons = script.get("accuracy"), script.get("reasons", ())
    assert accuracy is None or isinstance(accuracy, float)
    assert isinstance(reasons, (list, tuple))
    return Report(
        predictor=PredictorRef(name=predictor, version=1),
        predictions=None if accuracy is None else _predictions(accuracy),
        basis=None if accuracy is None else "weights and probes",
        assumptions=() if declared.input_mean else (ASSUMPTION,),
        declared=declared,
        domain=Domain(
            in_domain=accuracy is not None, score=0.31, threshold=0.95, reasons=tuple(reasons), nearest=(NEAREST,)
        ),
        stability=Stability(permutation=1e-7, rescale=4e-4),
        checkpoint=CheckpointSummary(
            format="onnx", tensors_digest="ab" * 32, parameters=271117, dtypes={"F32": 271117}
        ),
        architecture=ArchitectureSummary(
            provenance="graph",
            assumed=("activation of conv1",),
            family="resnet",
            coverage=0.998,
            layers=(
                LayerSummary(name="conv1", kind="conv", inputs=("input",), shape=(16, 3, 3, 3), parameters=432),
                LayerSummary(name="norm1", kind="batch_norm", inputs=("conv1",), shape=(16,), parameters=32),
                LayerSummary(name=HOSTILE, kind="conv", inputs=("norm1",), shape=(32, 16, 3, 3), parameters=4608),
                LayerSummary(name="head", kind="linear", inputs=("pool",), shape=(10, 32), parameters=330),
            ),
            unsupported=(UnsupportedSummary(operator="Einsum", name="mix", tensors=("mix.weight",)),),
        ),
        findings=(
            FindingMessage(
                rule="dead-channels", level="warning", message="3 of 32 channels never fire", layer=HOSTILE, value=3
            ),
            FindingMessage(rule="tied-weights", level="note", message="head shares its weights with embed"),
        ),
        timings_s={"read": 0.01, "infer": 0.002, "graph": 0.003, "predict": 0.02},
    )


def _predictions(accuracy: float) -> Predictions:
    low, high = max(0.0, accuracy - HALF_WIDTH), min(1.0, accuracy + HALF_WIDTH)
    return Predictions(
        test_accuracy=Estimate(value=accuracy, interval=(low, high), coverage=0.9),
        generalization_gap=Estimate(value=0.083, interval=(-0.01, 0.15), coverage=0.9),
    )
