"""Signal generators that only judge, by theme; `training.sources.unseen_signals` lists them with their labels."""
