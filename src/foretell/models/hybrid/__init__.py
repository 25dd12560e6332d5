"""The parts of `foretell-small`: candidate forecasts, their in-context evidence, and the network that weighs them."""
