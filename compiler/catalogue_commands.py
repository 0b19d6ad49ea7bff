"""Diagnostic codes of options, artifacts and the command: SNN500 and up."""

from __future__ import annotations

from snncc.compiler.catalogue_entry import Entry

COMMAND: dict[str, Entry] = {
    # options (SNN500..)
    "SNN500": Entry(
        "bad command line",
        "An option or argument is unknown, missing, or not of the type it takes.",
        "snncc COMMAND --help lists the options.",
    ),
    "SNN501": Entry(
        "unknown target",
        "There is no chip of this name, or no target file of this path: a path ends in .toml or names a folder.",
        "Use one of the names that the message lists, or the path of a target file.",
    ),
    "SNN502": Entry(
        "unknown coding", "There is no spike code of this name.", "Use one of the names that the message lists."
    ),
    "SNN503": Entry(
        "bad number of levels",
        "Bits lie outside 1..16, levels outside 1..65535, one of them is no whole number, or both were given, for the "
        "whole network or for one layer.",
        "Give one of the two: bits n means levels 0..2^n - 1.",
    ),
    "SNN504": Entry(
        "bad width of weights",
        "A weight, sign included, has 2 to 8 bits, and no more than the target stores.",
        "Choose a width from 2 to 8 that the target has, or leave it out for the widest.",
    ),
    "SNN505": Entry(
        "unknown schedule",
        "A schedule is pipelined (samples follow each other at the initiation interval) or sequential (one at a time).",
        "Choose one of the two, or leave it to the target.",
    ),
    "SNN506": Entry(
        "coding or schedule does not suit the target",
        "The coding sends payloads and the chip's spikes carry none, its neurons cannot run the coding, or they cannot "
        "keep the schedule: a neuron with one state cannot take in the next sample while it still sends.",
        "Choose one that the message lists; snncc targets shows those of every target.",
    ),
    "SNN507": Entry(
        "unknown engine",
        "A program runs on the engine levels, the fast integer executor, on emulator, which steps every neuron, or on "
        "c, which does so in C.",
        "Choose one of the three.",
    ),
    "SNN508": Entry(
        "unknown diagnostic",
        "There is no diagnostic with this code.",
        "Copy the code from a message; docs/errors.md lists all of them.",
    ),
    "SNN509": Entry(
        "unknown pass",
        "The pass after which the graph was to be printed did not run.",
        "Use one of the names that the message lists, or all.",
    ),
    "SNN510": Entry(
        "dominated coding",
        "A warning. On this chip another coding sends the same levels at less cost by the account of the target's "
        "file, which docs/targets.md shows.",
        "Use the coding that the message names, or keep this one to compare.",
    ),
    "SNN511": Entry(
        "interrupted",
        "The command was stopped before it was done. Result files are written whole or not at all, so there is none.",
        "Run the command again.",
    ),
    "SNN512": Entry(
        "codings chosen by cost",
        "A note. --coding auto chose the coding of each layer by the synaptic events and neuron updates that the "
        "calibration data cause, times the energies in the target's file. The figures are modelled, and the levels are "
        "the same in every coding.",
        "Nothing needs to be done; name codings (--coding rate,LAYER=ttfs) to choose otherwise.",
    ),
    "SNN513": Entry(
        "unknown layer",
        "An option was given for a layer that the integer network does not have, or that has nothing of the kind: only "
        "inputs and activations choose a coding or a number of levels, only layers with weights a width, and pools "
        "follow what they read.",
        "Use one of the names that the message lists.",
    ),
    "SNN514": Entry(
        "unknown scales",
        "The real value of a level is found by mse (least mean square error), max (the largest activation seen), "
        "percentile:P (all but the largest activations) or kl (least divergence of the distribution).",
        "Choose one of them; --scales mse,LAYER=max for one layer.",
    ),
    "SNN515": Entry(
        "unknown rounding",
        "Weights are rounded to nearest, or adaptive: so that the layer's charges on the calibration data come closest "
        "to those of the float network; adaptive:0.5 makes half of the weights zero, too, those that cost least.",
        "Choose one of them; --rounding nearest,LAYER=adaptive for one layer.",
    ),
    "SNN516": Entry(
        "layer given twice",
        "An option was given more than once for one layer, or for the rest of the network.",
        "Give one value for each layer.",
    ),
    # tuning (SNN520..)
    "SNN520": Entry(
        "unknown objective",
        "What `snncc tune` is to minimize is the name of an objective: energy, latency, interval or synops.",
        "Use one of the names in the message.",
    ),
    "SNN521": Entry(
        "data that should be apart share samples",
        "Calibration data shape the network, tuning data choose among networks, test data judge the one chosen. A "
        "sample that serves twice makes losses come out too small. Samples count as shared if all their inputs are "
        "equal.",
        "Split the data so that no sample is in two files.",
    ),
    "SNN522": Entry(
        "study of something else",
        "The trials in a study hold for one model, one set of calibration and of tuning data, one target, one choice "
        "of codings, one objective and one version of snncc. With another they would mean nothing.",
        "Give the inputs that the study was begun with, or the name of a new study.",
    ),
    "SNN523": Entry(
        "study that cannot be used",
        "The file is no study that snncc wrote, or it cannot be read or written.",
        "Name another file, or remove this one.",
    ),
    "SNN524": Entry(
        "study in use", "Another process is writing to the study.", "Wait until it is done, or name another file."
    ),
    "SNN525": Entry(
        "number out of range for tuning",
        "The greatest loss is 0 or above; trials, seconds and jobs are above 0.",
        "Give a number in that range.",
    ),
    "SNN526": Entry(
        "how far an objective can fall",
        "A note: where default options are at the least that an objective can have, no program can be cheaper by it; "
        "and some of an energy is spent whatever is chosen.",
        "Minimize something else, such as energy or synops, if there is nothing to win.",
    ),
    "SNN527": Entry(
        "no point is good enough",
        "Every network that was measured loses more on the tuning data than was allowed. The message tells what comes "
        "closest.",
        "Allow a larger loss, search longer, or calibrate with more data.",
    ),
    "SNN528": Entry(
        "nothing to tune in a quantized network",
        "A network that brings its own levels and weights is compiled as it is.",
        "Compile it, with --coding auto for the cheapest codings; or tune the float network it was made from.",
    ),
    "SNN529": Entry(
        "chosen program loses more on the test data than allowed",
        "A warning. A loss measured on the data by which a point was chosen among many comes out too small. On data "
        "that had no part in the choice even the lower end of the loss's 95% interval lies above what was allowed.",
        "Give more tuning data, like those of the test, or choose by the whole interval with --sure.",
    ),
    # fine-tuning (SNN530..)
    "SNN530": Entry(
        "torch is not installed",
        "A network can only be fine-tuned where torch is installed.",
        "Install snncc[torch]; the fine-tuned network, exported to ONNX, needs no torch.",
    ),
    "SNN531": Entry(
        "bad option of a fine-tuning run",
        "Epochs, batch, seed, rate, the share of distillation, a width or a number of levels is out of range.",
        "Give a number in the range that the message names; fine-tuning knows 1 to 7 bits.",
    ),
    "SNN532": Entry(
        "network cannot be fine-tuned",
        "Fine-tuning rescales layers, which activations other than ReLU, LeakyReLU, PReLU and clipping do not allow; a "
        "weight cannot read means over different numbers of positions; and a network that holds quantizers was trained "
        "elsewhere.",
        "Replace the activation and train again, or compile the float network with more levels.",
    ),
    "SNN533": Entry(
        "fine-tuning diverged",
        "The loss became infinite or no number.",
        "Lower the learning rate, give more bits, and look for inputs that are far larger than the others.",
    ),
    # backends and artifacts (SNN600..)
    "SNN600": Entry(
        "unknown backend",
        "There is no backend of this name, neither in snncc nor in an installed package.",
        "Use one of the names that the message lists; snncc backends tells more of each.",
    ),
    "SNN601": Entry(
        "backend cannot be loaded",
        "The package that offers the backend failed when it was imported, or offers something else.",
        "Repair or uninstall that package.",
    ),
    "SNN602": Entry(
        "two backends of one name",
        "Two installed packages offer a backend of the same name, and snncc does not choose between them.",
        "Uninstall one of the packages.",
    ),
    "SNN603": Entry(
        "artifact cannot be written",
        "The folder could not be made, is the one in which the command runs, or holds files that are no part of an "
        "artifact. What stood there before is untouched.",
        "Name a new or empty folder, or one that holds an artifact and nothing else, which is replaced.",
    ),
    "SNN604": Entry(
        "artifact is broken",
        "The folder is no artifact, or a file in it is missing or is not as it was emitted.",
        "Emit the program again.",
    ),
    "SNN605": Entry(
        "backend's runtime is missing",
        "The artifact needs a compiler, an interpreter or a package that is not on this machine.",
        "Install what the message names.",
    ),
    "SNN606": Entry(
        "artifact failed to run",
        "The backend's compiler or runtime ended with an error, wrote something else than a trace, or took too long.",
        "Emit the program and run the artifact's self-test, as its README says, to see more.",
    ),
    "SNN607": Entry(
        "backend failed",
        "A backend that another package brings raised an error of its own.",
        "Report it to those who made the backend; --debug shows the traceback.",
    ),
    "SNN610": Entry(
        "state or result too wide for the backend",
        "A state, a temporary result, a payload or a parameter of a neuron program needs more bits than the backend's "
        "language or simulator holds without wrapping.",
        "Compile with fewer levels or weight bits, or narrow the states of a program of your own.",
    ),
    "SNN611": Entry(
        "arrivals too large for the backend",
        "What can reach a neuron in one step does not fit the backend's accumulator, by interval arithmetic over all "
        "its synapses.",
        "Compile with fewer levels or weight bits, or split the layer.",
    ),
    "SNN612": Entry(
        "synapses that the backend cannot hold",
        "A connection's weights, geometry or delay have no form in the backend.",
        "Compile for a target whose limits the backend shares, or use another backend.",
    ),
    "SNN613": Entry(
        "program that the backend has no form for",
        "The backend expresses something else than this program holds, such as the integer network of a program that "
        "was made by hand.",
        "Compile a model to get a program with its network, or use another backend.",
    ),
    # the command itself (SNN900..)
    "SNN900": Entry(
        "internal error",
        "snncc broke one of its own rules. A folder was left with the traceback, the command and the files it read.",
        "Please report it with that folder; --debug shows the traceback.",
    ),
    "SNN901": Entry(
        "out of memory",
        "The machine has too little memory for the model and the data.",
        "Give fewer samples, or use a machine with more memory.",
    ),
    "SNN902": Entry(
        "refused by the operating system",
        "A file or stream could not be used while the command ran, for example because the disk is full.",
        "See that what the message names exists and has room.",
    ),
}
