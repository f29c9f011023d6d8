"""Put Aladin Lite into the wheel, without which none is built, and the kernel where there is a compiler."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class WheelHook(BuildHookInterface):
    """Fetches Aladin Lite and compiles the kernel before a wheel is built.

    A checkout gets Aladin Lite by `make aladin`.  Without a C compiler the package is whole, only slower.
    """

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make both; `version` is "editable" where the package stays in its checkout."""
        kernel = self._tool("build_kernel")
        try:
            made = kernel.build(Path(self.root) / "src" / "skykin" / "indexing")
            build_data["artifacts"].extend(f"/src/skykin/indexing/{path.name}" for path in made)
        except kernel.CannotCompileError as error:
            self.app.display_warning(f"signatures will be compared by NumPy, which is slower: {error}")
        if version == "editable":
            return
        aladin = self._tool("fetch_aladin")
        try:
            aladin.fetch(Path(self.root) / "src" / "skykin" / "viewing" / "aladin")
        except aladin.CannotFetchError as error:
            self.app.abort(f"no wheel was built: {error}")
        build_data["artifacts"].append("/src/skykin/viewing/aladin/*")

    def _tool(self, name: str) -> ModuleType:
        file = Path(self.root) / "tools" / f"{name}.py"
        spec = importlib.util.spec_from_file_location(name, file)
        if spec is None or spec.loader is None or not file.is_file():
            self.app.abort(f"{file} is missing; build from a whole checkout or source archive")
            raise FileNotFoundError(file)
        tool = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(tool)
        return tool
