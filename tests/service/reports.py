"""A report as a worker writes one."""

from metagauge.contract import ArchitectureSummary, CheckpointSummary, Domain, PredictorRef, Report

REPORT = Report(
    predictor=PredictorRef(name="cifar10-accuracy", version=1),
    predictions=None,
    domain=Domain(in_domain=False, reasons=("made up for a test",)),
    checkpoint=CheckpointSummary(format="onnx", tensors_digest="0", parameters=1, dtypes={"F32": 1}),
    architecture=ArchitectureSummary(provenance="graph", family="cnn", coverage=1.0),
)
