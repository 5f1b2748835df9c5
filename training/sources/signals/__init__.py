"""Signal generators that training learns from: a function per kind of sound, from a random generator to samples.

`training.sources.trained_signals` lists them with their labels. The generators that only judge are in
`training.sources.unseen`; the two share no code on purpose.
"""
