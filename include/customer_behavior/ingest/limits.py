"""What keeps a batch as a whole from being loaded: a fault of the file or of its source, not of single rows."""

from customer_behavior.ingest.source import Source
from customer_behavior.ingest.staging import Batch


def refusal_of(source: Source, batch: Batch) -> str | None:
    """Return why a batch that was read is not loaded, None when it is; a load and a check of the file ask here alike."""
    where = f"include/sources/{source.name}.yaml"
    unclear = batch.signs.unclear()
    if unclear:
        return f"{unclear} in {where}"
    if not batch.rows_read:
        return None
    if batch.rows_nobody / batch.rows_read > source.nobody_limit:
        return (
            f"{batch.rows_nobody:,} of {batch.rows_read:,} rows have neither a customer nor a session, more than the nobody_limit of "
            f"{source.nobody_limit:.1%}; see that customer_id and session_id in {where} name the right columns, or raise nobody_limit"
        )
    if batch.rows_rejected / batch.rows_read > source.reject_limit:
        return (
            f"{batch.rows_rejected:,} of {batch.rows_read:,} rows refused, more than the reject_limit of {source.reject_limit:.1%} in "
            f"{where}"
        )
    return None
