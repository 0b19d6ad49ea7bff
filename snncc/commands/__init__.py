"""The functions behind the words of the command line: options in, words or JSON out. Heavy imports wait for use."""
