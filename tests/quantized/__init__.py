"""Networks that were quantized elsewhere: small ones as files, the scripts that made them, and their own runtimes."""
