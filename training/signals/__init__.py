"""Signal generators that training learns from: a function per kind of sound, from a random generator to samples.

`training.unseen_signals` has the generators that only judge; the two share no code on purpose.
"""
