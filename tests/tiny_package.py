"""A package as pip would install it: one module, and a folder of metadata that names its entry points."""

import importlib


def write_package(folder, package, source, group, *entries):
    """Write it into a folder that is on `sys.path`."""
    module = package.replace("-", "_")
    (folder / f"{module}.py").write_text(source)
    metadata = folder / f"{module}-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("\n".join((f"[{group}]", *entries)))
    importlib.invalidate_caches()
