"""Check a compiled program (.snnp) against the integer network inside it: python checker.py PROGRAM [--json].

It needs Python and numpy alone, and shares no code with the compiler. It derives from the network what every population
must hear and send, and lists what is not so; docs/certificate.md has the reasons. The layout is by hand, to stay short.
"""

# fmt: off
from __future__ import annotations

import ast
import hashlib
import json
import re
import sys
import zipfile
from collections.abc import Callable, Mapping
from fractions import Fraction
from math import prod
from types import SimpleNamespace as Record
from typing import Any

import numpy as np

Array = Any
HASHED = ("program.json", "program.safetensors", "network.txt", "network.safetensors")
KERNELS = {"graded": "add", "bitplane": "double", "rate": "add", "ttfs": "ramp"}
LAWS = {"encode": "copy", "fire": "fire", "ladder": "ladder", "max_pool": "pool", "readout": "read"}
CONSTANTS = {"fire": 2, "ladder": 3, "readout": 1, "encode": 1}  # inputs of a node that are no charges
VECTORS, DIGITS, SEED = 3, 20, 0x5EED  # random vectors, binary digits of an entry: wrong maps escape with 2^-60
LARGE, EXACT, MOST = 1 << 62, 1 << 53, 1 << 24  # int64 with room; float64 exact; steps, levels, padding
OPS: dict[str, Callable[..., Array]] = {
    "copy": lambda a: a, "add": lambda a, b: a + b, "sub": lambda a, b: a - b, "mul": lambda a, b: a * b,
    "shl": lambda a, b: a << b, "shr": lambda a, b: a >> b, "min": lambda a, b: np.minimum(a, b),
    "max": lambda a, b: np.maximum(a, b), "ge": lambda a, b: (a >= b) * 1, "gt": lambda a, b: (a > b) * 1,
    "eq": lambda a, b: (a == b) * 1, "lt": lambda a, b: (a < b) * 1, "select": lambda a, b, c: np.where(a != 0, b, c),
    "clip": lambda a, b, c: np.minimum(np.maximum(a, b), c), "emit": lambda a: a}
SENDS: dict[str, Callable[[Array, int, int], Array]] = {  # what level q sends in step t of a window of n steps
    "graded": lambda q, t, n: q, "bitplane": lambda q, t, n: np.sign(q) * (np.abs(q) >> (n - 1 - t) & 1),
    "rate": lambda q, t, n: np.sign(q) * (np.abs(q) > t), "ttfs": lambda q, t, n: (q == n - t) * 1,
    "": lambda q, t, n: 0 * q}
# Registers of each kernel (the first ends as the weighted sum); after a step, in factors of those before and arrivals.
ACCUMULATE: dict[str, Any] = {"add": ("u", [(1, 1)]), "double": ("d", [(2, 1)]), "ramp": ("rc", [(1, 1, 1), (0, 1, 1)])}
VIEWS: dict[str, Callable[[Array, Record], Array]] = {  # on arrays [k, *shape]
    "reshape": lambda x, at: x.reshape(len(x), *at.shape),
    "transpose": lambda x, at: x.transpose(0, *(1 + axis for axis in at.perm)),
    "slice": lambda x, at: x[tuple([slice(None), *map(slice, at.starts, at.stops, at.steps)])],
    "pad": lambda x, at: np.pad(x, [(0, 0), *zip(at.pads[: x.ndim - 1], at.pads[x.ndim - 1 :], strict=True)]),
    "upsample": lambda x, at: np.kron(x, np.ones((1, 1, *at.factors), dtype=np.int64)),
    "dilate": lambda x, at: np.kron(x, (np.indices((1, 1, *at.steps)).sum(axis=0) == 0) * 1)[
        tuple([slice(None)] * 2 + [slice(1 - step or None) for step in at.steps])]}
# What a max-pool runs, by coding and sign, proved in docs/certificate.md; "*": for each tap #, "+": but the first.
LATCH = "first = eq phase 0; q = select first q 0; v = copy q; emit q"
FIELDS = "rest = copy in.add; * high = shr rest B | low = shl high B | m# = sub rest low | rest = copy high; "
DIGIT = "m# = select f# m# -2 | s = max s m#; * same = eq m# s | f# = select same f# 0"
LIVE = "live = lt phase N; on = ge phase 0; live = min live on; s = select live s 0; v = copy s; emit s"
POOLS = {("graded", False): f"q = copy HEARD0; + q = max q HEARD#; {LATCH}",
    ("graded", True): f"* m# = add in.m# absent#; q = copy m0; + q = max q m#; {LATCH}",
    ("rate", False): "s = gt in.add 0; v = copy s; emit s",
    ("rate", True): "* out = max absent# -1 | m# = add in.m# out; s = copy m0; + s = max s m#; v = copy s; emit s",
    ("ttfs", False): "first = eq phase 0; fired = select first 0 fired; s = gt in.add 0; s = select fired 0 s; "
                     "fired = max fired s; v = copy s; emit s",
    ("bitplane", False): f"first = eq phase 0; s = copy -2; * f# = select first 1 f# | {DIGIT}; {LIVE}",
    ("bitplane", True): "first = eq phase 0; s = copy -2; * here# = eq absent# 0 | f# = select first here# f# | "
                        f"{DIGIT}; {LIVE}"}

