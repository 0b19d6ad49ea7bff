"""The vocabulary of a diagnosis: every cause it can name, with the knob that turns it."""

from __future__ import annotations

INPUT_CLIPPING = "input clipping"
INPUT_ROUNDING = "input rounding"
WEIGHT_ROUNDING = "weight rounding"
UNIT_ROUNDING = "unit rounding"
RANGE_REPAIR = "range repair"
BIAS_ROUNDING = "bias rounding"
CLIPPING = "activation clipping"
LEVEL_ROUNDING = "level rounding"
POOL_ROUNDING = "average-pool rounding"

# What quantization does: measured for every layer, in the order in which a layer's values meet them.
MEASURED = {
    INPUT_CLIPPING: "input values beyond the calibrated range are cut off",
    INPUT_ROUNDING: "input values are rounded to levels",
    WEIGHT_ROUNDING: "weights are rounded to integers, each edge in the best unit of each channel",
    UNIT_ROUNDING: "edges of very different size share a unit of charge (exponent groups), an output's channels one",
    RANGE_REPAIR: "units or levels were made coarser so that no input can overflow a state",
    BIAS_ROUNDING: "biases are rounded to whole units of charge",
    CLIPPING: "activations beyond the greatest level are cut off",
    LEVEL_ROUNDING: "activations are rounded to levels",
    POOL_ROUNDING: "sums of an average pool are rounded, for as they are they would need too many levels",
}

CHANNEL_SCALE = "channel scale"
CHANNEL_SPREAD = "channel spread"
WEIGHT_OUTLIER = "weight outlier"
BIAS_OUTLIER = "bias outlier"
BATCH_NORM = "batch norm statistics"
DEAD_LAYER = "dead layer"
DEAD_CHANNELS = "dead channels"
INPUT_SCALE = "input scale"
CALIBRATION_SIZE = "calibration size"
CALIBRATION_CLASSES = "calibration classes"
CALIBRATION_CONSTANT = "calibration constant"
DATA_LAYOUT = "data layout"
LABELS = "labels"
FLOAT_NETWORK = "float network"

# What is found in the float network and in the data: signs of damage that lie before quantization or make it worse.
SIGNS = {
    CHANNEL_SCALE: "one channel of a layer is very much larger than the others",
    CHANNEL_SPREAD: "channels of very different size share the levels of one layer",
    WEIGHT_OUTLIER: "single weights are very much larger than all others of their layer",
    BIAS_OUTLIER: "single biases are very much larger than what their layer adds up",
    BATCH_NORM: "the stored statistics of a batch norm are not those of the calibration data",
    DEAD_LAYER: "a layer gives the same values whatever the input is",
    DEAD_CHANNELS: "channels of a layer have no weights, or never fire",
    INPUT_SCALE: "calibration and test data differ in scale or offset",
    CALIBRATION_SIZE: "too few different calibration samples",
    CALIBRATION_CLASSES: "the calibration samples do not show all classes",
    CALIBRATION_CONSTANT: "a calibration input is the same everywhere",
    DATA_LAYOUT: "the data are not arranged or scaled as in the training",
    LABELS: "the labels do not fit the outputs, as numbers of classes",
    FLOAT_NETWORK: "the float network itself does not do its task on these data",
}
CAUSES = MEASURED | SIGNS
