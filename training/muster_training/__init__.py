"""Experience in, ONNX out: one readable file per algorithm, with evaluation and benchmarks."""
