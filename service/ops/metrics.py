"""Metrics for GET /metrics. Each application has its own registry."""

from collections.abc import Callable, Mapping
from functools import partial

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

from indexer.values import Traffic

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20)
_SIZES = (1, 2, 4, 8, 16, 32, 64)
# Computed on read: name and help.
GAUGES = {
    "queue": ("sketchseek_queue_length", "Searches waiting for the model."),
    "photos": ("sketchseek_photos", "Photos in the generation being served."),
    "generation": ("sketchseek_generation", "Number of the generation being served."),
    "swaps": ("sketchseek_generation_swaps", "Generations loaded since startup."),
    "refused": ("sketchseek_generation_refused", "1 while a newer generation cannot be opened."),
    "ready": ("sketchseek_ready", "1 while the service is ready."),
}
# Of the server that holds the library, if there is one; also computed on read: name, help, and what of its traffic.
_TRAFFIC: Mapping[str, tuple[str, Callable[[Traffic], float]]] = {
    "sketchseek_store_calls": ("Calls to the server that holds the library.", lambda known: known.calls),
    "sketchseek_store_failures": ("Calls that it did not answer.", lambda known: known.failures),
    "sketchseek_store_seconds": ("Seconds that these calls took, together.", lambda known: known.seconds),
    "sketchseek_store_cut": (
        "1 while calls fail at once, because it does not answer.",
        lambda known: known.open,
    ),
}


def _read(read: Callable[[Traffic], float], traffic: Callable[[], Traffic | None]) -> float:
    return float(read(traffic() or Traffic()))


class Metrics:
    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.requests = Counter(
            "sketchseek_requests",
            "Requests answered, by route.",
            ["route", "method", "status"],
            registry=self.registry,
        )
        self.seconds = Histogram(
            "sketchseek_request_seconds",
            "Response time, by route.",
            ["route"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.stages = Histogram(
            "sketchseek_stage_seconds",
            "Time per stage of a search.",
            ["stage"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.batch = Histogram(
            "sketchseek_batch_size", "Items per model batch.", buckets=_SIZES, registry=self.registry
        )
        self.rejected = Counter(
            "sketchseek_rejected", "Searches rejected, by reason.", ["reason"], registry=self.registry
        )
        self.failed = Counter(
            "sketchseek_failed", "Items the model could not encode.", ["reason"], registry=self.registry
        )
        self.lag = Histogram(
            "sketchseek_loop_lag_seconds",
            "How late the event loop runs.",
            buckets=_SECONDS,
            registry=self.registry,
        )

        for reason in ("busy", "stalled", "closing", "deadline"):
            self.rejected.labels(reason)
        for reason in ("engine", "memory"):
            self.failed.labels(reason)

    def stage(self, name: str, seconds: float) -> None:
        self.stages.labels(name).observe(seconds)

    @property
    def batches(self) -> float:
        """How many batches the model has encoded."""
        return self.registry.get_sample_value("sketchseek_batch_size_count") or 0.0

    def watch(self, **values: Callable[[], float]) -> None:
        """Add gauges that are computed when the metrics are read."""
        for name, value in values.items():
            Gauge(*GAUGES[name], registry=self.registry).set_function(value)

    def watch_store(self, traffic: Callable[[], Traffic | None]) -> None:
        """Add gauges for the server that holds the library; none if there is no server."""
        if traffic() is None:
            return
        for name, (told, read) in _TRAFFIC.items():
            Gauge(name, told, registry=self.registry).set_function(partial(_read, read, traffic))

    def text(self) -> bytes:
        return generate_latest(self.registry)
