"""Whom HTTPS trusts. Read once a process: that takes 20 ms, and each HTTP client would read it anew."""

from __future__ import annotations

import ssl
from functools import cache

import httpx2


@cache
def certificates() -> ssl.SSLContext:
    return httpx2.create_ssl_context()
