"""How the built-in model's weights are made: synthetic series, windows, loss, one loop."""
