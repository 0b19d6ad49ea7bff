"""The ONNX backend: the integer network behind a program as ONNX models in integer arithmetic."""
