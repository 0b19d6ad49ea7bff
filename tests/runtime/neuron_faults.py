"""Faults in neuron programs, as they are executed."""

from __future__ import annotations

from collections.abc import Callable

from tests.runtime.sealed import FAULTS, Make, Random, Sealed, fault

Change = Callable[[list[str], list[str], Random], "list[str] | None"]  # words of a line, names known before it
OTHERS = {  # operations that a slip may turn into each other
    "ge": ("gt",), "gt": ("ge",), "lt": ("ge", "gt"), "eq": ("ge", "lt"), "add": ("sub",), "sub": ("add",),
    "min": ("max",), "max": ("min",), "shl": ("shr",), "shr": ("shl",), "mul": ("add",), "copy": (),
}  # fmt: skip


def _lines(sealed: Sealed, random: Random) -> tuple[list[str], list[int], str]:
    """Return a random neuron program, the places of its instructions, and who runs it."""
    number = int(random.integers(len(sealed.plain["neurons"])))
    lines = sealed.plain["neurons"][number]
    places = [i for i, line in enumerate(lines) if line.split()[0] not in ("port", "param", "state", "membrane")]
    return lines, places, next(p["name"] for p in sealed.plain["populations"] if p["neuron"] == number)


def _rewritten(change: Change) -> Make:
    """Return what rewrites one instruction: ``change`` takes its words and the names known before it."""

    def make(sealed: Sealed, random: Random) -> str | None:
        lines, places, name = _lines(sealed, random)
        place = int(random.choice(places))
        words = lines[place].split()
        changed = change(words, _known(lines[:place]), random)
        if changed is None or changed == words:
            return None
        lines[place] = " ".join(changed)
        return f"{' '.join(words)} -> {lines[place]} in {name}"

    return make


def _known(lines: list[str]) -> list[str]:
    known = ["phase"]
    for line in lines:
        word, *rest = line.split()
        if word in ("param", "state", "port"):
            known += [f"in.{item}" if word == "port" else item.split(":")[0] for item in rest]
        elif len(rest) > 1 and rest[0] == "=":
            known.append(word)
    return known


def _arguments(words: list[str]) -> int:
    """Return where the arguments of an instruction begin."""
    return 3 if "=" in words else 1


def _other_operation(words: list[str], known: list[str], random: Random) -> list[str] | None:
    at = _arguments(words) - 1
    others = OTHERS.get(words[at], ())
    return [*words[:at], str(random.choice(others)), *words[at + 1 :]] if others else None


def _other_comparison(words: list[str], known: list[str], random: Random) -> list[str] | None:
    return _other_operation(words, known, random) if words[_arguments(words) - 1] in ("ge", "gt", "lt", "eq") else None


def _other_literal(words: list[str], known: list[str], random: Random) -> list[str] | None:
    places = [i for i in range(_arguments(words), len(words)) if words[i].lstrip("-").isdigit()]
    if not places:
        return None
    place = random.choice(places)
    return [*words[:place], str(int(words[place]) + int(random.choice([-1, 1]))), *words[place + 1 :]]


def _other_argument(words: list[str], known: list[str], random: Random) -> list[str] | None:
    place = random.integers(_arguments(words), len(words))
    return [*words[:place], str(random.choice(known)), *words[place + 1 :]]


def _turned(words: list[str], known: list[str], random: Random) -> list[str] | None:
    ordered = words[_arguments(words) - 1] in ("select", "sub", "ge", "gt", "lt", "shl", "shr")
    return [*words[:-2], words[-1], words[-2]] if ordered else None


def _without(words: list[str], known: list[str], random: Random) -> list[str] | None:
    """Leave a target as it is."""
    return [words[0], "=", "copy", words[0]] if "=" in words and words[0] in known else None


def _missing_clear(words: list[str], known: list[str], random: Random) -> list[str] | None:
    clears = words[1:5] == ["=", "select", "first", "0"]
    return [words[0], "=", "copy", words[0]] if clears else None


for _kind, _change in (
    ("other operation", _other_operation),
    (">= for >", _other_comparison),
    ("literal off by one", _other_literal),
    ("other argument", _other_argument),
    ("arguments turned", _turned),
    ("instruction left out", _without),
    ("missing clear", _missing_clear),
):
    FAULTS[_kind] = ("neurons", _rewritten(_change))


@fault("instruction twice", "neurons")
def _doubled(sealed: Sealed, random: Random) -> str | None:
    lines, places, name = _lines(sealed, random)
    places = [place for place in places if lines[place].split()[2:3] in (["add"], ["sub"], ["shl"])]
    places = [place for place in places if lines[place].split()[0] in lines[place].split()[3:]]
    place = int(random.choice(places)) if places else 0
    lines.insert(place, lines[place])
    return f"{lines[place]} in {name}" if places else None


@fault("instructions turned", "neurons")
def _exchanged(sealed: Sealed, random: Random) -> str | None:
    lines, places, name = _lines(sealed, random)
    places = [place for place in places[:-1] if _depends(lines[place + 1].split(), lines[place].split())]
    place = int(random.choice(places)) if places else 0
    lines[place : place + 2] = lines[place + 1], lines[place]
    return f"{lines[place + 1]}, {lines[place]} in {name}" if places else None


def _depends(later: list[str], earlier: list[str]) -> bool:
    """Return whether two instructions in a row may give something else in the other order."""
    return earlier[0] in later or later[0] in earlier


@fault("state", "neurons")
def _state(sealed: Sealed, random: Random) -> str | None:
    """Let a state begin with 1, narrow it, or read another one."""
    lines, _, name = _lines(sealed, random)
    at = next(i for i, line in enumerate(lines) if line.startswith("state "))
    states = lines[at].split()[1:]
    place = random.integers(len(states))
    choice = random.integers(3)
    if choice == 2:
        lines[at + 1] = f"membrane {states[place].split(':')[0]}"
        return f"{lines[at + 1]} in {name}"
    states[place] = f"{states[place]}=1" if choice else f"{states[place].split(':')[0]}:{random.integers(2, 6)}"
    lines[at] = " ".join(["state", *states])
    return f"{lines[at]} in {name}"
