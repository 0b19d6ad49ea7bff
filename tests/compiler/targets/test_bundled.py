"""Bundled targets: every figure has a source or a reason, boards are their chips, figures are those published."""

from __future__ import annotations

from math import ceil

import pytest

from snncc.compiler.targets import Packing, Target, load_target, target_names
from snncc.compiler.targets.schema import rule_of

CHIPS = {"loihi2": ("alia-point", "hala-point", "kapoho-point"), "loihi1": ("kapoho-bay", "nahuku", "pohoiki-springs")}
BOARDS = [(board, chip) for chip, boards in CHIPS.items() for board in boards]
SYSTEMS = {
    "loihi2": (1, 120), "kapoho-point": (8, 960), "alia-point": (32, 3840), "hala-point": (1152, 140544),
    "loihi1": (1, 128), "kapoho-bay": (2, 256), "nahuku": (32, 4096), "pohoiki-springs": (768, 98304),
}  # fmt: skip


def test_the_bundled_targets_are_these() -> None:
    assert set(target_names()) == {*SYSTEMS, "generic", "lava-stock", "paicore"}


@pytest.mark.parametrize("name", target_names())
def test_every_figure_has_a_known_source_or_says_why_it_is_absent(name: str) -> None:
    target = load_target(name)
    assert target.figures
    for path, figure in target.figures.items():
        assert rule_of(path) is not None
        if figure.value is None:
            assert figure.note, path
        else:
            assert target.sources[figure.source], path


@pytest.mark.parametrize("name", target_names())
def test_every_source_is_used(name: str) -> None:
    target = load_target(name)
    assert {figure.source for figure in target.figures.values()} - {""} == set(target.sources)


@pytest.mark.parametrize(("board", "chip"), BOARDS)
def test_a_board_is_its_chip_but_for_chips_and_cores(board: str, chip: str) -> None:
    one, many = load_target(chip), load_target(board)
    differ = {path for path in many.figures if many.figures[path] != one.figures[path]}
    assert differ <= {"board.chips", "board.cores", "board.chip_columns"}
    assert many.description != one.description
    assert (many.core, many.packing, many.tables, many.cost) == (one.core, one.packing, one.tables, one.cost)


@pytest.mark.parametrize("name", SYSTEMS)
def test_boards_have_the_chips_and_cores_that_were_published(name: str) -> None:
    board = load_target(name).board
    assert (board.chips, board.all_cores) == SYSTEMS[name]
    places = {board.place_of(core) for core in range(0, board.all_cores, board.tile_cores)}
    assert len(places) == board.all_cores // board.tile_cores


def test_loihi2_has_the_arithmetic_that_its_programs_were_compiled_for() -> None:
    chip = load_target("loihi2")
    widths = (chip.state_bits, chip.accumulator_bits, chip.weight_bits, chip.payload_bits, chip.max_delay, chip.ports)
    assert widths == (24, 24, 8, 24, 62, 16)
    assert (chip.programmable, chip.graded, chip.signed) == (True, True, True)
    assert (chip.coding, chip.schedule) == ("graded", "pipelined")
    assert chip.cost == {"synaptic_event_pj": 23.6, "update_pj": 81.0}
    assert chip.dominated == dict.fromkeys(("rate", "ttfs", "bitplane"), "graded")


def words(packing: Packing, synapses: int, bits: int, shared: bool = False) -> int:
    """Return the words of one list, as Packing's docstring has it."""
    own = packing.kernel_bits if shared else packing.list_bits
    width = min((w for w in packing.widths if w >= bits), default=bits)
    blocks = ceil(synapses / packing.block_synapses) if packing.block_synapses else 1
    return ceil((synapses * (width + own) + packing.header_bits * blocks) / packing.word_bits)


# Of lava-dl's notebooks on PilotNet: words of a core, input channels x taps, output channels, bits of a weight.
CONVOLUTIONS = [(81, 27, 24, 8), (864, 216, 36, 7), (1620, 324, 48, 6), (2592, 432, 64, 6), (2880, 576, 64, 5)]
# Words an axon and synapses of it, from the same notebooks and Oxford's; the widest that was seen.
LISTS = [(26, 100), (15, 50), (3, 10), (1, 1), (63, 200), (81, 256)]


@pytest.mark.parametrize(("seen", "lists", "channels", "bits"), CONVOLUTIONS)
def test_convolutions_on_loihi2_take_the_words_that_were_seen(seen: int, lists: int, channels: int, bits: int) -> None:
    assert lists * words(load_target("loihi2").packing, channels, bits, shared=True) == seen


@pytest.mark.parametrize(("seen", "synapses"), LISTS)
def test_lists_on_loihi2_take_the_words_that_were_seen_or_more(seen: int, synapses: int) -> None:
    assert seen <= words(load_target("loihi2").packing, synapses, 8) <= 4 * seen / 3


@pytest.mark.parametrize("bits", [2, 3, 4, 5, 6, 8])
@pytest.mark.parametrize("synapses", [1, 6, 7, 10, 62, 64, 100, 512, 1024])
def test_lists_on_loihi1_take_no_fewer_words_than_nengo_loihi_counts(synapses: int, bits: int) -> None:
    """Blocks of up to 64 synapses with 10 bits each, each rounded up to words; the best length of a block is chosen."""
    found = words(load_target("loihi1").packing, synapses, bits)
    counted = min(
        sum(ceil((min(block, synapses - start) * bits + 10) / 64) for start in range(0, synapses, block))
        for block in range(1, 65)
    )
    assert counted <= found <= counted + max(1, counted / 15)


def test_neurons_without_programs_have_one_coding_and_take_one_sample_at_a_time() -> None:
    fixed = [chip for chip in map(load_target, target_names()) if not chip.programmable]
    assert {chip.name for chip in fixed} == {"lava-stock", "loihi1", "paicore", *CHIPS["loihi1"]}
    assert {(chip.codings, chip.schedules, chip.signed) for chip in fixed} == {(("rate",), ("sequential",), False)}


def test_stock_lava_and_loihi1_leave_half_of_the_state_to_the_gate() -> None:
    assert {load_target(name).state_bits for name in ("lava-stock", "loihi1")} == {17}


def test_the_ideal_chip_has_no_limits() -> None:
    limits: Target = load_target("generic")
    assert set(vars(limits.core).values()) == {None}
