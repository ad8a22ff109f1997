"""What of the settings a process that reads files has to know."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReadingLimits:
    """Apart from the settings, whose library would more than double the time that it starts in."""

    extraction_timeout_seconds: float
    extraction_memory_mb: int
    chunk_characters: int
    chunk_overlap_characters: int
