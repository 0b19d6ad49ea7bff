"""Which core every neuron lives on."""