class Wrong(Exception):  # noqa: N818  a sentence about the program, not an error of this file
    """Something that must hold does not; the message says what."""

def need(truth: object, sentence: str) -> None:
    """Raise Wrong with a sentence unless something holds."""
    if not truth:
        raise Wrong(sentence)

def noting(problems: list[tuple[str, str]], place: str, check: Callable[..., Any], *args: Any) -> Any:
    """Return what a check gives; note what it finds wrong, at a place, and return None."""
    try:
        return check(*args)
    except Wrong as wrong:
        problems.append((place, str(wrong)))
    except Exception as error:  # numpy, zipfile, json and ast each have their own for what is malformed
        problems.append((place, f"cannot be read: {type(error).__name__}: {error}"))

def read_members(path: Any) -> dict[str, bytes]:
    """Return the members of a zip that holds them as they are."""
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
        need(all(e.compress_type == zipfile.ZIP_STORED for e in entries), "holds compressed parts")
        return {e.filename: archive.read(e) for e in entries}  # of two of one name the last, as zipfile has it

def read_tensors(data: bytes) -> dict[str, Array]:
    """Return the arrays of a safetensors file: length of the header, JSON header, the arrays' bytes."""
    begin, tensors = 8 + int.from_bytes(data[:8], "little"), {}
    for name, entry in json.loads(data[8:begin]).items():
        low, high = entry["data_offsets"]
        kind = {"I8": "<i1", "I16": "<i2", "I32": "<i4", "I64": "<i8"}[entry["dtype"]]
        need(0 <= low <= high <= len(data) - begin, f"holds {name} outside of the file")
        tensors[name] = np.frombuffer(data[begin + low : begin + high], kind).reshape(entry["shape"])
    return tensors

def read_neuron(lines: list[str]) -> Record:
    """Return ports, params, states (bits, initial value), membrane and code (target, op, arguments) of an assembly."""
    neuron = Record(port=[], param=[], state=[], membrane=[], code=[])
    for line in lines:
        word, *rest = line.split()
        if word in ("port", "param", "state", "membrane"):
            getattr(neuron, word).extend(rest)
            continue
        target, _, call = line.rpartition(" = ")
        op, *args = call.split()
        need(len(args) == OPS[op].__code__.co_argcount and (op == "emit") == (target == ""), f"has '{line}'")
        neuron.code.append((target, op, [int(a) if a.lstrip("-").isdigit() else a for a in args]))
    declared = (re.split("[:=]", f"{state}=0") for state in neuron.state)
    neuron.states = {name: (int(bits), int(initial)) for name, bits, initial, *_ in declared}
    return neuron

def read_graph(text: str, arrays: Mapping[str, Array]) -> tuple[dict[str, Any], dict[str, Array], dict[str, str]]:
    """Return nodes, constants and outputs (values by label) of a graph's text form."""
    nodes, constants, outputs = dict[str, Any](), dict[str, Array](), dict[str, str]()
    pattern = r"%(\S+) = (\w+)\(([^)]*)\)(?: \{(.*?)\})? : \w+(?:<(-?\d+),(-?\d+)>)?\[([\d, ]*)\](?: loc\(.*\))?"
    for line in map(str.strip, text.splitlines()):
        if m := re.fullmatch(r"const @(\S+) : \w+\[([\d, ]*)\] (.*)", line):
            array = constants[m[1]] = arrays[m[1]]
            told, digest = m[3], f"sha256:{hashlib.sha256(array.astype('<i8').tobytes()).hexdigest()}"
            alike = array.ravel().tolist() == ast.literal_eval(told) if told[0] == "[" else told == digest
            same = alike and array.shape == tuple(map(int, re.findall(r"\d+", m[2])))
            need(same, f"has another constant @{m[1]} than it says")
        elif m := re.fullmatch(r"return (.*?)(?: as (\[.*\]))?", line):
            names = [name.strip()[1:] for name in m[1].split(",")]
            outputs = dict(zip(ast.literal_eval(m[2]) if m[2] else names, names, strict=True))
        elif m := re.fullmatch(pattern, line):
            call: Any = ast.parse(f"f({m[4] or ''})", mode="eval").body
            at = Record(**{k.arg: ast.literal_eval(k.value) for k in call.keywords})
            inputs, levels = [name.strip()[1:] for name in m[3].split(",")], (int(m[5] or 0), int(m[6] or 0))
            node = nodes[m[1]] = Record(name=m[1], op=m[2].removesuffix("_even"), inputs=inputs, at=at, levels=levels)
            node.number, node.shape = len(nodes) - 1, tuple(map(int, re.findall(r"\d+", m[7])))
        else:
            need(re.fullmatch(r"|\}|graph @\S+ stage=quantized \{|input %.*", line), f"holds '{line:.80}'")
    return nodes, constants, outputs

