"""A server that speaks S3, on this machine, and the Airflow connections that reach it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import boto3

from customer_behavior.local.ports import free_port

KEY, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI-EXAMPLEKEY"


class ObjectStore:
    """The server at `url`."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._client = boto3.client(
            "s3", endpoint_url=url, aws_access_key_id=KEY, aws_secret_access_key=SECRET, region_name="us-east-1"
        )

    def wait(self) -> None:
        """Return when the server answers."""
        for _ in range(300):
            try:
                urllib.request.urlopen(f"{self.url}/moto-api/").close()
                return
            except urllib.error.URLError:
                time.sleep(0.1)
        raise AssertionError("the S3 server does not answer")

    def make_bucket(self, name: str) -> str:
        """Make a bucket; return its name."""
        self._client.create_bucket(Bucket=name)
        return name

    def put(self, bucket: str, key: str, content: bytes) -> None:
        """Write an object."""
        self._client.put_object(Bucket=bucket, Key=key, Body=content)

    def put_folder(self, folder: Path, bucket: str, prefix: str) -> None:
        """Write each file below a folder as an object below `prefix`."""
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                self.put(bucket, f"{prefix}/{path.relative_to(folder)}", path.read_bytes())

    def connection(self, **extra: object) -> str:
        """Airflow's connection to the server, in its JSON form."""
        extra = {"endpoint_url": self.url, "region_name": "us-east-1", **extra}
        return json.dumps({"conn_type": "aws", "login": KEY, "password": SECRET, "extra": extra})

    @contextmanager
    def strict(self) -> Iterator[None]:
        """Refuse whoever has no right, which in here is everybody."""
        self._ask_for_rights_after(0)
        try:
            yield
        finally:
            self._ask_for_rights_after(10**9)

    def _ask_for_rights_after(self, requests: int) -> None:
        address, plain = f"{self.url}/moto-api/reset-auth", {"Content-Type": "text/plain"}
        asked = urllib.request.Request(address, str(requests).encode(), plain, method="POST")
        urllib.request.urlopen(asked).close()


@contextmanager
def object_store() -> Iterator[ObjectStore]:
    """Start the server, in a process of its own, and stop it."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    store = ObjectStore(f"http://127.0.0.1:{port}")
    try:
        store.wait()
        yield store
    finally:
        process.terminate()
        process.wait()
