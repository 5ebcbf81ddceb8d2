"""What can go wrong, in sentences that say what, where and what to do."""


class PlatformError(Exception):
    """Base of the errors whose message is meant for a person; another try would fail alike, but after a TemporaryError."""


class ConfigurationError(PlatformError):
    """A YAML file or a form says something the platform cannot use."""


class NotReadyError(PlatformError):
    """A date that the work needs is missing; the message names it. A scheduled run waits, any other fails."""


class BadInputError(PlatformError):
    """Delivered data cannot be used as a whole; tables keep what they had."""


class CheckFailedError(PlatformError):
    """A check between stages failed; nothing was published."""


class WarehouseError(PlatformError):
    """PostgreSQL refused something that it will refuse again; the message says what a person has to mend."""


class WarehouseNotReadyError(WarehouseError):
    """The warehouse has no schema of the platform, or that of another version of it."""


class TemporaryError(PlatformError):
    """Something from outside failed that may be right by itself the next time: a lost connection, a lock, a restart."""