def largest(array: Array) -> int:
    """Return the largest magnitude."""
    return max(int(np.max(array, initial=0)), -int(np.min(array, initial=0)))

def hull(arrays: Any) -> tuple[int, int]:
    """Return the least and the greatest element of arrays."""
    return min(int(np.min(array)) for array in arrays), max(int(np.max(array)) for array in arrays)

def convolve(x: Array, weight: Array, strides: Any, pads: Any, dilations: Any, groups: int) -> Array:
    """Return the convolution of x [k, C, *S] with weights [O, C / groups, *K], exact or refused: int64 [k, O, *P]."""
    rank, outs = x.ndim - 2, len(weight) // groups
    need(max(pads, default=0) < MOST >> 8, "pads too much")
    x = np.pad(x, [(0, 0), (0, 0), *zip(pads[:rank], pads[rank:], strict=True)]) if any(pads) else x
    axes = list(zip(x.shape[2:], weight.shape[2:], strides, dilations, strict=True))
    sizes = [(n - d * (k - 1) - 1) // s + 1 for n, k, s, d in axes]
    reach = largest(x) * largest(weight) * (weight.size // len(weight))
    need(reach < LARGE and min(sizes, default=1) > 0, "adds up to over 62 bits, or has a kernel larger than its input")
    kind, total, kernel = float if reach < EXACT else np.int64, np.zeros(1), np.moveaxis(weight, (0, 1), (-2, -1))
    for tap in np.ndindex(*weight.shape[2:]):
        cut = [slice(t * d, t * d + (n - 1) * s + 1, s) for t, (_, _, s, d), n in zip(tap, axes, sizes, strict=True)]
        part = x[tuple([slice(None)] * 2 + cut)].reshape(len(x), groups, x.shape[1] // groups, -1).astype(kind)
        total = total + np.matmul(kernel[tap].reshape(groups, outs, -1).astype(kind), part)
    return total.astype(np.int64).reshape(len(x), outs * groups, *sizes)

def as_term(x: Array, weight: Array, at: Record) -> Any:
    """Return a weighted sum as the arguments of ``convolve``; a dense layer has no positions."""
    return x, weight, *(tuple(getattr(at, n, ())) for n in ("strides", "pads", "dilations")), getattr(at, "groups", 1)

def same_map(wanted: list[Any], found: list[Any], rest: Array) -> bool:
    """Return whether the terms wanted, and ``rest`` [k, neurons], add up to those found; equal terms cancel first."""
    left = list(found)
    for x, weight, *geometry in wanted:
        twins = (i for i, (other, kernel, *shape) in enumerate(left) if geometry == shape
                 and np.array_equal(weight, kernel) and np.array_equal(x, other))
        if (twin := next(twins, None)) is not None:
            left.pop(twin)
        else:
            rest = rest + convolve(x, weight, *geometry).reshape(rest.shape)
    return not np.any(rest - sum(convolve(*term).reshape(rest.shape) for term in left))

class Neurons:
    """Runs a neuron program on classes of charges, intervals of which both ends are run, and on symbols for arrivals.

    An instruction gives an int; an array [phases, classes, ends]; an array of factors of each register, arrival and the
    offset, and a constant, for a sum of these; or None, where nothing is known.
    """
    def __init__(self, neuron: Record, charges: Array) -> None:
        self.neuron, self.latching, self.soft, self.charges = neuron, False, False, charges
        self.held = {s: (initial, initial) for s, (_, initial) in neuron.states.items()}
        names = ["offset", *(s for port in neuron.port for s in (*ACCUMULATE[port][0], f"in.{port}")), ""]
        self.symbols: dict[str, Any] = dict(zip(names, np.eye(len(names), dtype=np.int64), strict=True))
        self.after, self.charge = {}, self.symbols["offset"]
        for port in neuron.port:
            registers, updates = ACCUMULATE[port]
            for s, factors in zip(registers, updates, strict=True):
                need(neuron.states.get(s, (0, 1))[1] == 0, f"has no register {s} that begins with 0")
                self.after[s] = factors @ np.array([self.symbols[t] for t in (*registers, f"in.{port}")])
            self.charge = self.charge + self.after[registers[0]]

    def still(self, values: Mapping[str, Any], phases: range) -> None:
        """Check that in some steps nothing is sent and no state but the accumulators changes."""
        after = self.step(values, np.arange(phases.start, phases.stop)[:, None, None], 0) if phases else values
        changed = [s for s in self.neuron.states if s not in self.after and np.any(np.asarray(after[s]) != values[s])]
        need(not changed, f"changes {', '.join(changed)} outside the window")

    def step(self, old: Mapping[str, Any], phase: Any, wanted: Any) -> dict[str, Any]:
        """Return parameters and states after a step in which the payload must be ``wanted``, [classes] or 0."""
        self.latching = clear = isinstance(phase, int) and phase == 0
        values = {**old, **self.symbols, "phase": phase, "": 0}
        for target, op, args in self.neuron.code:
            values[target] = self.result(op, [values[a] if isinstance(a, str) else a for a in args])
        for s, form in self.after.items():
            need(np.array_equal(values[s], 0 if clear else form), f"does not {'clear' if clear else 'add up in'} {s}")
        when, sent = f"in step {np.ravel(phase)[0]} of the window", self.number(values[""])
        need(sent is not None, f"sends {when} what depends on what has arrived, or was left, before")
        places = np.broadcast_arrays(np.asarray(sent), np.reshape(wanted, (1, -1, 1)), self.charges)
        for place in np.argwhere(places[0] != places[1])[:1]:
            sent, should, charge = (array[tuple(place)] for array in places)
            raise Wrong(f"sends {sent} {when} if the charge is {charge}, not {should}")
        kept = {s: self.number(values[s]) for s in self.neuron.states if s not in self.after}
        for s, value in kept.items():
            need(value is not None, f"keeps in {s} {when} what depends on what has arrived, or was left, before")
            self.held[s] = hull([self.held[s], value])
        return {**old, **kept}

    def result(self, op: str, given: list[Any]) -> Any:
        """Return what an instruction gives."""
        if op == "select" and isinstance(given[0], int):
            return given[1] if given[0] else given[2]
        if op in ("copy", "emit"):
            return given[0]
        if op == "clip":
            return self.result("min", [self.result("max", given[:2]), given[2]])
        kinds = [-1 if g is None else np.ndim(g) for g in given]
        if op in ("add", "sub", "shl") and kinds in ([1, 1], [1, 0], [0, 1]) and max(map(largest, given)) < 1 << 31:
            if op == "shl":
                return given[0] << given[1] if kinds[1] == 0 and 0 <= given[1] < 32 else None
            found = OPS[op](*(g if np.ndim(g) else g * self.symbols[""] for g in given))
            return found if found[:-1].any() else int(found[-1])
        given = [self.number(g) for g in given]
        return None if any(g is None for g in given) else self.calculate(op, [np.array(g, ndmin=3) for g in given])

    def number(self, value: Any) -> Any:
        """Return a multiple of the charge at the latch, and a constant, for such a sum; None for other sums."""
        if np.ndim(value) != 1:
            return value
        charged = self.latching and np.array_equal(value[:-1], value[0] * self.charge[:-1])  # [0]: of the offset
        return value[0] * self.charges + value[-1] if charged else None

    def calculate(self, op: str, given: list[Array]) -> Any:
        """Return a result at the ends of every class; refuse what is not the same thing everywhere between them.

        Values are affine in the charge between the ends of a class, until a shift leaves one only monotone (``soft``).
        """
        large, vary, soft = [largest(a) for a in given], [a[..., 0] != a[..., -1] for a in given], self.soft
        reach = large[0] << min(large[1], 63) if op == "shl" else large[0] * large[-1] if op == "mul" else 0
        right = op not in ("shl", "shr") or (given[1].min() >= 0 and large[1] < 63)
        found, order = OPS[op](*given), np.sign(given[0] - given[1])
        need(right and reach < LARGE and largest(found) < LARGE, f"may wrap in {op}")
        moves, cross = found[..., 0] != found[..., -1], order[..., 0] * order[..., -1] < 0
        rough = {"add": False, "sub": False, "min": cross, "max": cross, "eq": order[..., 0] != order[..., -1],
                 "select": vary[0], "mul": vary[0] & vary[-1], "shl": vary[1], "shr": vary[1]}.get(op, moves)
        uneven = np.any(rough) or (soft and np.any(sum(v * 1 for v in vary) > 1))
        need(not uneven, f"does not treat all charges of a level alike in {op}")
        self.soft = soft or (op == "shr" and bool(moves.any()))
        return int(found[0, 0, 0]) if found.shape[1:] == (1, 1) and (found == found[0]).all() else found

class Checker:
    """A program, the network in it, and what is wrong between them. In the network k values stand side by side."""
    def __init__(self, members: Mapping[str, bytes], certified: bool) -> None:
        self.plain = plain = json.loads(members["program.json"], object_hook=lambda fields: Record(**fields))
        need(plain.version in (2, 3) and set(plain.members) == set(members), "has another version or other members")
        need(len({p.name for p in plain.populations}) == len(plain.populations), "has two populations of one name")
        self.populations, self.tensors = {p.name: p for p in plain.populations}, read_tensors(members[HASHED[1]])
        for p in plain.populations:
            need(0 <= p.neuron < len(plain.neurons), f"has no neuron program {p.neuron}")
            p.neuron, p.shape = read_neuron(plain.neurons[p.neuron]), tuple(p.shape)
            p.coding, (lo, hi) = getattr(p.claim, "coding", ""), (p.claim.lo, p.claim.hi)
            p.levels, most = (lo, hi), max(hi, -lo)
            need(0 <= p.start < MOST > plain.interval and -MOST < lo <= 0 <= hi < MOST, f"is out of bounds in {p.name}")
            p.steps = {"graded": 1, "bitplane": most.bit_length(), "rate": most, "ttfs": hi, "": 1}[p.coding]
            some = (*range(min(p.steps - 1, 64)), p.steps - 1)  # in later steps there is nothing that was not before
            *early, last = (SENDS[p.coding](np.arange(lo, hi + 1), step, p.steps) for step in some)
            p.last, p.early = hull([last, [0]]), hull([*early, [0]])
            p.params = {name: self.tensors[path].astype(np.int64) for name, path in vars(p.params).items()}
        hashes = {name: hashlib.sha256(members[name]).hexdigest() for name in HASHED}
        self.seed = SEED ^ int(hashlib.sha256("".join(hashes.values()).encode()).hexdigest(), 16)
        graph = read_graph(members["network.txt"].decode(), read_tensors(members["network.safetensors"]))
        self.nodes, self.constants, self.outputs = graph
        told = {"interval": plain.interval, "longest_window": max(p.window for p in plain.populations),
                "latency": max(self.populations[o.population].start for o in plain.outputs)}
        self.certificate = json.loads(members["certificate.json"] if certified else b"null")
        wanted = {"version": 1, "sha256": hashes, "schedule": told}
        need(not certified or {n: self.certificate[n] for n in wanted} == wanted, "has another program's certificate")
        need([o.name for o in plain.outputs] == [*self.outputs], "has other outputs than the network")

    def random(self, node: Record) -> Array:
        """Return random levels of a node, int64 [VECTORS, *shape], the same whenever asked."""
        return np.random.default_rng([self.seed, node.number]).integers(0, 1 << DIGITS, (VECTORS, *node.shape))

    def levels(self, name: str, leaf: Callable[[Record], Array]) -> Array:
        """Return [k, *shape] at a value that shows leaves, through views, concatenations and exact sums."""
        node = self.nodes[name]
        if node.op == "concat":
            found = np.concatenate([self.levels(source, leaf) for source in node.inputs], axis=1 + node.at.axis)
        elif node.op in VIEWS:
            found = VIEWS[node.op](self.levels(node.inputs[0], leaf), node.at)
        else:
            found = sum(convolve(*term) for term in self.terms(node, leaf)) if self.adds(node) else leaf(node)
        need(found.shape[1:] == node.shape, f"reads node {name}, whose shape is not what it says")
        return found

    def adds(self, node: Record) -> bool:
        """Return whether a node is a sum that can neither round nor be clipped, so its readers may hear its sources."""
        if node.op != "fire" or (self.constant(node, -1) != 1).any() or self.constant(node, -2).any():
            return False
        ends = self.terms(node, lambda n: np.stack([np.full(n.shape, end, dtype=np.int64) for end in n.levels]))
        low, high = hull(sum(convolve(*term) for term in ends))
        return node.at.lo <= low and high <= node.at.hi and all(weight.min(initial=0) >= 0 for _, weight, *_ in ends)

    def terms(self, node: Record, leaf: Callable[[Record], Array]) -> list[Any]:
        """Return the weighted sums that make a node's charge."""
        sums = [self.nodes[name] for name in node.inputs[: -CONSTANTS[node.op]]]
        need(all(s.op in ("conv", "dense") and len(s.inputs) == 2 for s in sums), "reads what is no weighted sum")
        return [as_term(self.levels(s.inputs[0], leaf), self.constants[s.inputs[1]], s.at) for s in sums]

    def constant(self, node: Record, place: int) -> Array:
        """Return a constant of a node so that it broadcasts to the node: per channel, or per neuron."""
        array = self.constants[node.inputs[place]].astype(np.int64)
        return array if array.shape == node.shape else array.reshape(node.shape[0], *(1,) * (len(node.shape) - 1))

    def connection(self, c: Record) -> None:
        """Check that the end of the source's window arrives when the target latches; its start, at a max-pool."""
        source, target = self.populations[c.source], self.populations[c.target]
        late = 0 if target.claim.kind == "pool" else source.steps - 1
        need(c.delay == target.start - source.start - late >= 1, "arrives at another time than the target needs")

    def output(self, output: Record) -> None:
        """Check that an output shows what the network's shows, in the same order and unit."""
        name = value = self.outputs[output.name]
        while self.nodes[name].op in ("reshape", "transpose"):
            name = self.nodes[name].inputs[0]
        p, node = self.populations[output.population], self.nodes[name]
        index = self.levels(value, lambda n: np.arange(prod(n.shape)).reshape(1, *n.shape))[0]
        shown = self.tensors[output.gather] if hasattr(output, "gather") else np.arange(prod(p.shape))
        alike = tuple(getattr(output, "shape", p.shape)) == index.shape and np.array_equal(shown, index.ravel())
        need(p.claim.kind == "read" and p.claim.node == name and alike, "shows other neurons, or in another order")
        need(Fraction(output.scale) == Fraction(node.at.scale), "has another unit")

    def population(self, p: Record) -> None:
        """Check one population: what it stands for and when, what it hears, its law, its ranges."""
        node, kind, coding, (lo, hi) = self.nodes[p.claim.node], p.claim.kind, p.coding, p.levels
        need(kind == LAWS[node.op] or (kind == "copy" and node.op != "readout"), f"cannot be a {kind} of {node.name}")
        ends = (getattr(node.at, "lo", lo), getattr(node.at, "hi", hi))
        need(p.shape == node.shape and ends == node.levels == p.levels, f"has other levels or sizes than {node.name}")
        good = (coding == "") == (kind == "read") and (lo == 0 or coding != "ttfs")
        need(good, f"cannot send {lo}..{hi} in coding '{coding}'")
        need(p.window == p.steps <= self.plain.interval, f"has a window of {p.window} steps")
        edges = [c for c in self.plain.connections if c.target == p.name]
        feeds = [i for i in self.plain.inputs if i.population == p.name]
        need({c.port for c in (*edges, *feeds)} == {*p.neuron.port}, "has an in-port that hears nothing")
        found = self.pool(p, node, edges) if kind == "pool" else self.fires(p, node, edges, feeds)
        widths = {s: (bits - 1, True, *found[s]) for s, (bits, _) in p.neuron.states.items()}
        widths["payload"] = (p.payload_bits - p.signed, p.signed, *hull([p.last, p.early]))
        for name, (bits, signed, low, high) in widths.items():
            need(-(signed << bits) <= low and high < 1 << bits, f"has {name} of {bits} bits and sign for {low}..{high}")
        if self.certificate is not None:
            told = {"law": kind, "coding": coding, "levels": [lo, hi], "start": p.start, "window": p.window}
            given = self.certificate["populations"][p.name]
            need({name: given[name] for name in told} == told, "is not what its certificate says")
            ranges = {"charge": given["charge"], **given["arrivals"], **given["registers"]}
            for name, (low, high) in found.items():
                need(ranges[name][0] <= low and high <= ranges[name][1], f"has {low}..{high} in {name}, uncertified")

    def term(self, c: Record) -> Any:
        """Return a connection as a weighted sum over random levels of its source."""
        x, synapses = self.levels(self.populations[c.source].claim.node, self.random).reshape(VECTORS, -1), c.synapses
        if hasattr(c, "gather"):
            gather = self.tensors[c.gather]
            need(gather.min() >= -1 and gather.max() < x.shape[1], f"hears neurons that {c.source} does not have")
            x = np.pad(x, ((0, 0), (0, 1)))[:, gather]  # -1, the last one, is silence
        need(synapses.type in ("dense", "conv"), f"hears through {synapses.type} synapses, to which no layer leads")
        x = x.reshape(VECTORS, *getattr(synapses, "in_shape", (-1,)))
        return as_term(x, self.tensors[synapses.weight], synapses)

    def hears(self, p: Record, node: Record, edges: list[Record], feeds: list[Record]) -> None:
        """Check that a population hears the weighted sums of its node; as a copy, its levels."""
        copies, rest = p.claim.kind == "copy", np.zeros((VECTORS, prod(p.shape)), dtype=np.int64)
        for feed in feeds:
            found = (feed.type, feed.name, feed.port, tuple(feed.shape), feed.lo, feed.hi, Fraction(feed.scale))
            wanted = ("tensor", *node.inputs, "add", node.shape, *node.levels, Fraction(node.at.scale))
            need(getattr(feed, "rounding", "") == getattr(node.at, "rounding", ""), f"rounds {feed.name} otherwise")
            need(copies and found == wanted and len(feeds) == 1, f"is not fed {feed.name} as the network is")
        rest = self.levels(node.name, self.random).reshape(rest.shape) if copies and not feeds else rest
        same = same_map([] if copies else self.terms(node, self.random), [self.term(c) for c in edges], rest)
        need(same, f"does not hear the weighted sums of {node.name}")
        need(all(KERNELS[self.populations[c.source].coding] == c.port for c in edges), "hears a code in another's port")

    def reach(self, p: Record, edges: list[Record], feeds: list[Record]) -> dict[str, Any]:
        """Return bounds, two arrays that broadcast to the neurons, of registers and of what a port hears in a step."""
        parts, found = dict[Any, Any](), dict[str, Any]()
        for c in edges:  # parts of one edge, alike in all but weights, count together
            weight, gather = self.tensors[c.synapses.weight], hasattr(c, "gather") and self.tensors[c.gather].tobytes()
            key = (c.source, c.port, gather, weight.shape, str({**vars(c.synapses), "weight": ""}))
            parts[key] = (c, parts[key][1].astype(np.int64) + weight if key in parts else weight)
        sums = [(f.port, 1, 0, p.levels, p.levels, (0, 0)) for f in feeds]
        for c, weight in parts.values():
            source, axes = self.populations[c.source], tuple(range(1, weight.ndim))
            need(largest(weight) * weight.size * np.ptp(source.levels) < LARGE >> 2, f"hears too much of {c.source}")
            shape = p.shape if c.synapses.type == "dense" else (-1, *(1,) * (len(p.shape) - 1))
            up, down = (f(weight, 0).sum(axis=axes, dtype=np.int64).reshape(shape) for f in (np.maximum, np.minimum))
            sums.append((c.port, up, down, source.levels, source.last, source.early))
        for port, up, down, levels, *sent in sums:
            names = (f"{port}.last", f"{port}.early", *ACCUMULATE[port][0])  # in the step that latches, in the others
            for name, (least, most) in zip(names, (*sent, levels, (0, 1)), strict=False):
                low, high = found.get(name, (0, 0))
                found[name] = low + up * least + down * most, high + up * most + down * least
        return found

    def fires(self, p: Record, node: Record, edges: list[Record], feeds: list[Record]) -> dict[str, tuple[int, int]]:
        """Check neurons that fire or are read; return the ranges of charge, arrivals by port, and states."""
        self.hears(p, node, edges, feeds)
        kind, (lo, hi), found = p.claim.kind, p.levels, self.reach(p, edges, feeds)
        one = np.ones((1,) * len(p.shape), dtype=np.int64)
        theta = self.constant(node, -1) if kind == "fire" else one
        offset = theta // 2 + (0 if kind == "copy" else self.constant(node, -CONSTANTS[node.op]))
        need(not np.any(p.params["offset"] - offset) and largest(offset) < LARGE >> 2, "has another offset")
        low, high = (offset + sum(found[ACCUMULATE[port][0][0]][end] for port in p.neuron.port) for end in (0, 1))
        ladder = [self.constants[name].T for name in node.inputs[-2:] if kind == "ladder"]
        law = [column.reshape(-1, *one.shape[1:]) for array in ladder for column in array] or [theta]
        names = [name for name in p.neuron.param if name != "offset"]
        cells = np.broadcast_arrays(one, *(p.params[name] for name in names), *law)
        table, rows = np.unique(np.stack([c.ravel() for c in cells], axis=1), axis=0, return_inverse=True)
        first, last = np.full((len(table), 1), LARGE), np.full((len(table), 1), -LARGE)
        np.minimum.at(first[:, 0], *np.broadcast_arrays(rows.reshape(cells[0].shape), low))
        np.maximum.at(last[:, 0], *np.broadcast_arrays(rows.reshape(cells[0].shape), high))
        rung = np.arange(lo - 1, hi + 2) if kind != "read" else np.arange(0)  # levels, one more at each end
        steps = np.broadcast_to((rung > lo) & (rung <= hi), (len(table), len(rung)))
        rungs, steps = (table[:, -1:] * rung, steps) if not ladder else np.split(table[:, 1 + len(names) :], 2, axis=1)
        need((np.diff(rungs) >= 0).all(), "stands for a ladder whose thresholds fall")
        begins = np.concatenate([first, np.maximum(rungs, first)], axis=1)
        ends = np.concatenate([np.minimum(rungs - 1, last), last], axis=1)
        row, place = np.nonzero(begins <= ends)
        levels = ((node.at.first if ladder else lo) + np.pad(np.cumsum(steps, axis=1), ((0, 0), (1, 0))))[row, place]
        need(lo <= levels.min() <= levels.max() <= hi, "leaves its levels")
        charges = np.stack([begins[row, place], ends[row, place]], axis=1)[None]
        values = {name: table[row, 1 + i][None, :, None] for i, name in enumerate(names)}
        neurons = Neurons(p.neuron, charges)
        neurons.still({**values, **{s: initial for s, (_, initial) in p.neuron.states.items()}}, range(-p.start, 0))
        values |= dict.fromkeys(p.neuron.states)
        for step in range(p.window):
            values = neurons.step(values, step, SENDS[p.coding](levels, step, p.window))
        need(kind != "read" or np.array_equal(values[p.neuron.membrane[0]], charges), "is read before it holds its sum")
        neurons.still(values, range(p.window, self.plain.interval))
        ranges = {port: hull([*found[f"{port}.last"], *found[f"{port}.early"]]) for port in p.neuron.port}
        return {**neurons.held, **ranges, **{s: hull(found[s]) for s in neurons.after}, "charge": hull([low, high])}

    def pool(self, p: Record, node: Record, edges: list[Record]) -> dict[str, tuple[int, int]]:
        """Check max-pool neurons; return the ranges of charge (none), arrivals by port, and states."""
        at, taps, (low, high), (lo, hi) = node.at, prod(node.at.kernel), hull([p.last, p.early]), p.levels
        x, packed = self.levels(node.inputs[0], self.random), p.neuron.port == ["add"]
        width = {"graded": hi.bit_length(), "bitplane": 1}.get(p.coding, 0) * packed
        need(len(edges) == len(p.neuron.port) and width * taps < 62, "has too many connections, or fields")
        geometry, kernels = (at.strides, at.pads, at.dilations), np.eye(taps, dtype=int).reshape(taps, 1, *at.kernel)
        apart = {f"m{i}": kernel for i, kernel in enumerate(kernels)}
        wanted = {"add": sum(kernel << width * i for i, kernel in enumerate(kernels))} if packed else apart
        for c in edges:
            source, silence = self.populations[c.source], np.zeros((VECTORS, prod(p.shape)), dtype=np.int64)
            window = (x, np.stack([wanted[c.port]] * len(x[0])), *geometry, len(x[0]))
            same = same_map([window], [self.term(c)], silence) and source.levels == p.levels
            need(same and source.coding == p.coding, f"does not hear its windows, or in another code, in {c.name}")
        code = FIELDS if width else "* m# = copy in.m#; " if p.coding == "bitplane" else ""
        code = (code + POOLS[p.coding, lo < 0]).replace("HEARD", "m" if width else "in.m")
        parts = code.replace("N", str(p.window)).replace("B", str(width)).split("; ")
        each = {"*": range(taps), "+": range(1, taps)}  # other parts stand once
        lines = [line.replace("#", str(i)) for part in parts for i in each.get(part[0], [0])
                 for line in part.strip("*+ ").split(" | ")]
        need(p.neuron.code == read_neuron(lines).code and len(wanted) == len(edges), "runs no program of a max-pool")
        there = convolve(np.ones((1, 1, *x.shape[2:])), kernels, *geometry, 1)[0]
        absent = [np.all(p.params[f"absent{i}"] == lo * (1 - there[i])) for i in range(taps * (lo < 0))]
        need(all(absent) and there.any(axis=0).all(), "mistakes which positions lie outside of its input")
        arrivals = {port: (int(low * row.sum()), int(high * row.sum())) for port, row in wanted.items()}
        held = {s: (low, high) if s == p.neuron.membrane[0] else (0, 1) for s in p.neuron.states}
        return {**held, **arrivals, "charge": (0, 0)}

def check(path: Any, certified: bool = True) -> list[tuple[str, str]]:
    """Return every problem of a file: where, and a sentence."""
    problems: list[tuple[str, str]] = []
    checker = noting(problems, "the file", lambda: Checker(read_members(path), certified))
    for kind in ("population", "connection", "output") if checker else ():
        for item in getattr(checker.plain, f"{kind}s"):
            noting(problems, f"{kind} {getattr(item, 'name', item)}", getattr(checker, kind), item)
    return problems

if __name__ == "__main__":
    found = check(next(word for word in sys.argv[1:] if word != "--json"))
    told = {"accepted": not found, "problems": [{"where": where, "what": what} for where, what in found]}
    lines = [json.dumps(told)] if "--json" in sys.argv else [" ".join(pair) for pair in found] or ["accepted"]
    sys.stdout.write("\n".join(lines) + "\n")
    sys.exit(int(bool(found)))
