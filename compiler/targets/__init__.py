"""Chips: what a target offers, read from one TOML file each; boards build on the file of their chip."""

from __future__ import annotations

from snncc.compiler.targets.reading import is_path, load_target, target_names
from snncc.compiler.targets.target import Board, Core, CostTable, Figure, Host, Packing, Target

__all__ = [
    "Board", "Core", "CostTable", "Figure", "Host", "Packing", "Target", "is_path", "load_target", "target_names",
]  # fmt: skip
