"""Signal generators that only judge, by theme; `training.unseen_signals` lists them with their labels."""
