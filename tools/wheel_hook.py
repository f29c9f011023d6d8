"""Put Aladin Lite into the wheel; without it no wheel is built."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class AladinHook(BuildHookInterface):
    """Fetches Aladin Lite before a wheel is built.  A source checkout gets it by `make aladin`."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Fetch it; `version` is "editable" where the package stays in its checkout."""
        if version == "editable":
            return
        file = Path(self.root) / "tools" / "fetch_aladin.py"
        spec = importlib.util.spec_from_file_location("fetch_aladin", file)
        if spec is None or spec.loader is None:
            self.app.abort(f"{file} is missing; build from a whole checkout or source archive")
            return
        aladin = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(aladin)
        try:
            aladin.fetch(Path(self.root) / "src" / "skykin" / "viewing" / "aladin")
        except aladin.CannotFetchError as error:
            self.app.abort(f"no wheel was built: {error}")
        build_data["artifacts"].append("/src/skykin/viewing/aladin/*")
