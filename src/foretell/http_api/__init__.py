"""Our own HTTP door: /v1, health, metrics, and who may come in."""
