"""Options may differ between layers; every layer is named once, and exists."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import snncc
from snncc.compiler.diagnostics import SnnccError
from snncc.compiler.ir import Stage
from snncc.compiler.mapping.mantissas import exponents
from snncc.compiler.options import make_options
from snncc.compiler.per_layer import setting, unknown_layers, whole
from snncc.compiler.quantize.recipe import Recipe, Recipes
from tests.compiler.quantize.graphs import data, residual


@pytest.mark.parametrize("given", ["4,a=2", " 4 , a = 2", "a=2,4", {"": 4, "a": 2}])
def test_a_layers_own_value_stands_behind_the_default(given: object) -> None:
    made = setting("bits", given, whole)
    assert (made.default, dict(made.by_layer), made.twice) == (4, {"a": 2}, ())
    assert (made.of("a", 9), made.of("b", 9), setting("bits", "a=2", whole).of("b", 9)) == (2, 4, 9)
    assert made.told(9) == "4,a=2"


def test_what_is_no_number_stays_for_the_check_to_report() -> None:
    assert setting("bits", "four,a=2.5", whole).values == ("four", "2.5")


@pytest.mark.parametrize(("given", "twice"), [("4,a=2,a=2", ["a"]), ("4,5", ["(default)"]), ("4,a=1,b=1", [])])
def test_a_layer_given_twice_is_named(given: str, twice: list[str]) -> None:
    problems = list(setting("bits", given, whole).problems())
    assert [d.code for d in problems] == ["SNN516"] * len(twice)
    assert [d.message.split("'")[1] for d in problems] == twice


def test_unknown_layers_are_named_with_those_there_are() -> None:
    (problem,) = unknown_layers("bits", ["relu1", "rleu2"], ["relu1", "relu2"], "has bits of its own")
    assert problem.message == "no layer 'rleu2' of the network has bits of its own"
    assert problem.hint == "did you mean 'relu2'? layers are: relu1, relu2"


def test_recipes_join_what_was_given_for_a_layer() -> None:
    made = make_options(bits="4,a=2", weight_bits="8,a=5,b=3", scales="mse,b=percentile:99", rounding={"c": "nearest"})
    assert made.recipes == Recipes(
        Recipe(15, 8, "mse", "adaptive"),
        {
            "a": Recipe(3, 5, "mse", "adaptive"),
            "b": Recipe(15, 3, "percentile:99", "adaptive"),
            "c": Recipe(15, 8, "mse", "nearest"),
        },
    )
    assert made.recipes.told()["by_layer"] == {
        "a": {"levels": 3, "weight_bits": 5},
        "b": {"weight_bits": 3, "scales": "percentile:99"},
        "c": {"rounding": "nearest"},
    }


def test_levels_and_bits_may_mix_between_layers_but_not_in_one() -> None:
    made = make_options(levels=6, bits="a=2")
    assert (made.levels, made.bits, made.recipes.of("a").levels) == (6, None, 3)
    with pytest.raises(SnnccError, match="both given"):
        make_options(levels="6,a=1", bits="a=2")


def test_a_layers_own_recipe_reaches_its_levels_and_weights() -> None:
    graph = replace(residual(), stage=Stage.IMPORTED)
    made = snncc.compile(graph, data(graph), bits="4,stem=2", weight_bits="8,joined=3")
    assert made.origin is not None
    network, recipes = made.origin.network, made.origin.settings["recipes"]
    ranges = [(name, network.node[name].type.hi) for name in ("stem", "joined")]
    assert ranges == [("stem", 3), ("joined", 15)]
    edges = [network.node[name] for name in network.node["joined"].inputs if name in network.node]
    weights = [network.constants[edge.inputs[1]].astype(np.int64) for edge in edges]
    mantissas = [exponents(weight).reshape(-1, *(1,) * (weight.ndim - 1)) for weight in weights]
    assert max(int((abs(w) >> e).max()) for w, e in zip(weights, mantissas, strict=True)) == 3
    assert isinstance(recipes, dict)
    assert recipes["by_layer"] == {"stem": {"levels": 3}, "joined": {"weight_bits": 3}}


def test_options_for_layers_that_are_not_there_are_refused_together() -> None:
    graph = replace(residual(), stage=Stage.IMPORTED)
    with pytest.raises(SnnccError) as caught:
        snncc.compile(graph, data(graph), bits="4,nope=2", weight_bits="8,neither=3", scales="mse,no=max")
    assert [d.code for d in caught.value.diagnostics] == ["SNN513"] * 3
    assert caught.value.exit_code == 2


def test_a_compiled_program_takes_no_options() -> None:
    graph = replace(residual(), stage=Stage.IMPORTED)
    program = snncc.compile(graph, data(graph))
    with pytest.raises(SnnccError, match="SNN350"):
        snncc.diagnose(program, data(graph), bits=3)
