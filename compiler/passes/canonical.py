"""The passes from IMPORTED to CANONICAL, in order."""

from __future__ import annotations

from snncc.compiler.passes.affine_backward import AffineBackward
from snncc.compiler.passes.affine_forward import AffineForward
from snncc.compiler.passes.base import Pass
from snncc.compiler.passes.batch_norm_to_affine import BatchNormToAffine
from snncc.compiler.passes.check_weights import CheckWeights
from snncc.compiler.passes.compose_average import ComposeAverage
from snncc.compiler.passes.concat_last import ConcatLast
from snncc.compiler.passes.count_padding import CountPadding
from snncc.compiler.passes.drop_tail import DropTail
from snncc.compiler.passes.flatten_add import FlattenAdd
from snncc.compiler.passes.fold_pad import FoldPad
from snncc.compiler.passes.hard_sigmoid import HardSigmoid
from snncc.compiler.passes.identity_edges import IdentityEdges
from snncc.compiler.passes.join_linear import JoinLinear
from snncc.compiler.passes.mark_linear import MarkLinear
from snncc.compiler.passes.merge_affine import MergeAffine
from snncc.compiler.passes.merge_twins import MergeTwins
from snncc.compiler.passes.merge_views import MergeViews
from snncc.compiler.passes.one_scale import OneScale
from snncc.compiler.passes.one_source import OneSource
from snncc.compiler.passes.relu_first import ReluFirst
from snncc.compiler.passes.scale_layers import ScaleLayers
from snncc.compiler.passes.split_charges import SplitCharges
from snncc.compiler.passes.to_canonical import ToCanonical
from snncc.compiler.passes.view_to_dense import ViewToDense


def canonical_passes() -> tuple[Pass, ...]:
    """Return the passes that make an imported network canonical.

    All are exact in real arithmetic; constants are computed in float64 and rounded to float32.
    """
    return (
        CheckWeights(),  # first: everything after it may count on finite numbers
        DropTail(),
        MergeTwins(),
        BatchNormToAffine(),
        HardSigmoid(),
        MergeAffine(),
        FlattenAdd(),  # before affine-backward, which goes over the operands of an Add
        ConcatLast(),  # before relu-first, which then meets the pools of the parts
        # Backward before relu-first: in conv, max-pool, batch norm, ReLU the batch norm is in the ReLU's way.
        # Before affine-forward: into the sum a scaling follows it always fits, into the next one only from a
        # level source.
        AffineBackward(),
        ReluFirst(),
        CountPadding(),  # after relu-first, which turns values after a pool into level sources
        AffineForward(),  # after count-padding, whose scalings a dense layer takes in
        ConcatLast(),  # again: a scaling may have stood between
        FoldPad(),  # ReLUs tell where a max-pool may read zeros; a scaling may have stood after
        MergeViews(),  # from here on, views between two ops are looked at
        ComposeAverage(),  # before join-linear: conv, average pool, conv is then conv, conv
        JoinLinear(),
        ViewToDense(),  # after join-linear, which would join the dense layers it makes with those that follow
        FlattenAdd(),  # joins made Adds of Adds
        MergeTwins(),  # relu-first made the same ReLU of one sum for every concatenation that reads it
        MarkLinear(),  # after all that makes one sum of two
        CountPadding(),  # the averages of sums are averages of levels now
        AffineForward(),  # and scalings of sums are scalings of levels
        ScaleLayers(),  # what has no place anywhere
        OneSource(),
        IdentityEdges(),  # after flatten-add, so that each operand gets one edge
        SplitCharges(),  # last of those that make sums
        OneScale(),  # after it, for then no other node reads the sum that is taken apart
        FlattenAdd(),  # an operand that was taken apart is an Add
        FoldPad(),  # an identity edge can take in the padding of its source
        MergeViews(),
        ToCanonical(),
    )
