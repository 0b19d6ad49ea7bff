"""Every diagnostic code: what it means and what to do. ``snncc explain`` and docs/errors.md are made from it."""

from __future__ import annotations

from snncc.compiler.catalogue_chips import CHIPS
from snncc.compiler.catalogue_commands import COMMAND
from snncc.compiler.catalogue_entry import Entry
from snncc.compiler.catalogue_models import NETWORK
from snncc.compiler.catalogue_programs import PROGRAM

CATALOGUE: dict[str, Entry] = dict(sorted((NETWORK | PROGRAM | COMMAND | CHIPS).items()))
