"""Where files land: `LANDING_DIR`, a folder, or an object store reached through an Airflow connection."""

from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

from customer_behavior.errors import ConfigurationError
from customer_behavior.paths import landing_dir, landing_url
from customer_behavior_airflow.connections import connection


def landing() -> Path:
    """Return the root that sources' paths are relative to.

    `s3://aws_default@bucket/landing` gives an `ObjectStoragePath` of the connection `aws_default`, which has what ingest asks of a
    path. A folder, and a URL without a connection, are those of `customer_behavior.paths.landing_dir`.

    Raises
    ------
    ConfigurationError
        When the connection does not exist, or no installed provider opens a store of this kind with it.
    """
    url = landing_url()
    if url is None or "@" not in urlsplit(url).netloc:
        return landing_dir()
    from airflow.sdk import ObjectStoragePath

    connection(
        urlsplit(url).netloc.rpartition("@")[0], f"LANDING_DIR={url}"
    )  # without it a store would be asked as a stranger
    try:
        root = ObjectStoragePath(url)
        root.fs.invalidate_cache()  # what it listed earlier in this process
    except (ImportError, ValueError) as error:
        raise ConfigurationError(
            f"LANDING_DIR={url}: no store of this kind can be opened ({error}); install its provider, or correct the URL"
        ) from error
    return cast("Path", root)
