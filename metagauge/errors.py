"""Every error Metagauge raises on purpose: one tree, each leaf with a stable `code`."""

from typing import ClassVar


class MetagaugeError(Exception):
    """Base of the tree. `code` is stable across releases; the message says what is wrong and what would fix it."""

    code: ClassVar[str] = "internal_error"


class InputError(MetagaugeError):
    """The bytes, the sidecar or the request were wrong; trying again unchanged cannot help."""


class EmptyUploadError(InputError):
    """No bytes arrived."""

    code = "empty_upload"


class UnsupportedFormatError(InputError):
    """The bytes are neither safetensors nor ONNX."""

    code = "unsupported_format"


class UnknownFormatError(UnsupportedFormatError):
    """Nothing is known of the bytes' format: they may be anything, such as the external data of an ONNX model."""


class MalformedCheckpointError(InputError):
    """The format is known and the file breaks its rules."""

    code = "malformed_checkpoint"


class IncompleteCheckpointError(InputError):
    """The checkpoint is spread over several files, and not all of them were sent."""

    code = "incomplete_checkpoint"


class LimitExceededError(InputError):
    """A size, count or depth is above a stated limit."""

    code = "limit_exceeded"


class NoParametersError(InputError):
    """A well-formed file without a single neural parameter."""

    code = "no_parameters"


class ExternalDataRefusedError(InputError):
    """The ONNX file keeps its weights in another file, which was not uploaded."""

    code = "external_data_refused"


class StructureNotInferableError(InputError):
    """The tensors are readable, but how they are wired cannot be known from what was sent."""

    code = "structure_not_inferable"


class OperatorUnknownError(StructureNotInferableError):
    """The network has an operator that is known by name only or cannot be computed here, so it cannot be run."""


class ArchitectureMismatchError(InputError):
    """The declared architecture contradicts itself or the tensors of the checkpoint."""

    code = "architecture_mismatch"


class TensorMissingError(ArchitectureMismatchError):
    """The architecture names a tensor which the checkpoint does not have."""


class RequestInvalidError(InputError):
    """A query value, header or form field of the request cannot be read."""

    code = "request_invalid"


class DeclarationInvalidError(RequestInvalidError):
    """What the user declares about the network's inputs or outputs cannot be so."""

    code = "declaration_invalid"


class PredictorUnknownError(InputError):
    """No predictor of this name is installed."""

    code = "predictor_unknown"


class JobNotFoundError(InputError):
    """No job has this id, or its time to live is over."""

    code = "job_not_found"


class JobFinishedError(InputError):
    """The job already reached a final state and cannot be changed."""

    code = "job_finished"


class IdempotencyConflictError(InputError):
    """The same idempotency key came with another request."""

    code = "idempotency_conflict"


class IdempotencyPendingError(IdempotencyConflictError):
    """The first request with this idempotency key is still being received."""


class ServiceError(MetagaugeError):
    """The service could not do its work now; the same request may succeed later."""


class QueueFullError(ServiceError):
    """Too many jobs are waiting."""

    code = "queue_full"


class ReadTimeoutError(ServiceError):
    """Reading the checkpoint took longer than its deadline."""

    code = "read_timeout"


class PredictTimeoutError(ServiceError):
    """Predicting took longer than its deadline."""

    code = "predict_timeout"


class WorkerLostError(ServiceError):
    """The worker died while it held this job, more often than is retried."""

    code = "worker_lost"


class JobSupersededError(ServiceError):
    """The job was cancelled or given to another worker while this one was at it."""

    code = "job_superseded"


class ServiceUnavailableError(ServiceError):
    """A part the request needs (the queue, the blob store) does not answer."""

    code = "service_unavailable"


class UnexpectedAnswerError(ServiceError):
    """What answered does not speak this contract: another program, a proxy, or another version of the service."""

    code = "unexpected_answer"


class WaitTimeoutError(ServiceError):
    """The job was not finished within the time its caller was willing to wait; it goes on without them."""

    code = "wait_timeout"


class ExtraMissingError(MetagaugeError):
    """The installation lacks packages that this command needs; an extra of the wheel brings them."""

    code = "extra_missing"
