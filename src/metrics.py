"""What is measured, and the tracer: recorded where it happens, exported by `src.telemetry`.

Until something exports them they do nothing. Labels are few and known: a model, a kind, an outcome;
never an id, a name that somebody chose, or a path.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Final

from opentelemetry import metrics, trace
from opentelemetry.metrics import CallbackOptions, Observation

tracer: Final = trace.get_tracer("colloquy")
_meter: Final = metrics.get_meter("colloquy")

_SHORT: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_LONG: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0)


class Running:
    """Counts what is going on; the sum is taken when somebody looks."""

    def __init__(self) -> None:
        self.count = 0

    def observe(self, _: CallbackOptions) -> list[Observation]:
        return [Observation(self.count)]


def _measure_seconds(
    name: str, description: str, buckets: tuple[float, ...] = _LONG
) -> metrics.Histogram:
    return _meter.create_histogram(
        f"colloquy.{name}",
        unit="s",
        description=description,
        explicit_bucket_boundaries_advisory=buckets,
    )


REQUEST_DURATION: Final = _meter.create_histogram(
    "http.server.request.duration",
    unit="s",
    description="Duration of HTTP server requests.",
    explicit_bucket_boundaries_advisory=_SHORT,
)
REQUESTS_RUNNING: Final = Running()
_meter.create_observable_up_down_counter(
    "http.server.active_requests",
    [REQUESTS_RUNNING.observe],
    description="Requests in progress, open streams and WebSockets among them.",
)
ANSWERS: Final = _meter.create_counter(
    "colloquy.answers", description="Answers that came to an end, by how they ended."
)
ANSWER_FIRST_TOKEN: Final = _measure_seconds(
    "answer.first_token", "From the question to the first piece of its answer."
)
ANSWER_DURATION: Final = _measure_seconds("answer.duration", "From the question to the end.")
ANSWERS_RUNNING: Final = _meter.create_gauge(
    "colloquy.answers.running", description="Answers that this process is generating."
)
TOKENS: Final = _meter.create_counter(
    "colloquy.tokens", description="Tokens of prompts and of answers, as the models count them."
)
MODEL_FIRST_TOKEN: Final = _measure_seconds(
    "model.first_token", "From a request to a model server to its first piece."
)
MODEL_QUEUE_WAIT: Final = _measure_seconds(
    "model.queue.wait", "How long a request waited for its turn at a model."
)
MODEL_QUEUE_LENGTH: Final = _meter.create_gauge(
    "colloquy.model.queue.length", description="Requests that wait for their turn at a model."
)
MODEL_RUNNING: Final = _meter.create_gauge(
    "colloquy.model.running", description="Requests that a model works on."
)
EMBEDDING_DURATION: Final = _measure_seconds("embedding.duration", "To embed one batch.", _SHORT)
SEARCH_DURATION: Final = _measure_seconds(
    "search.duration", "To find passages: embedding, index and database.", _SHORT
)
JOB_DURATION: Final = _measure_seconds("job.duration", "To carry out a job of the queue.")
JOBS_WAITING: Final = _meter.create_gauge(
    "colloquy.jobs.waiting", description="Jobs that wait in the queue, of all processes."
)
JOBS_OLDEST: Final = _meter.create_gauge(
    "colloquy.jobs.oldest", unit="s", description="Age of the job that has waited longest."
)
POOL_SIZE: Final = _meter.create_gauge(
    "colloquy.database.pool.size", description="Connections that the pool may open."
)
POOL_IN_USE: Final = _meter.create_gauge(
    "colloquy.database.pool.in_use", description="Connections that are in use."
)
LOOP_TASKS: Final = _meter.create_gauge(
    "colloquy.event_loop.tasks", description="Tasks of the event loop that have not ended."
)
LOOP_LAG: Final = _measure_seconds(
    "event_loop.lag", "How late the event loop comes back to what is due.", _SHORT
)


@contextmanager
def measure(histogram: metrics.Histogram, name: str, **labels: str) -> Iterator[None]:
    """Measure how long something takes, also as a span of the trace; not across a `yield`."""
    started_at = perf_counter()
    try:
        with tracer.start_as_current_span(name, attributes=labels, record_exception=False):
            yield
    finally:
        histogram.record(perf_counter() - started_at, labels)
