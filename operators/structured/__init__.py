"""Linear maps of known structure, fitted to pairs of inputs and outputs."""
