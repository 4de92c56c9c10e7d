"""Every setting of an application, in one frozen object."""

from __future__ import annotations

from waypost.config.loading import load_config
from waypost.config.table import PREFIX, SETTINGS, Config, Mode

__all__ = ["PREFIX", "SETTINGS", "Config", "Mode", "load_config"]
