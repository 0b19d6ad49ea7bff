"""Diagnostics of targets, placement, fit and cost (SNN7xx)."""

from __future__ import annotations

from snncc.compiler.catalogue_entry import Entry

CHIPS: dict[str, Entry] = {
    # target files, compiler/targets/ (SNN700..)
    "SNN700": Entry(
        "target file cannot be read",
        "The file is no TOML, no text, has another schema than this snncc reads, or a name that a program cannot bear.",
        "docs/targets.md says how target files are written.",
    ),
    "SNN701": Entry(
        "unknown key of a target file",
        "A section or key is none that a target file has; it would be read by nobody.",
        "Use the nearest one, which the message names, or leave it out.",
    ),
    "SNN702": Entry(
        "figure of a target file is missing",
        "Every figure stands in the file, with its source, or is marked absent with the reason.",
        "Add it; a board may leave out what the file of its chip says.",
    ),
    "SNN703": Entry(
        "entry of a target file is malformed",
        "A figure is { value, source, note } or { absent }, its value of one type; some must be known. Names of "
        "sources, codings and files are texts.",
        "Write it as the message says.",
    ),
    "SNN704": Entry(
        "figure of a target file is out of range",
        "A value is of the right type and none that is allowed here.",
        "Give one that is allowed; the message names them.",
    ),
    "SNN705": Entry(
        "source of a figure is not explained",
        "A figure names a source that [sources] of the file, or of the file of its chip, does not have.",
        "Add the source to [sources], or correct its key.",
    ),
    "SNN706": Entry(
        "figures of a target contradict each other",
        "Two figures cannot both be true: cores that make no whole tiles, a coding of payloads where spikes "
        "carry none.",
        "Correct one of them; the message names both.",
    ),
    "SNN707": Entry(
        "chip of a target file is not found",
        "A file builds on that of its chip, and that is missing, or builds on itself in the end.",
        "Name a bundled target, or the path of a file from the folder of this one.",
    ),
    # what does not fit a target, compiler/placement/misfits.py (SNN710..)
    "SNN710": Entry(
        "a neuron does not fit a core",
        "However finely the population is cut, one of its neurons alone needs more of a core than there is: in-axons, "
        "out-axons or words of synapse memory.",
        "Use fewer weight bits, split the layer's input channels between layers that are summed, or use another "
        "target.",
    ),
    "SNN711": Entry(
        "more cores than the target has",
        "Every population can be cut to fit, but all of them together take more cores than the chip or board has. The "
        "message names what takes most.",
        "Use the board that the hint names, fewer weight bits where synapse memory is the fullest, or a "
        "smaller network.",
    ),
    "SNN712": Entry(
        "fan-in or fan-out beyond the target's",
        "One neuron has more synapses, coming or going, than the target allows for a neuron.",
        "Split the layer, or use another target.",
    ),
    "SNN714": Entry(
        "neurons that the target has not",
        "The program's neurons send in a coding, carry payloads, keep states or read ports that the neurons "
        "of the target "
        "do not.",
        "Compile the network for this target.",
    ),
    "SNN715": Entry(
        "weights that the target does not store",
        "The synapse memory of the target has no field as wide as the connection's weights.",
        "Compile with fewer weight bits.",
    ),
    "SNN716": Entry(
        "delay beyond the target's",
        "A connection waits longer than the target's synapses can.",
        "Compile the network for this target, which bridges long waits by relays.",
    ),
    # rules of a placement, compiler/placement/rules.py (SNN720..)
    "SNN720": Entry(
        "board without slices, or slices without a board",
        "A placed program names the target it is placed on and the core of every neuron; this one has the one without "
        "the other.",
        "Place the program again with snncc place.",
    ),
    "SNN721": Entry(
        "name of a slice", "Slices are named in letters, digits, '_' and '.', each differently.", "Rename the slice."
    ),
    "SNN722": Entry(
        "slice of no population",
        "A slice is a part of a population that the program does not have.",
        "Name a population of the program, or place the program again with snncc place.",
    ),
    "SNN723": Entry(
        "slice outside of its population",
        "A slice is a box of neurons: from its first index up to its last, along each axis of the population's shape, "
        "and never empty.",
        "Correct the ends of the slice, or place the program again with snncc place.",
    ),
    "SNN724": Entry(
        "neurons in no slice, or in several",
        "The slices of a placed program cover every population, each neuron once: it lives on one core.",
        "Correct the ends of the slices, or place the program again with snncc place.",
    ),
    "SNN725": Entry(
        "core of a slice", "Cores are numbered from 0; -1 stands for the host.", "Correct the number of the core."
    ),
    # cost (SNN730..)
    "SNN730": Entry(
        "unknown cost table",
        "The target has no table of energies and times of this name.",
        "Use one of the names that the message lists; snncc targets show NAME tells more of each.",
    ),
    "SNN731": Entry(
        "number out of range for a cost report",
        "Inferences in a second are more than 0, and at least one sample is counted.",
        "Give a number in that range.",
    ),
    "SNN732": Entry(
        "no inferences to count",
        "Costs are means over inferences: samples that follow each other at the program's interval. A program that is "
        "fed by events, or that runs without an interval, has none.",
        "Give a program that takes tensors, as compiled ones do.",
    ),
    # slices of a program, compiler/placement/pieces.py
    "SNN729": Entry(
        "program that is not placed",
        "What is asked of each core can be told once every neuron has one.",
        "Place the program with snncc place.",
    ),
    # export for SANA-FE, backends/sanafe/ (SNN740..)
    "SNN740": Entry(
        "coding that SANA-FE's Loihi has no neuron for",
        "A population sends graded payloads, digits or latencies. SANA-FE's model of Loihi has neurons that integrate "
        "and fire with soft reset, and spikes of one bit; of the codings here they can send rate.",
        "Compile with --coding rate --target loihi1.",
    ),
    "SNN741": Entry(
        "neuron that SANA-FE's Loihi does not have",
        "A population sends negative levels, counts a ladder of thresholds, or runs a neuron program of its own. "
        "SANA-FE's neurons have one threshold, and their spikes no sign.",
        "Use ReLU, with or without a cap, in the model.",
    ),
    "SNN742": Entry(
        "windows that overlap",
        "A population would hear the next sample before it has fired for the last one. SANA-FE's neurons have one "
        "potential, so a sample must have left the chip before the next one enters.",
        "Compile with --schedule sequential, which is the default of loihi1.",
    ),
    "SNN743": Entry(
        "placement that SANA-FE's Loihi cannot take",
        "The program is not placed, or stands on cores that SANA-FE's loihi.yaml does not have: it is one chip of 128 "
        "cores of 1024 neurons. Inputs and gate lines stand on cores of their own beside the program's.",
        "Place the program on loihi1: snncc place PROGRAM --target loihi1.",
    ),
    "SNN744": Entry(
        "too many synapses for SANA-FE",
        "Every synapse is written on a line of its own, and SANA-FE holds each by itself. The export stops where that "
        "would take more memory than most machines have.",
        "Export a smaller network of the same kind.",
    ),
    "SNN745": Entry(
        "potentials too large for SANA-FE",
        "What a neuron may accumulate, with what its gate lines add, leaves the range in which SANA-FE holds "
        "potentials exactly.",
        "Compile with fewer levels or weight bits.",
    ),
    "SNN746": Entry(
        "program that SANA-FE cannot be fed with",
        "Samples are written into the network as spike trains. A program that takes events, or runs freely, has none.",
        "Export a compiled network that takes tensors.",
    ),
    # inspect (SNN750..)
    "SNN750": Entry(
        "nothing to fit a network to",
        "inspect was told how a network is to be compiled, and on no target; without one it shows what the network is "
        "made of, which hangs on none of these options.",
        "Name one or more targets: snncc inspect MODEL --target loihi2 --target loihi1.",
    ),
}
