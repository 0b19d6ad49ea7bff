"""From budget and signs to findings in the order of their weight."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from snncc.runtime.diagnosis import causes
from snncc.runtime.diagnosis.budget import Row, weight
from snncc.runtime.diagnosis.findings import Finding
from snncc.runtime.diagnosis.knobs import Knobs
from snncc.runtime.diagnosis.pairing import Layer
from snncc.runtime.diagnosis.refining import OFF, Levelling
from snncc.runtime.diagnosis.signs import Sign, listed

SHOWN = 0.02  # share of the noise from which a measured cause is a finding
MOST = 12  # findings
DOMINANT = 0.5  # weight by which a measured cause comes before soft signs
# Signs that explain a loss but may stand beside one that something else makes.
SOFT = (causes.DEAD_CHANNELS, causes.CALIBRATION_SIZE, causes.CALIBRATION_CLASSES)
# Signs that lie in the network, before those in the data; of several in one layer the first explains the others.
IN_NETWORK = (
    causes.DEAD_LAYER,
    causes.CHANNEL_SCALE,
    causes.WEIGHT_OUTLIER,
    causes.BIAS_OUTLIER,
    causes.BATCH_NORM,
    causes.DEAD_CHANNELS,
)
IN_DATA = (
    causes.CALIBRATION_CONSTANT,
    causes.INPUT_SCALE,
    causes.DATA_LAYOUT,
    causes.LABELS,
    causes.CALIBRATION_SIZE,
    causes.CALIBRATION_CLASSES,
    causes.FLOAT_NETWORK,
)


def findings(
    rows: Sequence[Row], closer: Sequence[Levelling], signs: Sequence[Sign], layers: Sequence[Layer], knobs: Knobs
) -> list[Finding]:
    """Return what matters, the worst first.

    Args:
        rows: of the budget.
        closer: what was found at the layers that lose most by their levels.
        signs: found in network and data.
        layers: in data-flow order.
        knobs: tell what to do against a measured cause.
    """
    told = {row.effect.key for one in closer for row in one.rows}
    single = [(weight(row), row.share, measured_finding(row, knobs)) for row in rows if row.effect.key not in told]
    joint = [(one.weight, one.share, _levelling_finding(one, knobs)) for one in closer]
    ordered = sorted([*single, *joint], key=lambda entry: -entry[0])
    measured = [finding for _, share, finding in ordered if share >= SHOWN]
    dominant = bool(measured) and ordered[0][0] > DOMINANT and (measured[0].points_low or 0.0) > 0
    place = {layer.name: number for number, layer in enumerate(layers)}
    decisive = sorted((sign for sign in signs if sign.decisive), key=lambda sign: _order(sign, place))
    hard = [sign for sign in decisive if not (dominant and sign.cause in SOFT)]
    late = [sign for sign in signs if sign not in hard]
    parts = [_signs(hard, rows), measured, _signs(late, rows)]
    return [finding for part in parts for finding in part][:MOST]


def _order(sign: Sign, place: Mapping[str, int]) -> tuple[int, int, int, float]:
    """Return the order of a decisive sign: the network's in data-flow order, then the data's."""
    if sign.first:
        return (0, 0, 0, -sign.strength)
    if sign.cause in IN_NETWORK:
        return (1, place.get(sign.layer, len(place)), IN_NETWORK.index(sign.cause), -sign.strength)
    return (2, 0, IN_DATA.index(sign.cause), -sign.strength)


def _signs(signs: Sequence[Sign], rows: Sequence[Row]) -> list[Finding]:
    return [_sign_finding(sign, rows) for sign in signs]


def measured_finding(row: Row, knobs: Knobs) -> Finding:
    """Return a row of the budget as a finding."""
    effect, alone, layer = row.effect, row.alone, row.effect.layer
    loc = layer.place if effect.weights or effect.bias is not None else layer.loc
    return Finding(
        layer.name,
        loc.module or loc.name,
        str(loc),
        effect.cause,
        True,
        row.local.sqnr_db,
        alone.sqnr_db,
        alone.value,
        alone.low,
        alone.high,
        row.cumulative.value,
        row.cumulative.sqnr_db,
        row.share,
        not row.full,
        evidence(row, knobs),
        knobs.against(effect.cause, layer),
    )


def _levelling_finding(one: Levelling, knobs: Knobs) -> Finding:
    """Return clipping and rounding of a layer as one finding."""
    layer, alone = one.layer, one.alone
    last = one.rows[0] if one.rows[0].effect.rounds else one.rows[-1]  # rounding comes after clipping
    return Finding(
        layer.name,
        layer.loc.module or layer.loc.name,
        str(layer.loc),
        one.cause,
        True,
        one.local_sqnr_db,
        alone.sqnr_db,
        alone.value,
        alone.low,
        alone.high,
        last.cumulative.value,
        last.cumulative.sqnr_db,
        one.share,
        False,
        levelling_evidence(one, knobs),
        knobs.against_levels(one.cause, layer, one.ratio),
    )


def _sign_finding(sign: Sign, rows: Sequence[Row]) -> Finding:
    """Return a sign as a finding, with the figures of the largest measured cause in its layer."""
    mine = [row for row in rows if row.effect.layer.name == sign.layer]
    row = max(mine, key=lambda r: r.share) if mine else None
    return Finding(
        sign.layer,
        sign.loc.module or sign.loc.name,
        str(sign.loc),
        sign.cause,
        False,
        row.local.sqnr_db if row else None,
        row.alone.sqnr_db if row else None,
        row.alone.value if row else None,
        row.alone.low if row else None,
        row.alone.high if row else None,
        row.cumulative.value if row else None,
        row.cumulative.sqnr_db if row else None,
        sum(r.share for r in mine) if mine else None,
        bool(row and not row.full),
        sign.evidence,
        sign.knob,
    )


def evidence(row: Row, knobs: Knobs) -> str:
    """Return in one sentence what a measured cause does in its layer."""
    layer, cause = row.effect.layer, row.effect.cause
    place = f"'{layer.name}'"
    local = "" if row.local.sqnr_db is None else f", {row.local.sqnr_db:.1f} dB in the layer"
    if cause == causes.WEIGHT_ROUNDING:
        rounding = knobs.of(layer.name, "rounding")
        return f"weights of {place} have {knobs.of(layer.name, 'weight_bits')} bits, rounding {rounding}{local}"
    if layer.levels is None or cause in (causes.UNIT_ROUNDING, causes.BIAS_ROUNDING, causes.RANGE_REPAIR):
        return f"{causes.MEASURED[cause]}: {place}{local}"
    top = layer.levels.hi * layer.scale
    if cause in (causes.CLIPPING, causes.INPUT_CLIPPING):
        return f"{place} shows values up to {top:.4g} (scales {knobs.of(layer.name, 'scales')}){local}"
    return f"{place} has levels {layer.levels.lo}..{layer.levels.hi} of {layer.scale:.4g}{local}"


def levelling_evidence(one: Levelling, knobs: Knobs) -> str:
    """Return in one sentence what is wrong with the levels of a layer."""
    layer = one.layer
    assert layer.levels is not None
    local = "" if one.local_sqnr_db is None else f" ({one.local_sqnr_db:.1f} dB in the layer)"
    levels = f"levels {layer.levels.lo}..{layer.levels.hi}"
    if one.cause == causes.CLIPPING:
        top = layer.levels.hi * layer.scale
        return (
            f"'{layer.name}' cuts off at {top:.4g} (scales {knobs.of(layer.name, 'scales')}), where {levels} up to "
            f"{top / one.ratio:.4g} would lose least on the test data{local}"
        )
    if one.cause == causes.CHANNEL_SPREAD:
        many = f"channels {listed(one.channels)}" if len(one.channels) > 1 else f"channel {one.channels[0]}"
        return f"{many} of '{layer.name}' are much smaller than the others that share {levels}{local}"
    if one.ratio > OFF:
        return f"a level of '{layer.name}' is {one.ratio:.1f} times as large as would lose least{local}"
    fewer = layer.levels.magnitude < int(knobs.usual("levels"))
    than = f", fewer than the {knobs.usual('levels')} of other layers" if fewer else ""
    return f"'{layer.name}' has {levels}{than}{local}"
