"""What a chip or a board offers, as the compiler uses it; ``reading`` makes it of a TOML file.

A limit is None where no public source states one: it is then neither checked nor assumed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Core:
    """Limits of one core.

    Limits hold for the sum over the slices of a core; programs and thresholds for what differs between them.

    Attributes:
        neurons: neurons.
        programs: distinct neuron programs (neuron groups).
        thresholds: distinct neuron programs with their parameters beside the bias (``offset``).
        in_axons: lists of synapses: a sending neuron counts once for every connection and slice in which it reaches a
            neuron. Weights that are 0 count where a convolution or a matrix stores them.
        out_axons: the same seen from the sender: triples of a neuron of the core, a connection and a slice it reaches.
        synapse_words: words of synapse memory, see Packing.
        fan_in: synapses of one neuron, stored zeros included.
        fan_out: synapses of one neuron, stored zeros included.
    """

    neurons: int | None = None
    programs: int | None = None
    thresholds: int | None = None
    in_axons: int | None = None
    out_axons: int | None = None
    synapse_words: int | None = None
    fan_in: int | None = None
    fan_out: int | None = None


@dataclass(frozen=True)
class Packing:
    """How synapses fill the synapse memory of a core.

    Counted a connection and a slice that receives it. w is the width of the connection's widest mantissa, its sign
    included, rounded up to one of ``widths``: weights are m 2^e with one exponent e an output channel (the largest
    that divides all its weights), in the connections of a max-pool with one a tap, in sparse ones with one a synapse.
    Exponents take no memory here; a connection with a delay beyond 1 adds ``delay_bits`` to each synapse.

    kind ``list``: a sending neuron has a list of synapses. Those of a convolution are shared between positions where
    ``shared_kernels``; there is then one an input channel that the slice hears and a tap of the kernel,

        words = sum over input channels: taps x ceil((n x (w + kernel_bits) + headers) / word_bits),

    n the output channels of the slice that hear the channel. Otherwise there is one an in-axon,

        words = sum over in-axons: ceil((n x (w + list_bits) + headers) / word_bits),

    n its synapses in the slice. headers = header_bits x ceil(n / block_synapses), or header_bits where a list is one
    block.

    kind ``crossbar``: every in-axon of a slice crosses every column, and a neuron takes columns,

        words = neurons x 2^ceil(log2 w) x 2^ceil(log2 max(1, ceil(in-axons / rows))),

    w the widest of the slice, in-axons those of the slice.

    Attributes:
        kind: ``list`` or ``crossbar``.
        word_bits: bits of a word.
        shared_kernels: whether a convolution's weights are stored once a core.
        kernel_bits: bits of a synapse of a shared kernel beside its weight.
        list_bits: bits of a synapse of a list beside its weight: index, delay, tag.
        delay_bits: bits of a synapse that waits.
        header_bits: bits of a block's header.
        block_synapses: most synapses of a block; 0 where a list is one block.
        widths: widths of weights that can be stored, sign included; empty where all can.
        rows: in-axons of a crossbar.
        loops: synapses that every neuron which sends to others keeps to itself beside those of the program, for a reset
            by subtraction; each takes one in-axon, one out-axon and one word of synapse memory.
    """

    kind: str = "list"
    word_bits: int = 64
    shared_kernels: bool = True
    kernel_bits: int = 0
    list_bits: int = 0
    delay_bits: int = 0
    header_bits: int = 0
    block_synapses: int = 0
    widths: tuple[int, ...] = ()
    rows: int = 0
    loops: int = 0


@dataclass(frozen=True)
class Board:
    """Chips, and the tiles of each, as meshes.

    Core number n is on chip n // cores; there on tile (n mod cores) // tile_cores, and tile t stands at column
    t mod columns, row t // columns. Chip c stands at column c mod chip_columns, row c // chip_columns of the board.

    Attributes:
        chips: chips.
        cores: cores of a chip.
        tile_cores: cores of a tile, between which a spike makes no hop.
        columns: columns of a chip's mesh of tiles.
        chip_columns: columns of the board's mesh of chips.
    """

    chips: int = 1
    cores: int = 1
    tile_cores: int = 1
    columns: int = 1
    chip_columns: int = 1

    @property
    def all_cores(self) -> int:
        """Return the cores of the board."""
        return self.chips * self.cores

    @property
    def rows(self) -> int:
        """Return the rows of a chip's mesh of tiles."""
        tiles = -(-self.cores // self.tile_cores)
        return -(-tiles // self.columns)

    def place_of(self, core: int) -> tuple[int, int]:
        """Return column and row of a core's tile, counted over the whole board."""
        chip, inside = divmod(core, self.cores)
        row, column = divmod(inside // self.tile_cores, self.columns)
        chip_row, chip_column = divmod(chip, self.chip_columns)
        return chip_column * self.columns + column, chip_row * self.rows + row


@dataclass(frozen=True)
class Host:
    """Where inputs come from.

    Attributes:
        encoders: ``cores``: input populations live on cores; ``host``: the host sends their spikes, and they take none.
        events_per_second: spikes that the host can send; None where not public.
    """

    encoders: str = "cores"
    events_per_second: float | None = None


# What a cost table may price: energies in pJ, times in ns, each of one
PRICED = {
    "synaptic_event": "a nonzero weight met by a spike",
    "update": "a neuron in one step",
    "spike": "a spike sent, once however many cores hear it",
    "message": "a spike received by a slice through a connection",
    "word_read": "a word of synapse memory read",
    "hop_x": "a message's step to a neighbouring tile of the same row",
    "hop_y": "a message's step to a neighbouring tile of the same column",
    "chip_hop": "a message's step to a neighbouring chip",
}


@dataclass(frozen=True)
class CostTable:
    """Energies and times of a published model of a chip; what it does not state is absent, not zero.

    Attributes:
        name: key of the table.
        description: whose figures, of which chip, measured or simulated.
        energy: picojoules, by a key of PRICED.
        time: nanoseconds, by a key of PRICED; events of one core follow each other, cores work at the same time.
        barrier: nanoseconds of the barrier that ends a step, by the most tiles it holds for, ascending.
        static_watts: power of a chip that does nothing; None where not published.
    """

    name: str
    description: str
    energy: Mapping[str, float]
    time: Mapping[str, float]
    barrier: Mapping[int, float]
    static_watts: float | None = None


@dataclass(frozen=True)
class Figure:
    """A figure as its file has it: its value, None where absent; key of its source; a remark, or why it is absent."""

    value: object
    source: str
    note: str


@dataclass(frozen=True)
class Target:
    """What a chip or board offers.

    Attributes:
        name: name of the file without its ending.
        description: one line.
        state_bits: width of a neuron's state, two's complement.
        accumulator_bits: width of the sum of what arrives in one step.
        weight_bits: width of a synaptic weight, sign included.
        payload_bits: width of a spike's payload, sign included; 1 where a spike carries none.
        max_delay: largest synaptic delay in steps beyond the one step every axon takes.
        programmable: whether neurons run programs of our own.
        graded: whether spikes carry payloads.
        signed: whether payloads may be negative.
        ports: in-ports of a neuron program.
        coding: default coding.
        schedule: default schedule, ``pipelined`` or ``sequential``.
        dominated: codings that another one beats here in every account, with the better one.
        cost: modelled energies by name: ``synaptic_event_pj`` and ``update_pj``, for comparing codings only.
        codings: codings that its neurons can run; an empty list in a file stands for all that there are.
        schedules: schedules that they can keep.
        core: limits of a core.
        packing: how synapses fill its memory.
        board: chips and cores.
        host: where inputs come from.
        tables: energies and times, by name; the first is the default.
        figures: every figure of the file by its path, such as ``core.neurons``, for showing.
        sources: what the keys of sources stand for.
        file: path of the file, as it was given; empty for a bundled one.
    """

    name: str
    description: str
    state_bits: int
    accumulator_bits: int
    weight_bits: int
    payload_bits: int
    max_delay: int
    programmable: bool
    graded: bool
    signed: bool
    ports: int
    coding: str
    schedule: str
    dominated: Mapping[str, str]
    cost: Mapping[str, float]
    codings: tuple[str, ...] = ()
    schedules: tuple[str, ...] = ("pipelined", "sequential")
    core: Core = Core()
    packing: Packing = Packing()
    board: Board = Board()
    host: Host = Host()
    tables: Mapping[str, CostTable] = field(default_factory=dict)
    figures: Mapping[str, Figure] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)
    file: str = ""
