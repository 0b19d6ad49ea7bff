"""The demonstration network: a small CNN for MNIST, its calibration set and 1,000 test images."""
