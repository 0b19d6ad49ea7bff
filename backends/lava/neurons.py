"""Neuron programs as Lava: one Process and one fixed-point process model for each distinct program.

Nothing of a neuron program's own words reaches the text: in-port j is ``in<j>``, parameter j ``k<j>``, state j
``x<j>``, and the temporaries are ``t0``, ``t1``, ... in the order in which they are first written.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from snncc.backends.lava.plan import Wiring
from snncc.compiler.neuron import Instruction, NeuronProgram
from snncc.compiler.program import Population, Program

# One line of Python an operation; functions are those of the emitted network/neuron.py. Values are int64.
_PYTHON = {
    "copy": "{0}",
    "add": "{0} + {1}",
    "sub": "{0} - {1}",
    "mul": "{0} * {1}",
    "shl": "{0} << {1}",
    "shr": "{0} >> {1}",
    "min": "np.minimum({0}, {1})",
    "max": "np.maximum({0}, {1})",
    "clip": "np.minimum(np.maximum({0}, {1}), {2})",
    "ge": "truth({0} >= {1})",
    "gt": "truth({0} > {1})",
    "eq": "truth({0} == {1})",
    "lt": "truth({0} < {1})",
    "select": "np.where({0} != 0, {1}, {2})",
    "emit": "{0}",
}
_HEAD = '''"""The neurons: for each distinct neuron program a Process and its fixed-point model.

One line an instruction. ``in<j>``: what arrives at in-port j in this step; ``k<j>``: parameters; ``x<j>``: states;
``t<j>``: temporaries; ``phase``: the step within the window. Only modules without side effects may stand in this
folder, for Lava's compiler imports all of it to find the models.
"""

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.process.variable import Var
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from network.neuron import NeuronModel, truth, wide
'''


@dataclass(frozen=True)
class Variant:
    """A neuron program and the in-ports that a population running it hears through.

    Attributes:
        neuron: the program.
        heard: for each of its in-ports (digit planes that arrive there, number of inputs from outside).
    """

    neuron: NeuronProgram
    heard: tuple[tuple[tuple[int, ...], int], ...]


def plane_port(port: int, plane: int) -> str:
    """Return the name of the InPort that hears digit plane ``plane`` of in-port ``port``."""
    return f"a{port}_{plane}"


def input_port(port: int, number: int) -> str:
    """Return the name of the InPort that hears the ``number``-th input from outside into in-port ``port``."""
    return f"e{port}_{number}"


def variant(program: Program, population: Population, wirings: Sequence[Wiring]) -> Variant:
    """Return what a population runs and hears."""
    heard = []
    for port in population.neuron.ports:
        into = [w for w in wirings if (w.connection.target, w.connection.port) == (population.name, port)]
        digits = sorted({plane.number for wiring in into for plane in wiring.planes})
        outside = [i for i in program.inputs if (i.population, i.port) == (population.name, port)]
        heard.append((tuple(digits), len(outside)))
    return Variant(population.neuron, tuple(heard))


def neurons_text(variants: Sequence[Variant]) -> str:
    """Return the text of the emitted network/neurons.py."""
    return "\n".join([_HEAD, *("\n".join(_variant(number, made)) + "\n" for number, made in enumerate(variants))])


def _variant(number: int, made: Variant) -> Iterator[str]:
    yield from _process(number, made)
    yield from ("", "")
    yield from _model(number, made)


def _ports(made: Variant) -> Iterator[tuple[int, str, int]]:
    """Yield (in-port, name, shift) of every InPort."""
    for port, (digits, outside) in enumerate(made.heard):
        yield from ((port, plane_port(port, digit), 7 * digit) for digit in digits)
        yield from ((port, input_port(port, k), 0) for k in range(outside))


def _process(number: int, made: Variant) -> Iterator[str]:
    params = [f"k{j}" for j in range(len(made.neuron.params))]
    yield ""
    yield f"class N{number}(AbstractProcess):"
    yield f'    """Neurons of program {number}."""'
    yield ""
    yield f"    def __init__(self, {', '.join(['size', *params, '**settings'])}):"
    yield "        super().__init__(size=size, **settings)"
    yield from (f"        self.{name} = InPort(shape=(size,))" for _, name, _ in _ports(made))
    yield "        self.s_out = OutPort(shape=(size,))"
    yield from (f"        self.{k} = Var(shape={k}.shape, init={k})" for k in params)
    for j, state in enumerate(made.neuron.states):
        yield f"        self.x{j} = Var(shape=(size,), init={state.initial})"


def _model(number: int, made: Variant) -> Iterator[str]:
    yield f"@implements(proc=N{number}, protocol=LoihiProtocol)"
    yield "@requires(CPU)"
    yield '@tag("fixed_pt")'
    yield f"class N{number}Model(NeuronModel):"
    yield f'    """What neurons of program {number} do in a step."""'
    yield ""
    yield from (f"    {name}: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)" for _, name, _ in _ports(made))
    yield "    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)"
    yield from (f"    k{j}: np.ndarray = LavaPyType(np.ndarray, np.int64)" for j in range(len(made.neuron.params)))
    yield from (f"    x{j}: np.ndarray = LavaPyType(np.ndarray, np.int32)" for j in range(len(made.neuron.states)))
    yield ""
    yield "    def run_spk(self):"
    yield '        """Run the neuron program once."""'
    yield from (f"        {line}" for line in _step(made))


def _step(made: Variant) -> Iterator[str]:
    neuron = made.neuron
    names = {"phase": "phase"}
    names |= {f"in.{port}": f"in{j}" for j, port in enumerate(neuron.ports)}
    names |= {param: f"self.each(self.k{j})" for j, param in enumerate(neuron.params)}
    names |= {state.name: f"x{j}" for j, state in enumerate(neuron.states)}
    arriving = [*_ports(made)]
    for j in range(len(neuron.ports)):
        terms = [_term(name, shift) for port, name, shift in arriving if port == j]
        yield f"in{j} = {' + '.join(terms) or 'np.int64(0)'}"
    yield "phase = self.since_start()"
    yield from (f"x{j} = wide(self.x{j})" for j in range(len(neuron.states)))
    yield "spikes = np.int64(0)"
    yield from (_line(line, names) for line in neuron.code)
    for j, state in enumerate(neuron.states):
        yield f"self.x{j} = self.held(x{j}, {state.bits}, {j})"
    yield f"self.finish(spikes, self.{names[neuron.membrane]})"


def _term(name: str, shift: int) -> str:
    arrived = f"wide(self.{name}.recv())"
    return f"({arrived} << {shift})" if shift else arrived


def _line(line: Instruction, names: dict[str, str]) -> str:
    args = [names[arg] if isinstance(arg, str) else str(arg) for arg in line.args]
    if not any(isinstance(arg, str) for arg in line.args):  # else an operation of literals would be Python's, unbounded
        args = [f"np.int64({arg})" for arg in args]
    if line.op == "emit":
        return f"spikes = {args[0]}"
    if line.target not in names:
        names[line.target] = f"t{sum(name.startswith('t') for name in names.values())}"
    return f"{names[line.target]} = {_PYTHON[line.op].format(*args)}"
