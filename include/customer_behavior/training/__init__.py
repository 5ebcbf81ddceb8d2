"""Training: time split → tune → fit → calibrate → compare; the gate: champion against challenger."""
