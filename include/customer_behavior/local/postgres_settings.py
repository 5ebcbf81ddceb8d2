"""The settings the embedded PostgreSQL starts with."""

from __future__ import annotations

import contextlib
import shutil

import psutil


def default_settings() -> dict[str, str]:
    """Settings for one analytic user on a machine shared with Airflow and the model fits."""
    memory_mb = psutil.virtual_memory().total // 2**20
    settings = {
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": "",  # no socket: none to protect, and no 107-byte limit on its path
        "password_encryption": "scram-sha-256",
        "shared_buffers": f"{max(128, min(512, memory_mb // 8))}MB",
        "work_mem": "64MB",
        "maintenance_work_mem": "256MB",
        "max_connections": "200",
        "max_wal_size": "4GB",
        "jit": "off",
        "random_page_cost": "1.1",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_line_prefix": "%m [%p] %d ",
    }
    with contextlib.suppress(OSError):  # containers often give /dev/shm 64 MB, too little for a parallel query
        if shutil.disk_usage("/dev/shm").total < 2**30:
            settings["dynamic_shared_memory_type"] = "mmap"
    return settings
