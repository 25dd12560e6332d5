"""Statistical forecasters."""
