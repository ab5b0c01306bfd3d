"""Whether something answers over HTTP on this machine."""

import urllib.error
import urllib.request

# A proxy of the environment has no business on the loopback interface.
_NO_PROXY = urllib.request.ProxyHandler({})


def http_ok(url: str, timeout_s: float = 1.0) -> bool:
    """Whether a GET answers 200 in time."""
    try:
        with urllib.request.build_opener(_NO_PROXY).open(url, timeout=timeout_s) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
