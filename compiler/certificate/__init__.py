"""The certificate: every compile of a network proves its program, for all inputs, and says how."""

from snncc.compiler.certificate.certify import certify

__all__ = ["certify"]
