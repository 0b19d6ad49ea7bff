"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

# Paths need not be readable for typer: whoever opens a file says why it cannot be read.
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of words.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress on the terminal.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error (or set SNNCC_DEBUG=1).")]
Data = Annotated[Path, typer.Option("--data", help=".npz with x (and y where known).", readable=False)]
TargetName = Annotated[str, typer.Option("--target", help="Chip to compile for, or its file; see snncc targets.")]
Coding = Annotated[
    str | None,
    typer.Option(help="graded, bitplane, rate, ttfs or auto; rate,LAYER=ttfs for one layer (default: the chip's)."),
]
Bits = Annotated[str | None, typer.Option(help="Levels as bits: Q = 2^bits - 1; 4,LAYER=6 for one layer (default: 4).")]
Levels = Annotated[str | None, typer.Option(help="Greatest level Q, instead of --bits.")]
WeightBits = Annotated[
    str | None,
    typer.Option(help="Width of a weight, sign included: 2..8; 8,LAYER=4 for one layer (default: 8, or the chip's)."),
]
TrainedBits = Annotated[str, typer.Option(help="Width of a weight, sign included: 2..8; 8,LAYER=4 for one layer.")]
Scales = Annotated[str, typer.Option(help="How levels get their size: mse, max, percentile:99.9 or kl.")]
Rounding = Annotated[str, typer.Option(help="Of weights: adaptive, adaptive:0.5 with half of them zero, or nearest.")]
ModelFile = Annotated[Path, typer.Argument(help="ONNX model.", readable=False)]
ProgramFile = Annotated[Path, typer.Argument(help="Program (.snnp).", readable=False)]
