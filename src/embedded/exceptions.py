"""What can go wrong while starting the embedded parts; an operator reads it, never a caller."""


class EmbeddedError(RuntimeError):
    """An embedded part cannot run here; the sentence says what to do instead."""


class DataDirInUseError(EmbeddedError):
    """Another process owns the data folder."""
