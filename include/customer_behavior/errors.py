"""What can go wrong, in sentences that say what, where and what to do."""


class PlatformError(Exception):
    """Base of the errors whose message is meant for a person; another try would fail alike."""


class ConfigurationError(PlatformError):
    """A YAML file or a form says something the platform cannot use."""


class NotReadyError(PlatformError):
    """A date that the work needs is missing; the message names it. A scheduled run waits, any other fails."""


class BadInputError(PlatformError):
    """Delivered data cannot be used as a whole; tables keep what they had."""


class CheckFailedError(PlatformError):
    """A check between stages failed; nothing was published."""
