"""foretell: time-series forecasting where the data is."""
