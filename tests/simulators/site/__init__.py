"""A web site on loopback as a working fake: it keeps what it is asked and answers as it is told. `site()` serves it."""

from tests.simulators.site.server import Answer, Asked, Site, answer, redirect, site

__all__ = ["Answer", "Asked", "Site", "answer", "redirect", "site"]
