"""Fine-tuning with torch: a float network learns to live with few levels and narrow weights."""
