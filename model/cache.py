"""Where things are kept that are slow to make: compiled simulators, capacity bounds."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

CACHE: Final = Path(os.environ.get("WAFERMESH_CACHE") or Path.home() / ".cache" / "wafermesh")
"""All in it is named by the hash of what it was made from, and may be deleted at any time."""
